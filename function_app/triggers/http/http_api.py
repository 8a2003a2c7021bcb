"""Events, status and releases over HTTP."""

import asyncio
import json
from typing import Any

from function_app import names
from function_app.domain.access.budgets import Caller
from function_app.domain.codec import dump
from function_app.domain.event_types import TRAINING_REQUESTED
from function_app.domain.events.inbox import Outcome
from function_app.domain.people.duties import of_approvals
from function_app.domain.platform import PlatformRequest
from function_app.domain.reconciliation import FINDINGS, RECENT
from function_app.domain.release.approval import Decision, counting, effective
from function_app.domain.release.authorization import ChangeKind
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.text.identifiers import RELEASE_ID
from function_app.errors import (
    ConflictError,
    ContractError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from function_app.records.audit import AuditLog
from function_app.records.decisions import Decisions
from function_app.triggers.callers import caller_of
from function_app.triggers.events import stored_events
from function_app.triggers.events.inbox import take_in
from function_app.triggers.invocation import Answer, Invocation, Request
from function_app.triggers.pages import limit_of, next_link
from function_app.triggers.people import check_operator, find_person, find_sender, identify

_NEED_THE_PLATFORM = (names.INTEGRATE_CHANGE, names.TRAIN_MODEL, names.RELEASE_MODEL)
PLATFORM_INSTANCE = "ensure-platform"
MAX_EVENTS = 100
API = "api"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


async def post_events(invocation: Invocation, request: Request) -> Answer:
    """Store events of either schema, one or a list; the answer has a receipt for each."""
    if request.headers.get("aeg-event-type", "").lower() == "subscriptionvalidation":
        return _validate_subscription(invocation, request)
    person = find_sender(invocation, request)
    caller = caller_of(request, person)
    return await take_events(invocation, API, events_of(request), caller, len(request.body), person)


async def options_events(invocation: Invocation, request: Request) -> Answer:
    """Answer the handshake of CloudEvents 1.0 (HTTP 1.1 Web Hooks, section 4)."""
    origin = request.headers.get("webhook-request-origin", "")
    if not origin or origin not in invocation.topics:
        raise RefusedError(
            f"Events from {origin[:100]!r} are not wanted here. Name it in MLOPS_TOPICS.",
            code="UNKNOWN_TOPIC",
        )
    rate = str(invocation.limits.max_events_per_minute)
    headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate}
    return Answer(status=200, content={}, headers=headers)


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
) -> Answer:
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
    return Answer(status=202, content={"receipts": dump(receipts)})


def _validate_subscription(invocation: Invocation, request: Request) -> Answer:
    """Answer the handshake of a configured topic; refuse any other topic."""
    events = request.json()
    event = events[0] if isinstance(events, list) and events else events
    if not isinstance(event, dict) or event.get("eventType") != VALIDATION:
        raise ContractError(f"Expected one event of type {VALIDATION}.")
    topic, content = str(event.get("topic") or ""), event.get("data")
    if topic.lower() not in [known.lower() for known in invocation.topics]:
        raise RefusedError(
            f"Topic {topic[:200]!r} is not known here. Name it in MLOPS_TOPICS.",
            code="UNKNOWN_TOPIC",
        )
    code = content.get("validationCode") if isinstance(content, dict) else None
    if not isinstance(code, str):
        raise ContractError("data.validationCode: expected text.")
    return Answer(status=200, content={"validationResponse": code})


async def get_status(invocation: Invocation, request: Request) -> Answer:
    """Show every story, claim, lane and refused event, and the isolation of runs."""
    inbox, now = invocation.ports.inbox, invocation.ports.clock.now()
    refused = inbox.list_events(Outcome.REFUSED)
    return Answer(
        status=200,
        content={
            "stories": _with_approvals(invocation, await invocation.stories.list(now - RECENT)),
            "claims": dump(inbox.list_claims()),
            "isolation": await asyncio.to_thread(invocation.ports.platform.isolation),
            "lanes": dump(invocation.ports.ledger.list_lanes()),
            "dead_letters": [stored_events.view(event) for event in refused],
            # An operator who stores the head can tell later whether entries were removed.
            "audit": dump(await asyncio.to_thread(AuditLog(invocation.ports.rows).readable_head)),
        },
    )


def _with_approvals(invocation: Invocation, stories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the stories; a release that waits for approvals has the progress of its approval."""
    waiting = [
        record
        for record in invocation.ports.ledger.list_releases()
        if record.status is ReleaseStatus.AWAITING_APPROVAL
    ]
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


async def get_instance(invocation: Invocation, request: Request) -> Answer:
    """Show one story."""
    instance_id = request.route["instance_id"]
    story = await invocation.stories.find(instance_id)
    if story is None:
        raise NotFoundError(f"There is no story {instance_id[:256]!r}. GET /api/status lists them.")
    return Answer(status=200, content=story)


async def post_platform(invocation: Invocation, request: Request) -> Answer:
    """Make the missing parts of the platform; a repetition changes nothing."""
    request.fields()
    story = await invocation.stories.find(PLATFORM_INSTANCE)
    if story is None or story["ended"]:
        argument = dump(PlatformRequest(parts=invocation.ports.platform.parts()))
        await invocation.stories.start(names.ENSURE_PLATFORM, PLATFORM_INSTANCE, argument)
    return Answer(status=202, content={"instance_id": PLATFORM_INSTANCE})


async def get_platform(invocation: Invocation, request: Request) -> Answer:
    """Show the changes that making the platform needs, and make none."""
    platform = invocation.ports.platform
    plan = [await asyncio.to_thread(platform.plan, part) for part in platform.parts()]
    return Answer(status=200, content={"parts": dump(plan)})


async def delete_part(invocation: Invocation, request: Request) -> Answer:
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
    return Answer(status=200, content={"removed": await asyncio.to_thread(platform.remove, part)})


async def get_findings(invocation: Invocation, request: Request) -> Answer:
    """Show the findings of the last comparison of ledger, histories and platforms."""
    record = invocation.ports.ledger.get_record(FINDINGS)
    content = json.loads(record["report"]) if record else None
    return Answer(status=200, content={"compared_at": record and record["at"], "report": content})


async def post_training(invocation: Invocation, request: Request) -> Answer:
    """Start a training; the same `request_id` starts it once.

    A person whose token comes with it is an author of the version that is trained.
    """
    model = request.route["model"]
    if model not in invocation.projects:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r}. Add it.")
    fields = request.fields("request_id", "data_uri")
    hint = "text that is not empty and names this request; a repetition of it starts nothing"
    request_id, uri = fields.text("request_id", hint), fields.optional("data_uri")
    event = {
        "specversion": "1.0",
        "id": request_id,
        "source": "by-hand",
        "type": TRAINING_REQUESTED,
        "subject": f"models/{model}",
        "data": {"model": model, "dataUri": uri, "requestId": request_id},
    }
    person = find_person(invocation, request)
    caller, events = caller_of(request, person, by_hand=True), [json.loads(json.dumps(event))]
    return await take_events(invocation, API, events, caller, len(request.body), person)


async def get_releases(invocation: Invocation, request: Request) -> Answer:
    """List the releases by their beginning, newest first; `next` is the link to the next page."""
    limit, after = limit_of(request), request.query.get("after") or None
    page = invocation.ports.ledger.releases(limit, after)
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).on_each(page.releases)
    releases = [
        _view(invocation, record, decisions.get(record.release.release_id, ()))
        for record in page.releases
    ]
    following = next_link("/api/releases", request, page.next)
    return Answer(status=200, content={"releases": releases, "next": following})


async def get_release(invocation: Invocation, request: Request) -> Answer:
    """Show one release with the digest and the hash that a decision must name."""
    record = find_release(invocation, request.route["release_id"])
    story = await invocation.stories.find(record.release.release_id)
    origin = await asyncio.to_thread(_origin, invocation, record)
    training = await invocation.stories.find(origin["run"]) if origin["run"] else None
    data = training["facts"].get("data") if training else None
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).of_release(record)
    content = {**_view(invocation, record, decisions), **origin, "data": data, "story": story}
    return Answer(status=200, content=content)


def _origin(invocation: Invocation, record: ReleaseRecord) -> dict[str, Any]:
    """Return the run and the commit of the released version, None for unknown ones."""
    try:
        version = invocation.ports.registry.get(record.release.model, record.release.version)
    except MlopsError:
        return {"run": None, "commit": None}
    return {"run": version.run_id, "commit": version.code.commit if version.code else None}


def find_release(invocation: Invocation, release_id: str) -> ReleaseRecord:
    """Return a release, or raise NotFoundError."""
    known = RELEASE_ID.accepts(release_id)
    record = invocation.ports.ledger.get_release(release_id) if known else None
    if record is None:
        raise NotFoundError(
            f"There is no release {release_id[:256]!r}. GET /api/releases lists them."
        )
    return record


def approvals_of(
    invocation: Invocation, record: ReleaseRecord, decisions: tuple[Decision, ...]
) -> dict[str, Any]:
    """Return the progress of a release's approval by the rules of mlops.toml now."""
    project = invocation.projects.get(record.release.model)
    rules = project.approval_rules() if project else None
    given = counting(decisions, record, rules)
    required = rules.required_of(record.authors) if rules else 1
    return {
        "approvals": of_approvals(len(given), required),
        "approvals_required": required,
        "approved_by": [decision.decided_by for decision in given],
        "may_approve": list(rules.eligible(record.authors)) if rules else [],
        "decisions": [dump(decision) for decision in decisions if decision.names(record)],
        "decision": dump(effective(decisions, record, rules)),
    }


def _view(
    invocation: Invocation, record: ReleaseRecord, decisions: tuple[Decision, ...]
) -> dict[str, Any]:
    project, approvals = (
        invocation.projects.get(record.release.model),
        approvals_of(invocation, record, decisions),
    )
    decided = approvals["decision"] or {}
    approvers = project.release.approvers if project else record.release.policy.approvers
    return {
        "release_id": record.release.release_id,
        "model": record.release.model,
        "version": record.release.version,
        "status": record.status.value,
        "image_digest": record.image.digest if record.image else None,
        "evidence_hash": record.evidence_hash,
        "reasons": list(record.reasons),
        "evidence": list(record.evidence or (record.reasons if not record.status.ended else ())),
        "endpoint": record.endpoint,
        "decided_by": record.decided_by or decided.get("decided_by"),
        "rolled_back_by": record.rolled_back_by,
        "cancelled_by": record.cancelled_by,
        "approvers": list(approvers),
        "authors": dump(record.authors),
        **approvals,
        "begun_at": dump(record.begun_at),
        "updated_at": dump(record.updated_at),
    }
