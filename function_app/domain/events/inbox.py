"""Stored events: each is stored first, claimed once by its cause, and has an outcome."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from function_app.domain.events.times import in_one_form
from function_app.domain.text.redaction import redact_content

# The channel of events that the app publishes to itself, where the host has no topic.
OWN_CHANNEL = "own"
# Attribute of a kept event: the person whose token came with the request.
SENDER = "mlopssentby"


class Outcome(StrEnum):
    """The outcome of an event."""

    STARTED = "started"
    WOKEN = "woken"
    REPEATED = "repeated"
    STALE = "stale"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """An event as received, its channel and its outcome; None while it is not processed.

    `event_key` is the digest of the payload: the same text is the same event. A refused event is a
    dead letter. `traceparent` is the parent of the spans that it causes.
    """

    event_key: str
    channel: str
    payload: Any
    received_at: datetime
    outcome: Outcome | None = None
    instance_ids: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None
    settled_at: datetime | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events, newest first; `next` is the cursor of the next page, None after the last."""

    events: tuple[InboxEvent, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A cause and the instance that owns it; `content` made the event new.

    `order` sorts the claims of one type and subject as text; "" when they have no order. Content
    that comes back after other content is claimed again under another key; `cause` is then the key
    under which the content was claimed first, else "".
    """

    key: str
    owner: str
    type: str
    subject: str
    content: str
    claimed_at: datetime
    order: str = ""
    cause: str = ""

    @property
    def first_key(self) -> str:
        """Return the key of the first claim of this content."""
        return self.cause or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The stored claim of a cause, and the newest claim of its subject when that is another.

    `created` is True for the call that made the claim; its caller starts the story.
    """

    claim: Claim
    newer: Claim | None = None
    created: bool = False


def repeated(claim: Claim, first: Claim, before: Claim | None, after: Claim | None) -> Claim | None:
    """Return the stored claim that `claim` repeats; None when its content came back.

    `first` is stored under the same key. `before` and `after` are the stored neighbours of the
    claim's order, or None. A file that is A, then B, then A again has three causes; several events
    of one write, and a write of the same content directly after it, have one.
    """
    if not claim.order or before is None or before.order <= first.order <= claim.order:
        return first
    neighbours = (each for each in (before, after) if each and each.first_key == claim.key)
    return next(neighbours, None)


def renewed(claim: Claim, before: Claim) -> Claim:
    """Return the claim of content that came back after `before`, with its own key and owner.

    The key depends on the two contents only, so that all events of one write get the same key. An
    owner ends with the first digits of its claim's key.
    """
    key = hashlib.sha256(f"{claim.key}\0{before.key}".encode()).hexdigest()[:32]
    owner = claim.owner.removesuffix(f"-{claim.key[:12]}") + f"-{key[:12]}"
    return replace(claim, key=key, owner=owner, cause=claim.key)


def with_sender(payload: Any, person: str) -> Any:
    """Return the payload with the person whose token came with it, without a person for "".

    The field belongs to this app: a value of it in a payload from outside is dropped.
    """
    if not isinstance(payload, dict):
        return payload
    rest = {name: value for name, value in payload.items() if name != SENDER}
    return {**rest, SENDER: person} if person else rest


def sender_of(payload: object) -> str:
    """Return the person whose token came with a stored event, "" without one."""
    return str(payload.get(SENDER) or "") if isinstance(payload, dict) else ""


def event_key(payload: Any) -> str:
    """Return the digest of a payload's canonical JSON, 32 hex digits.

    The key is the same before and after the Functions host of Azure rewrites the payload's times. A
    payload that is nested too deeply for JSON is cut as its stored form is.
    """
    try:
        return earlier_event_key(in_one_form(payload))
    except RecursionError:
        return earlier_event_key(in_one_form(redact_content(payload)))


def earlier_event_key(payload: object) -> str:
    """Return the key that version 0.1.0 gave a payload: the digest of its texts as they came."""
    try:
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        text = json.dumps(redact_content(payload), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
