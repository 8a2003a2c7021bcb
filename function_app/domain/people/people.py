"""People by the names under which mlops.toml, git, the code host and Entra know them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_OID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# GitHub commits in the name of a login under such an address, with or without the account's number.
_NO_REPLY = re.compile(r"(?:[0-9]+\+)?([A-Za-z0-9-]+)@users\.noreply\.github\.com", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The names of one person outside mlops.toml, `[people.<name>]`.

    `git` are e-mail addresses of commits and logins of the code host, `oid` is the object id in
    Entra, "" when it is not given.
    """

    git: tuple[str, ...] = ()
    oid: str = ""


People = Mapping[str, Person]


def canonical(identity: str, people: People) -> str:
    """Return the name that mlops.toml has for an identity, else the identity itself, folded.

    Two identities are one person when this function returns the same text for both. Upper and
    lower case do not count: code hosts, mail servers and Entra ignore it.
    """
    folded = identity.strip().casefold()
    login = _NO_REPLY.fullmatch(folded)
    names = (folded, login[1]) if login else (folded,)
    for name, person in people.items():
        known = {name.casefold(), person.oid.casefold(), *(git.casefold() for git in person.git)}
        if known.intersection(names):
            return name.casefold()
    return names[-1]


def is_oid(text: str) -> bool:
    """Return whether a text is an object id of Entra."""
    return _OID.fullmatch(text) is not None


def name_of_oid(oid: str, people: People) -> str:
    """Return the name of the person with this object id of Entra, else the id itself."""
    folded = oid.strip().casefold()
    for name, person in people.items():
        if person.oid and person.oid.casefold() == folded:
            return name
    return folded


def distinct(identities: Iterable[str], people: People) -> tuple[str, ...]:
    """Return the canonical names of the people behind these identities, each once, in order."""
    return tuple(dict.fromkeys(canonical(identity, people) for identity in identities))


def join_people(names: Iterable[str]) -> str:
    """Return several people as one text of a record, such as ada+grace, cut to 113 characters."""
    return "+".join(dict.fromkeys(names))[:113]
