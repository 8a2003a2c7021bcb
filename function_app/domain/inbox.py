"""What came in: kept first, claimed once by its cause, and what became of it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

# The channel of events that the app publishes to itself, where the host has no topic.
OWN_CHANNEL = "own"


class Outcome(StrEnum):
    """What became of an event."""

    STARTED = "started"
    WOKEN = "woken"
    REPEATED = "repeated"
    STALE = "stale"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """An event as it came, by which channel, and what became of it; no outcome means nothing yet.

    `event_key` is the digest of the payload: the same text is the same event. One that was refused
    is a dead letter. `traceparent` is what everything that it causes is traced below.
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
class Claim:
    """A cause and the instance that owns it; `content` is what made the event new.

    `order` sorts the claims of one type and subject as text; "" when they have no order.
    """

    key: str
    owner: str
    type: str
    subject: str
    content: str
    claimed_at: datetime
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The claim that is kept for a cause, and the newest of its subject when that is another.

    `created` tells that this very call made the claim: who made it starts the story.
    """

    claim: Claim
    newer: Claim | None = None
    created: bool = False


def event_key(payload: Any) -> str:
    """Return the digest of a payload's canonical JSON, 32 hex digits."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
