"""Events, status and releases over HTTP."""

import asyncio
import json
from typing import Any, TypedDict

from function_app import names
from function_app.domain.access.audit import Head
from function_app.domain.access.budgets import Caller
from function_app.domain.codec import dump
from function_app.domain.event_types import TRAINING_REQUESTED
from function_app.domain.events.inbox import Claim, Outcome
from function_app.domain.platform import PlannedPart, PlatformRequest
from function_app.domain.project import project_of
from function_app.domain.reconciliation import FINDINGS, RECENT, ReconcileReport
from function_app.domain.release.authorization import ChangeKind
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.lane import LanePosition
from function_app.domain.stories.views import StoryView
from function_app.errors import (
    ConflictError,
    ContractError,
    NotFoundError,
    RefusedError,
)
from function_app.records.audit import AuditLog
from function_app.records.decisions import Decisions
from function_app.triggers.bodies import NoFields, TrainingBody, read_body
from function_app.triggers.callers import caller_of
from function_app.triggers.events import stored_events
from function_app.triggers.events.inbox import Receipt, take_in
from function_app.triggers.http.releases_api import approvals_of
from function_app.triggers.http.watches import StoryStarted
from function_app.triggers.invocation import Accepted, Done, Invocation, Request
from function_app.triggers.people import check_operator, find_person, find_sender, identify


class Receipts(TypedDict):
    """A receipt for each event, in the order of the events."""

    receipts: list[Receipt]


class ValidationResponse(TypedDict):
    """The answer to the handshake of Event Grid."""

    validationResponse: str


class Empty(TypedDict):
    """An answer without fields."""


class Status(TypedDict):
    """The stories of the last week and those under way, claims, lanes and refused events."""

    stories: list[StoryView]
    claims: tuple[Claim, ...]
    isolation: str
    lanes: tuple[LanePosition, ...]
    dead_letters: list[stored_events.EventView]
    audit: Head | None


class PlatformPlan(TypedDict):
    """The parts of the platform with their states."""

    parts: list[PlannedPart]


class Removed(TypedDict):
    """The removed part in words."""

    removed: str


class LastComparison(TypedDict):
    """The report of the last comparison and its time; None before the first one."""

    compared_at: str | None
    report: ReconcileReport | None


_NEED_THE_PLATFORM = (names.INTEGRATE_CHANGE, names.TRAIN_MODEL, names.RELEASE_MODEL)
PLATFORM_INSTANCE = "ensure-platform"
MAX_EVENTS = 100
API = "api"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


async def post_events(
    invocation: Invocation, request: Request
) -> Done[ValidationResponse] | Accepted[Receipts]:
    """Store events of either schema, one or a list; the answer has a receipt for each."""
    if request.headers.get("aeg-event-type", "").lower() == "subscriptionvalidation":
        return _validate_subscription(invocation, request)
    person = find_sender(invocation, request)
    caller = caller_of(request, person)
    return await take_events(invocation, API, events_of(request), caller, len(request.body), person)


async def options_events(invocation: Invocation, request: Request) -> Done[Empty]:
    """Answer the handshake of CloudEvents 1.0 (HTTP 1.1 Web Hooks, section 4)."""
    origin = request.headers.get("webhook-request-origin", "")
    if not origin or origin not in invocation.topics:
        raise RefusedError(
            f"Events from {origin[:100]!r} are not accepted. Add this origin to MLOPS_TOPICS.",
            code="UNKNOWN_TOPIC",
        )
    rate = str(invocation.limits.max_events_per_minute)
    headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate}
    return Done(content={}, headers=headers)


def events_of(request: Request) -> list[Any]:
    """Return the events of a body: one, a list, or a CloudEvent whose attributes are headers."""
    headers = request.headers
    if "ce-specversion" in headers:
        attributes = {k.removeprefix("ce-"): v for k, v in headers.items() if k.startswith("ce-")}
        return [{**attributes, "data": request.json()}]
    content = request.json()
    return content if isinstance(content, list) else [content]


async def take_events(
    invocation: Invocation,
    channel: str,
    events: list[Any],
    caller: Caller,
    size: int,
    person: str = "",
) -> Accepted[Receipts]:
    """Store and process events; a single refused event is an error, and a dead letter.

    `size` is in bytes; `person` is whose token came with the events, "" without one. Raises
    ThrottledError when the caller has used up its budget.
    """
    if not 0 < len(events) <= MAX_EVENTS:
        raise ContractError(f"Send 1 to {MAX_EVENTS} events, not {len(events)}.")
    invocation.budgets.spend(
        caller, invocation.limits, invocation.ports.clock.now(), len(events), size
    )
    receipts = await take_in(invocation, channel, events, person)
    if len(receipts) == 1 and receipts[0].outcome == Outcome.REFUSED:
        raise ContractError(receipts[0].reason or "", code=receipts[0].code)
    return Accepted(content={"receipts": receipts})


def _validate_subscription(invocation: Invocation, request: Request) -> Done[ValidationResponse]:
    """Answer the handshake of a configured topic; refuse any other topic."""
    events = request.json()
    event = events[0] if isinstance(events, list) and events else events
    if not isinstance(event, dict) or event.get("eventType") != VALIDATION:
        raise ContractError(f"Expected one event of type {VALIDATION}.")
    topic, content = str(event.get("topic") or ""), event.get("data")
    if topic.lower() not in [known.lower() for known in invocation.topics]:
        raise RefusedError(
            f"Topic {topic[:200]!r} is unknown. Add it to MLOPS_TOPICS.",
            code="UNKNOWN_TOPIC",
        )
    code = content.get("validationCode") if isinstance(content, dict) else None
    if not isinstance(code, str):
        raise ContractError("data.validationCode: expected text.")
    return Done(content={"validationResponse": code})


async def get_status(invocation: Invocation, request: Request) -> Done[Status]:
    """Show every story, claim, lane and refused event, and the isolation of runs."""
    inbox, now = invocation.ports.inbox, invocation.ports.clock.now()
    refused = inbox.list_events(Outcome.REFUSED)
    return Done(
        content={
            "stories": _with_approvals(invocation, await invocation.stories.list(now - RECENT)),
            "claims": inbox.list_claims(),
            "isolation": await asyncio.to_thread(invocation.ports.platform.isolation),
            "lanes": invocation.ports.ledger.list_lanes(),
            "dead_letters": [stored_events.view(event) for event in refused],
            # An operator who stores the head can tell later whether entries were removed.
            "audit": await asyncio.to_thread(AuditLog(invocation.ports.rows).readable_head),
        },
    )


def _with_approvals(invocation: Invocation, stories: list[StoryView]) -> list[StoryView]:
    """Return the stories; a release that waits for approvals has the progress of its approval."""
    waiting = invocation.ports.ledger.with_status(ReleaseStatus.AWAITING_APPROVAL)
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).on_each(waiting)
    progress = {
        record.release.release_id: approvals_of(
            invocation, record, decisions.get(record.release.release_id, ())
        )["approvals"]
        for record in waiting
    }
    for story in stories:
        if text := progress.get(story["instance_id"]):
            story["facts"] = {**story["facts"], "approvals": text}
    return stories


async def get_instance(invocation: Invocation, request: Request) -> Done[StoryView]:
    """Show one story."""
    instance_id = request.route["instance_id"]
    story = await invocation.stories.find(instance_id)
    if story is None:
        raise NotFoundError(f"There is no story {instance_id[:256]!r}. GET /api/status lists them.")
    return Done(content=story)


async def post_platform(invocation: Invocation, request: Request) -> Accepted[StoryStarted]:
    """Make the missing parts of the platform; a repetition changes nothing."""
    read_body(request, NoFields)
    story = await invocation.stories.find(PLATFORM_INSTANCE)
    if story is None or story["ended"]:
        argument = dump(PlatformRequest(parts=invocation.ports.platform.parts()))
        await invocation.stories.start(names.ENSURE_PLATFORM, PLATFORM_INSTANCE, argument)
    return Accepted(content={"instance_id": PLATFORM_INSTANCE})


async def get_platform(invocation: Invocation, request: Request) -> Done[PlatformPlan]:
    """Show the changes that making the platform needs, and make none."""
    platform = invocation.ports.platform
    plan = [await asyncio.to_thread(platform.plan, part) for part in platform.parts()]
    return Done(content={"parts": plan})


async def delete_part(invocation: Invocation, request: Request) -> Done[Removed]:
    """Remove one part of the platform that this app made; no story may be under way.

    Production of every model may lie in a part, so that the person must be one who may take the
    production of each model down.
    """
    person, part, platform = (
        identify(invocation, request),
        request.route["part"],
        invocation.ports.platform,
    )
    if part not in platform.parts():
        known = ", ".join(platform.parts())
        raise NotFoundError(f"There is no part {part[:60]!r}. There are {known}.")
    for model in invocation.projects:
        check_operator(invocation, person, model, ChangeKind.SHUTDOWN)
    if request.query.get("sure") != part:
        text = f"Taking {part!r} away cannot be undone. Name it again in the query: sure={part}."
        raise ConflictError(text, code="NOT_SURE")
    now = invocation.ports.clock.now()
    waiting = [s for s in await invocation.stories.list(now) if s["story"] in _NEED_THE_PLATFORM]
    if open_stories := [s["instance_id"] for s in waiting if not s["ended"]]:
        number = len(open_stories)
        text = f"{open_stories[0]} is under way ({number} in all). Wait, or end these first."
        raise ConflictError(text, code="UNDER_WAY")
    return Done(content={"removed": await asyncio.to_thread(platform.remove, part)})


async def get_findings(invocation: Invocation, request: Request) -> Done[LastComparison]:
    """Show the findings of the last comparison of ledger, histories and platforms."""
    record = invocation.ports.ledger.get_record(FINDINGS)
    content = json.loads(record["report"]) if record else None
    return Done(content={"compared_at": record["at"] if record else None, "report": content})


async def post_training(invocation: Invocation, request: Request) -> Accepted[Receipts]:
    """Start a training; the same `request_id` starts it once.

    A person whose token comes with it is an author of the version that is trained.
    """
    model = request.route["model"]
    project_of(invocation.projects, model)
    body = read_body(request, TrainingBody)
    named = {
        "callerRunId": body.caller_run_id,
        "buildId": body.build_id,
        "buildUri": body.build_uri,
    }
    event = {
        "specversion": "1.0",
        "id": body.request_id,
        "source": "by-hand",
        "type": TRAINING_REQUESTED,
        "subject": f"models/{model}",
        "data": {
            "model": model,
            "dataUri": body.data_uri,
            "requestId": body.request_id,
            **{name: text for name, text in named.items() if text},
        },
    }
    person = find_person(invocation, request)
    caller, events = caller_of(request, person, by_hand=True), [json.loads(json.dumps(event))]
    return await take_events(invocation, API, events, caller, len(request.body), person)
