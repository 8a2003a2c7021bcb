"""The audit log's rules: entries in a hash chain, and the check that finds tampering.

Each entry carries the SHA-256 of its own content, which includes the hash of the entry before it.
A change of one entry therefore breaks its hash or the link of the next entry; a head, stored apart
from the entries, names the last number and hash, so that entries missing at the end are found too.
Source: Haber and Stornetta, "How to time-stamp a digital document", Journal of Cryptology 3 (1991).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from function_app.domain.codec import dump, load
from function_app.domain.text.redaction import redact
from function_app.errors import ContractError

ZERO = "0" * 64
# Characters of each text of an entry; longer ones are cut.
LONGEST_TEXT = 500


class Kind(StrEnum):
    """The subject of an entry."""

    DECISION = "decision"
    ORDER = "order"
    REFUSAL = "refusal"
    KEY_USE = "key use"
    CHANGE = "change of production"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """An action with its caller, subject, address, reason and time, and the answer of the app.

    `who` is a person, `key <fingerprint>`, `source <name>`, `story <id>`, or "" for a caller
    without credentials. `subject` names the release, the story or the route. `why` is the person's
    comment, `reason` the app's answer. `refers_to` names the decision or the order that a change of
    production follows. `count` is the number of equal requests that the entry represents.
    """

    kind: Kind
    action: str
    at: datetime
    who: str = ""
    address: str = ""
    model: str = ""
    subject: str = ""
    why: str = ""
    code: str = ""
    reason: str = ""
    refers_to: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry's number and hash; 0 and ZERO for an empty log."""

    number: int = 0
    hash: str = ZERO

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An entry that was changed after it was written, and the evidence of the check."""

    number: int
    problem: str


def read_head(text: str) -> Head:
    """Return the head that the text `NUMBER:HASH` names; ContractError for any other text."""
    number, _, digest = text.partition(":")
    if not number.isascii() or not number.isdecimal() or len(digest) != 64:
        raise ContractError(
            f"{text[:80]!r} is not a head. Give NUMBER:HASH, as a check printed it."
        )
    return Head(number=int(number[:15]), hash=digest.lower())


def written(event: AuditEvent, head: Head) -> tuple[dict[str, Any], Head]:
    """Return the event as the entry after this head, and the new head.

    Texts are redacted, put on one line and cut, because they come from outside.
    """
    content = {name: _plain(value) for name, value in dump(event).items()}
    content |= {"number": head.number + 1, "previous": head.hash}
    digest = digest_of(content)
    return {**content, "hash": digest}, Head(number=head.number + 1, hash=digest)


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the canonical JSON of an entry's fields but its hash."""
    hashed = {name: value for name, value in content.items() if name != "hash"}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_event(content: Mapping[str, Any]) -> AuditEvent:
    """Return the event of a stored entry; ContractError when the entry is damaged."""
    return load(AuditEvent, dict(content))


def check_entries(
    before: Head, last: int, entries: Iterable[tuple[int, Mapping[str, Any]]]
) -> Iterator[Fault]:
    """Yield the faults of the entries after `before` up to the number `last`.

    `entries` are the stored ones with the number under which each is stored, in order.
    """
    expected, previous = before.number + 1, before.hash
    for number, content in entries:
        for missing in range(expected, min(number, last + 1)):
            yield Fault(number=missing, problem="The entry is missing.")
            previous = ""
        if number > last:
            yield Fault(number=number, problem=f"The head names entry {last} as the last entry.")
            continue
        yield from _check_entry(number, content, previous)
        expected, previous = number + 1, str(content.get("hash", ""))
    for missing in range(expected, last + 1):
        yield Fault(number=missing, problem="The entry is missing.")


def check_end(head: Head, stored_hash: str) -> Iterator[Fault]:
    """Yield a fault when the last entry's stored hash is not the one that the head names."""
    if head.hash != stored_hash:
        problem = "The head names another hash: this entry or the head was changed."
        yield Fault(number=head.number, problem=problem)


def check_anchor(anchor: Head, head: Head, stored_hash: str | None) -> Iterator[Fault]:
    """Yield a fault when the log does not contain a head that was stored outside of it.

    `stored_hash` is that of the entry with the anchor's number, None when there is no such entry.
    """
    if anchor.number > head.number:
        problem = f"Entries are missing at the end: the log ends at {head.number}."
        yield Fault(number=anchor.number, problem=problem)
    elif anchor.hash != (ZERO if anchor.number == 0 else stored_hash):
        problem = "The entry differs from the stored head: the log was rewritten as a whole."
        yield Fault(number=anchor.number, problem=problem)


def _check_entry(number: int, content: Mapping[str, Any], previous: str) -> Iterator[Fault]:
    """Yield at most one fault; an unknown `previous` (after a missing entry) is "" and fits all."""
    if content.get("hash") != digest_of(content):
        yield Fault(number=number, problem="The entry was changed after it was written.")
    elif content.get("number") != number:
        problem = f"The entry was moved here: it says that it is entry {content.get('number')}."
        yield Fault(number=number, problem=problem)
    elif previous and content.get("previous") != previous:
        problem = "The entry does not follow the one before it: one of the two was replaced."
        yield Fault(number=number, problem=problem)


def _plain(value: Any) -> Any:
    """Return a text on one line without credentials, at most LONGEST_TEXT characters long."""
    if not isinstance(value, str):
        return value
    line = "".join(c if c.isprintable() else " " for c in redact(value))
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
