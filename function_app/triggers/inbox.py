"""The one way in: claim an event's cause, start or wake a story, or keep it with a reason."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from function_app import names
from function_app.codec import dump
from function_app.domain.events import (
    DataArrived,
    DomainEvent,
    ModelRegistered,
    NothingToDo,
    TrainingRequested,
    claim_key,
    read_envelope,
    read_event,
)
from function_app.domain.inbox import Claim, DeadLetter
from function_app.domain.release import Release
from function_app.domain.routing import Start, Wake, route
from function_app.errors import ContractError
from function_app.triggers.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an event: started, woken, repeated, ignored or refused."""

    outcome: str
    event_id: str
    instance_id: str | None = None
    code: str | None = None
    reason: str | None = None


async def receive(desk: Desk, payload: Any) -> Receipt:
    """Take one event in; what nothing wants becomes a dead letter and disturbs nobody."""
    event_id = str(payload.get("id", "")) if isinstance(payload, dict) else ""
    try:
        if not isinstance(payload, dict):
            raise ContractError("An event must be a JSON object.")
        envelope = read_envelope(payload)
        event = read_event(envelope)
        if isinstance(event, NothingToDo):
            return Receipt(outcome="ignored", event_id=event_id, reason=event.reason)
        key = claim_key(envelope, event)
        target = route(event, key, desk.projects)
    except ContractError as error:
        _bury(desk, payload, error)
        return Receipt(outcome="refused", event_id=event_id, code=error.code, reason=error.message)
    if isinstance(target, Wake):
        await desk.stories.wake(target.instance_id, target.event)
        return Receipt(outcome="woken", event_id=event_id, instance_id=target.instance_id)
    claim = Claim(
        key=key,
        owner=target.instance_id,
        type=envelope.type,
        subject=envelope.subject,
        content=_content(event),
        claimed_at=desk.ports.clock.now(),
    )
    receipt = await start_once(desk, claim, target, event_id)
    if isinstance(target.argument, Release):
        # Also for a repetition: the first attempt may have died before it woke them.
        for older in desk.ports.ledger.supersede(target.argument, desk.ports.clock.now()):
            await desk.stories.wake(older, names.decision_event(older))
    return receipt


async def start_once(desk: Desk, claim: Claim, target: Start, event_id: str) -> Receipt:
    """Start the story of a claim, unless it was started before."""
    stored = desk.ports.ledger.claim(claim)
    # Claimed first, because starting an id that has ended would silently run it again; looked up
    # then, because a host that died between claim and start has a claim without a story.
    if await desk.stories.find(stored.owner) is not None:
        return Receipt(outcome="repeated", event_id=event_id, instance_id=stored.owner)
    await desk.stories.start(target.story, stored.owner, dump(target.argument))
    return Receipt(outcome="started", event_id=event_id, instance_id=stored.owner)


def _content(event: DomainEvent) -> str:
    match event:
        case DataArrived():
            return event.etag
        case ModelRegistered():
            return event.version
        case TrainingRequested():
            return event.request_id
    return ""


def _bury(desk: Desk, payload: Any, error: ContractError) -> None:
    text = json.dumps(payload, sort_keys=True)
    letter = DeadLetter(
        letter_id=hashlib.sha256(text.encode()).hexdigest()[:16],
        code=error.code,
        reason=error.message,
        event=payload,
        buried_at=desk.ports.clock.now(),
    )
    desk.ports.ledger.bury(letter)
