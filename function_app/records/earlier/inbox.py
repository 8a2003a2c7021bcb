"""An inbox of an earlier version: it had tables of its own on each platform."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from function_app.domain.codec import load
from function_app.domain.events.inbox import Claim, InboxEvent
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.earlier.adoption import adopt, parsed
from function_app.records.inbox.claims import BY_KEY, BY_TIME, CLAIMS, new_claim
from function_app.records.inbox.inbox import EVENTS, new_event
from function_app.records.inbox.payloads import Payloads
from function_app.records.order import downwards

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierEvent:
    """An event that an earlier version stored; `text` is its JSON with the payload."""

    event_key: str
    received_at: datetime
    outcome: str | None
    text: str


def adopt_events(rows: Rows, events: Iterable[EarlierEvent]) -> None:
    """Store the events of an earlier version, unless they are stored already."""
    payloads = Payloads(rows)
    adopt(rows, EVENTS, (_event(payloads, event) for event in events))


def adopt_claims(rows: Rows, claims: Iterable[tuple[str, str]]) -> None:
    """Store the claims of an earlier version, given as keys and JSON texts."""
    adopt(rows, CLAIMS, (_claim(key, text) for key, text in claims))


def _event(payloads: Payloads, event: EarlierEvent) -> list[Put]:
    content = _content(payloads, event)
    return new_event(event.event_key, downwards(event.received_at), event.outcome, content)


def _content(payloads: Payloads, event: EarlierEvent) -> dict[str, Any]:
    content = parsed(event.text)
    try:
        # A payload is any JSON value, which no loader checks.
        return payloads.store(replace(load(InboxEvent, content), payload=content.get("payload")))
    except ContractError:
        # It stays damaged, with the text that was stored.
        return {"damaged": json.dumps(content)[:100_000]}


def _claim(key: str, text: str) -> list[Put]:
    content = parsed(text)
    try:
        return new_claim(load(Claim, content))
    except ContractError:
        by_time = f"{BY_TIME}{downwards(_UNKNOWN)}-{key}"
        return [Put(key=name, content=content) for name in (BY_KEY + key, by_time)]
