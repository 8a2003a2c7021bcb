"""The entrance of all events: store, claim the cause, start or wake a story, record the outcome.

An event is stored before its sender gets an acknowledgement. The processing after that is
idempotent, because the claim makes one story of it. An event whose processing a crash interrupted
is processed again by `settle_pending`.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from function_app import telemetry
from function_app.domain.access.audit import AuditEvent, Kind
from function_app.domain.change.integration import ChangeRequest
from function_app.domain.codec import checked, dump
from function_app.domain.envelopes import Envelope, read_envelope
from function_app.domain.event_types import read_event
from function_app.domain.events.arrivals import Arrival
from function_app.domain.events.events import NothingToDo
from function_app.domain.events.inbox import (
    OWN_CHANNEL,
    Claim,
    InboxEvent,
    Outcome,
    earlier_event_key,
    event_key,
    sender_of,
    with_sender,
)
from function_app.domain.release.release import Release
from function_app.domain.routing import Start, Targets, Wake, route, started_by
from function_app.domain.text.redaction import redact, redact_content
from function_app.domain.training import TrainingRequest
from function_app.domain.webhooks.webhook_sources import (
    OUT_OF_SCOPE,
    check_model,
    check_type,
    within,
)
from function_app.errors import ContractError, PlatformError
from function_app.records.pushers import Pushers
from function_app.triggers.events.verification import OutdatedError, verify
from function_app.triggers.events.wakes import wake_release
from function_app.triggers.invocation import Invocation

LOG = logging.getLogger("mlops.inbox")
# The process that made a claim starts its story at once. Another process does it only after this
# long, when the first must have died: starting an id whose story has ended would silently run it
# again.
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The outcome of an event; `accepted` means that it is stored and processed soon."""

    outcome: str
    event_id: str
    event_key: str
    instance_id: str | None = None
    instance_ids: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None


async def take_in(
    invocation: Invocation, channel: str, payloads: list[Any], person: str = ""
) -> list[Receipt]:
    """Store all events, then process each; the failure of one does not affect the others.

    `person` is the owner of the token that came with them: the app stores it in the events, where
    no sender can name a person. Stored events, and all that follows from them, have neither
    credentials nor control characters; the key is that of the received event, so that the same text
    stays the same event.
    """
    now = invocation.ports.clock.now()
    keys = await asyncio.to_thread(_keys, invocation, [with_sender(p, person) for p in payloads])
    events = [
        InboxEvent(
            event_key=key,
            channel=channel,
            # Cleaned first: a control character in the field's name must not hide it.
            payload=with_sender(redact_content(payload), person),
            received_at=now,
            traceparent=telemetry.carried_by(payload) or telemetry.current() or telemetry.new(),
        )
        for key, payload in zip(keys, payloads, strict=True)
    ]
    stored = await asyncio.to_thread(invocation.ports.inbox.accept, events)
    return [await take_up(invocation, event) for event in stored]


def _keys(invocation: Invocation, payloads: list[object]) -> list[str]:
    """Return the key of each payload: that of an earlier version when it is stored under it."""
    keys = []
    for payload in payloads:
        key, earlier = event_key(payload), earlier_event_key(payload)
        keys.append(earlier if key != earlier and _is_stored(invocation, earlier) else key)
    return keys


def _is_stored(invocation: Invocation, key: str) -> bool:
    try:
        return invocation.ports.inbox.get(key) is not None
    except PlatformError:
        # The row is damaged: the inbox replaces it.
        return True


async def take_up(invocation: Invocation, event: InboxEvent, person: str = "") -> Receipt:
    """Process a stored event, also again; a fault leaves it for a later run.

    `person` is the requester of the repetition, beside the person who sent the event.
    """
    if event.outcome is not None and event.outcome is not Outcome.REFUSED:
        return _receipt(replace(event, outcome=_repeated(event.outcome)))
    try:
        with telemetry.span("take up event", event.traceparent, event_key=event.event_key) as span:
            settled = await _settle(invocation, event, person)
            span.set_attribute("mlops.outcome", settled.outcome or ACCEPTED)
    except OutdatedError as error:
        settled = replace(event, outcome=Outcome.STALE, code=error.code, reason=error.message)
    except ContractError as error:
        reason = redact(error.message)
        LOG.warning(
            "event %s by %s refused: %s %s", event.event_key, event.channel, error.code, reason
        )
        settled = replace(event, outcome=Outcome.REFUSED, code=error.code, reason=reason)
        invocation.attempt.refused.append(_refusal(invocation, settled))
    except PlatformError as error:
        # Nothing is lost: the event is kept and `settle_pending` takes it up again.
        reason = redact(error.message)
        LOG.warning("event %s waits: %s %s", event.event_key, error.code, reason)
        return _receipt(replace(event, code=error.code, reason=reason))
    except Exception:
        # Nothing is lost: the event is kept and `settle_pending` takes it up again.
        LOG.exception("event %s could not be processed", event.event_key)
        return _receipt(event)
    if settled.outcome is not None:
        settled = replace(settled, settled_at=invocation.ports.clock.now())
        await asyncio.to_thread(invocation.ports.inbox.settle, settled)
    return _receipt(settled)


async def settle_pending(invocation: Invocation) -> int:
    """Process events that a crash or a fault left, oldest first; return the number settled."""
    now = invocation.ports.clock.now()
    pending = await asyncio.to_thread(invocation.ports.inbox.list_pending, now)
    # A young event is still in the hands of the trigger that received it. An event of the app's own
    # channel has no trigger, so it is due at once.
    due = [e for e in pending if e.channel == OWN_CHANNEL or e.received_at < now - GRACE]
    settled, unreachable = 0, set[str]()
    for event in due:
        kind = kind_of_payload(event.payload)
        # A platform that does not answer is asked once per event type, not once per event.
        if kind in unreachable:
            continue
        receipt = await take_up(invocation, event)
        settled += receipt.outcome != ACCEPTED
        if receipt.code == PlatformError.code:
            unreachable.add(kind)
    return settled


async def start_once(
    invocation: Invocation, type_: str, start: Start
) -> tuple[Outcome | None, str]:
    """Claim the cause and start its story; return the outcome and the story's instance id.

    The outcome is None when another call is about to start it.
    """
    # The input is checked before the claim: a story that refuses its input would fail after it took
    # the cause.
    checked(start.argument)
    claim = Claim(
        key=start.cause,
        owner=start.instance_id,
        type=type_,
        subject=start.subject,
        content=start.content,
        claimed_at=invocation.ports.clock.now(),
        order=start.order,
    )
    claimed = await asyncio.to_thread(invocation.ports.inbox.claim, claim)
    owner = claimed.claim.owner
    story = None if claimed.created else await invocation.stories.find(owner)
    if story is not None:
        foreign = await _is_foreign(invocation, story, owner, start.argument)
        if not foreign:
            return Outcome.REPEATED, owner
        if not story.get("ended"):
            return None, owner
        LOG.error("%s was started past this app, and is started again", owner)
    if claimed.newer is not None:
        return Outcome.STALE, owner
    if not claimed.created and invocation.ports.clock.now() - claimed.claim.claimed_at < GRACE:
        return None, owner
    argument = start.argument
    if isinstance(argument, TrainingRequest):
        # The run's id derives from the cause: content that came back gets a run of its own.
        stored = claimed.claim
        arrival = Arrival(claimed_at=stored.claimed_at, uri=argument.data_uri, order=stored.order)
        argument = replace(argument, cause=stored.key, arrival=arrival)
    await invocation.stories.start(start.story, owner, dump(argument))
    return Outcome.STARTED, owner


async def _is_foreign(
    invocation: Invocation, view: Mapping[str, Any], owner: str, argument: Any
) -> bool:
    """Return whether a story of this id is not the one for which the id was claimed.

    An attacker with a key of Durable can start any id before the app does. The app's own story has
    the model and the version or the data of the claim, and an ended release left a record.
    """
    if isinstance(argument, Release):
        own: tuple[object, ...] = (argument.model, argument.version)
        keys = ("model", "version")
    elif isinstance(argument, TrainingRequest):
        own, keys = (argument.model, argument.data_uri), ("model", "data_uri")
    else:
        return False
    if view.get("ended") and isinstance(argument, Release):
        return await asyncio.to_thread(invocation.ports.ledger.get_release, owner) is None
    given = await invocation.stories.argument(owner)
    if given is None:
        # A story without an input ends at once.
        return bool(view.get("ended"))
    return not isinstance(given, Mapping) or tuple(given.get(key) for key in keys) != own


ACCEPTED = "accepted"
_NO_MODEL = ("UNKNOWN_MODEL", "UNKNOWN_REPOSITORY")


async def _settle(invocation: Invocation, stored: InboxEvent, person: str) -> InboxEvent:
    envelope = read_envelope(stored.payload)
    targets = await _route(invocation, stored, envelope)
    if isinstance(targets, NothingToDo):
        return replace(stored, outcome=Outcome.IGNORED, reason=targets.reason)
    if isinstance(targets, Wake):
        await invocation.stories.wake(targets.instance_id, targets.event)
        return replace(stored, outcome=Outcome.WOKEN, instance_ids=(targets.instance_id,))
    if invocation.source(stored.channel) is not None:
        # This holds for a commit that was claimed before, too: its first event may have proved no
        # person.
        await asyncio.to_thread(_keep_pushers, invocation, targets)
    people = (sender_of(stored.payload), person)
    starts = [started_by(started_by(start, people[0]), people[1]) for start in targets]
    started = [await start_story(invocation, envelope.type, start) for start in starts]
    outcomes = [outcome for outcome, _ in started]
    reason = None
    if Outcome.STALE in outcomes:
        reason = "A newer event of the same subject was claimed before."
    return replace(
        stored,
        outcome=None if None in outcomes else _together(outcomes),
        instance_ids=tuple(instance_id for _, instance_id in started),
        reason=reason,
        code=None,
    )


def _keep_pushers(invocation: Invocation, starts: Iterable[Start]) -> None:
    """Store the people whom a proven source names for the pushed commits."""
    for start in starts:
        argument = start.argument
        if isinstance(argument, ChangeRequest) and not argument.change.proposal:
            Pushers(invocation.ports.rows).add(argument.change)


async def _route(invocation: Invocation, stored: InboxEvent, envelope: Envelope) -> Targets:
    """Return the starts and wakes of an event after the platform confirmed it (verification.py)."""
    source = invocation.source(stored.channel)
    if source is not None:
        check_type(stored.channel, source, envelope.type)
    event = read_event(envelope)
    if isinstance(event, NothingToDo):
        return event
    event = checked(event)
    model = getattr(event, "model", "")
    if source is not None and model in invocation.projects:
        check_model(stored.channel, source, model)
    allowed = within(source, invocation.projects)
    projects = {name: invocation.projects[name] for name in invocation.projects if name in allowed}
    trusted = source is not None
    try:
        verified = await asyncio.to_thread(
            verify, invocation.ports, event, projects, stored.channel, trusted=trusted
        )
    except ContractError as error:
        if source is None or not source.models or error.code not in _NO_MODEL:
            raise
        text = f"[webhooks.{stored.channel}] names {', '.join(source.models)} only. {error.message}"
        raise ContractError(text, code=OUT_OF_SCOPE) from error
    return verified if isinstance(verified, NothingToDo) else route(checked(verified), projects)


def kind_of_payload(payload: Any) -> str:
    """Return the event type that a payload names, in either schema; "" when it names none."""
    if not isinstance(payload, dict):
        return ""
    return str(
        (payload.get("type") if "specversion" in payload else payload.get("eventType")) or ""
    )


async def start_story(
    invocation: Invocation, type_: str, start: Start
) -> tuple[Outcome | None, str]:
    """Start a story once; one that releases a model supersedes older ones that wait.

    Returns the outcome, None when another call is about to start it, and the instance's id.
    """
    outcome, instance_id = await start_once(invocation, type_, start)
    if isinstance(start.argument, Release):
        # A repetition wakes them, too: the first attempt may have died before it woke them.
        now = invocation.ports.clock.now()
        for older in invocation.ports.ledger.supersede(start.argument, now):
            await wake_release(invocation.stories, older)
    return outcome, instance_id


def _refusal(invocation: Invocation, event: InboxEvent) -> AuditEvent:
    return AuditEvent(
        kind=Kind.REFUSAL,
        action="take event",
        at=invocation.ports.clock.now(),
        who="" if event.channel in invocation.webhook_secrets else event.channel,
        subject=event.event_key,
        code=event.code or "",
        reason=event.reason or "",
    )


def _together(outcomes: list[Outcome | None]) -> Outcome:
    order = (Outcome.STARTED, Outcome.REPEATED, Outcome.STALE)
    return next(outcome for outcome in order if outcome in outcomes)


def _repeated(outcome: Outcome) -> Outcome:
    return Outcome.REPEATED if outcome is Outcome.STARTED else outcome


def _receipt(event: InboxEvent) -> Receipt:
    payload = event.payload if isinstance(event.payload, dict) else {}
    return Receipt(
        outcome=event.outcome.value if event.outcome else ACCEPTED,
        event_id=str(payload.get("id", ""))[:200],
        event_key=event.event_key,
        instance_id=event.instance_ids[0] if event.instance_ids else None,
        instance_ids=event.instance_ids,
        code=event.code,
        reason=event.reason,
    )
