"""The authors of a model version: the people behind its commit, training and run."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.people.people import People, canonical
from function_app.domain.text import identifiers as ids

# Tags are short texts, and a person who pushes chooses the names in a commit.
MOST_AUTHORS, LONGEST_IDENTITY = 16, 254
# Tag of a run and property of a model version.
AUTHORS = "authors"


class Role(StrEnum):
    """The role of a person in a model version, the most reliable source first."""

    STARTED = "started"
    OWNS = "owns"
    PUSHED = "pushed"
    WROTE = "wrote"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A person in one role, by the name that the source of the role knows.

    It is the code host's login for a push, the address in the commit for its author and committer,
    and a name of mlops.toml for a person who started a training with a token of this app.
    """

    role: Role
    identity: ids.Line


Authors = tuple[Author, ...]


def make_authors(named: Iterable[tuple[Role, str]]) -> Authors:
    """Return an author for each name that is not empty, each role and name once."""
    authors = (
        Author(role=role, identity=identity.strip()[:LONGEST_IDENTITY])
        for role, identity in named
        if identity.strip()
    )
    return tuple(dict.fromkeys(authors))


def join_authors(*several: Authors) -> Authors:
    """Return all authors, each once, in order."""
    return tuple(dict.fromkeys(author for authors in several for author in authors))


def write_authors(authors: Authors) -> str:
    """Return the authors as the text of a tag.

    The people whom this app or the code host knows come first, because the writer of a commit could
    otherwise push them over the limit by names in it.
    """
    order = list(Role)
    first = sorted(authors, key=lambda author: order.index(author.role))[:MOST_AUTHORS]
    rows = [[author.role.value, author.identity] for author in first]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=True)


def read_authors(text: str) -> Authors:
    """Return the authors of such a text; () for any other text, because tags may be forged."""
    try:
        rows = json.loads(text) if text else []
        return make_authors((Role(role), str(identity)) for role, identity in rows)
    except (ValueError, TypeError, RecursionError):
        return ()


def people_of(authors: Authors, people: People) -> frozenset[str]:
    """Return the canonical names of the authors."""
    return frozenset(canonical(author.identity, people) for author in authors)


def has_known_cause(authors: Authors) -> bool:
    """Return whether a known person caused the version by starting, owning or pushing it.

    The names in a commit do not count, because its writer chooses them. A file that arrives in a
    folder or a container, a schedule and a request without a token have no known person.
    """
    return any(author.role in (Role.STARTED, Role.OWNS, Role.PUSHED) for author in authors)


def describe_authors(
    authors: Authors, commit: str, people: People, approvers: Iterable[str]
) -> tuple[str, ...]:
    """Return sentences for the evidence: the people behind the training, then behind the code.

    `commit` is "" for this app's own code. The sentences say so where a person is unknown.
    """
    known = {name.casefold() for name in (*people, *approvers)}
    by_role = {
        role: " and ".join(
            _named(author.identity, people, known) for author in authors if author.role is role
        )
        for role in Role
    }
    started, owns = by_role[Role.STARTED], by_role[Role.OWNS]
    lines = [
        f"{started} started the training."
        if started
        else "An event or a schedule started the training, or a request without a person's token."
    ]
    if owns:
        lines.append(f"{owns} owns the run.")
    verbs = ((Role.WROTE, "wrote"), (Role.COMMITTED, "committed"), (Role.PUSHED, "pushed"))
    code = [f"{by_role[role]} {verb} it" for role, verb in verbs if by_role[role]]
    if code:
        unknown = "" if by_role[Role.PUSHED] else "; the person who pushed it is unknown"
        lines.append(f"Code of commit {commit[:12]}: {', '.join(code)}{unknown}.")
    elif commit:
        lines.append(f"Code of commit {commit[:12]}: its author is unknown.")
    else:
        lines.append("The code is this app's own; its author is unknown here.")
    return tuple(lines)


def _named(identity: str, people: People, known: set[str]) -> str:
    name = canonical(identity, people)
    if name not in known:
        return f"{identity} (not in mlops.toml)"
    return identity if name == identity.casefold() else f"{identity} ({name})"
