"""Stored events, and their operations for operators."""

from typing import Any

from function_app.domain.codec import dump
from function_app.domain.events.inbox import InboxEvent, Outcome
from function_app.domain.text.identifiers import EVENT_KEY
from function_app.errors import ContractError, NotFoundError
from function_app.triggers.events.inbox import ACCEPTED, kind_of_payload, take_up
from function_app.triggers.invocation import Answer, Invocation, Request
from function_app.triggers.pages import limit_of, next_link
from function_app.triggers.people import find_person


async def get_events(invocation: Invocation, request: Request) -> Answer:
    """List events, newest first; `outcome=refused` are the dead letters, `next` is a link."""
    text = request.query.get("outcome", "")
    if text and text not in set(Outcome):
        raise ContractError(f"outcome: expected one of {', '.join(Outcome)}, got {text[:40]!r}.")
    limit, after = limit_of(request), request.query.get("after") or None
    page = invocation.ports.inbox.events(limit, after, Outcome(text) if text else None)
    content = {
        "events": [view(event) for event in page.events],
        "next": next_link("/api/events", request, page.next),
    }
    return Answer(status=200, content=content)


async def get_event(invocation: Invocation, request: Request) -> Answer:
    """Show one event as it was received, with its outcome."""
    event = _find(invocation, request)
    return Answer(status=200, content={**view(event), "payload": event.payload})


async def post_replay(invocation: Invocation, request: Request) -> Answer:
    """Process a refused event again, after its cause was repaired.

    A person whose token comes with it counts among the authors of what is trained.
    """
    request.fields()
    person = find_person(invocation, request)
    receipt = await take_up(invocation, _find(invocation, request), person)
    return Answer(status=202, content={"receipt": dump(receipt)})


async def delete_event(invocation: Invocation, request: Request) -> Answer:
    """Delete an event; its claim stays, so that the same event starts nothing again."""
    event = _find(invocation, request)
    invocation.ports.inbox.discard(event.event_key)
    return Answer(status=200, content={"discarded": event.event_key})


def view(event: InboxEvent) -> dict[str, Any]:
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
        "received_at": dump(event.received_at),
    }


def _find(invocation: Invocation, request: Request) -> InboxEvent:
    key = request.route["event_key"]
    event = invocation.ports.inbox.get(key) if EVENT_KEY.accepts(key) else None
    if event is None:
        raise NotFoundError(f"There is no event {key[:64]!r}. `mlopsctl events list` shows all.")
    return event
