"""Stored events, and their operations for operators."""

from datetime import datetime
from typing import Any, TypedDict

from function_app.domain.envelopes import StoredCloudEvent, StoredGridEvent, read_envelope
from function_app.domain.events.inbox import InboxEvent, Outcome
from function_app.domain.text.identifiers import EVENT_KEY
from function_app.errors import ContractError, NotFoundError
from function_app.triggers.bodies import NoFields, read_body
from function_app.triggers.events.inbox import ACCEPTED, Receipt, kind_of_payload, take_up
from function_app.triggers.invocation import Accepted, Done, Invocation, Request
from function_app.triggers.pages import limit_of, next_link
from function_app.triggers.people import find_person


class EventView(TypedDict):
    """An event in a list; `outcome` is `accepted` while the event is not processed."""

    event_key: str
    channel: str
    type: str
    subject: str
    outcome: str
    code: str | None
    reason: str | None
    instance_ids: list[str]
    received_at: datetime


class EventList(TypedDict):
    """Some events, and the link to the next page; None after the last page."""

    events: list[EventView]
    next: str | None


class WholeEvent(EventView):
    """An event with its payload as it was received, without credentials."""

    payload: StoredGridEvent | StoredCloudEvent


class UnreadableEvent(EventView):
    """A refused event whose payload has neither schema: any JSON, without credentials."""

    payload: bool | int | float | str | list[Any] | dict[str, Any] | None


class ReplayReceipt(TypedDict):
    """The outcome of the event that was processed again."""

    receipt: Receipt


class Discarded(TypedDict):
    """The key of the event that was deleted."""

    discarded: str


async def get_events(invocation: Invocation, request: Request) -> Done[EventList]:
    """List events, newest first; `outcome=refused` are the dead letters, `next` is a link."""
    text = request.query.get("outcome", "")
    if text and text not in set(Outcome):
        raise ContractError(f"outcome: expected one of {', '.join(Outcome)}, got {text[:40]!r}.")
    limit, after = limit_of(request), request.query.get("after") or None
    page = invocation.ports.inbox.events(limit, after, Outcome(text) if text else None)
    return Done(
        content={
            "events": [view(event) for event in page.events],
            "next": next_link("/api/events", request, page.next),
        }
    )


async def get_event(invocation: Invocation, request: Request) -> Done[WholeEvent | UnreadableEvent]:
    """Show one event as it was received, with its outcome."""
    event = _find(invocation, request)
    row = view(event)
    try:
        read_envelope(event.payload)
    except ContractError:
        return Done(content=UnreadableEvent(**row, payload=event.payload))
    return Done(content=WholeEvent(**row, payload=event.payload))


async def post_replay(invocation: Invocation, request: Request) -> Accepted[ReplayReceipt]:
    """Process a refused event again, after its cause was repaired.

    The person of the request's token, if it has one, becomes an author of the trained version.
    """
    read_body(request, NoFields)
    person = find_person(invocation, request)
    receipt = await take_up(invocation, _find(invocation, request), person)
    return Accepted(content={"receipt": receipt})


async def delete_event(invocation: Invocation, request: Request) -> Done[Discarded]:
    """Delete an event; its claim stays, so that the same event starts nothing again."""
    event = _find(invocation, request)
    invocation.ports.inbox.discard(event.event_key)
    return Done(content={"discarded": event.event_key})


def view(event: InboxEvent) -> EventView:
    """Return the row of an event in a list."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    return {
        "event_key": event.event_key,
        "channel": event.channel,
        "type": kind_of_payload(payload),
        "subject": str(payload.get("subject") or ""),
        "outcome": event.outcome.value if event.outcome else ACCEPTED,
        "code": event.code,
        "reason": event.reason,
        "instance_ids": list(event.instance_ids),
        "received_at": event.received_at,
    }


def _find(invocation: Invocation, request: Request) -> InboxEvent:
    key = request.route["event_key"]
    event = invocation.ports.inbox.get(key) if EVENT_KEY.accepts(key) else None
    if event is None:
        raise NotFoundError(f"There is no event {key[:64]!r}. `mlopsctl events list` shows all.")
    return event
