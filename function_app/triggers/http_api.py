"""Events, status and releases over HTTP."""

import hashlib
from typing import Any

from function_app import names
from function_app.codec import dump
from function_app.domain.inbox import Claim
from function_app.domain.platform import PlatformRequest
from function_app.domain.release import ReleaseRecord
from function_app.domain.routing import Start
from function_app.domain.training import TrainingRequest, run_id
from function_app.errors import ContractError, NotFoundError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.inbox import receive, start_once

PLATFORM_INSTANCE = "ensure-platform"
MAX_EVENTS = 100


async def post_events(desk: Desk, request: Request) -> Answer:
    """Take events in either schema, one or a list; each gets its receipt."""
    return await take_events(desk, request)


async def take_events(desk: Desk, request: Request) -> Answer:
    """Take the events of a body in; a single one that is refused is an error."""
    content = request.json()
    events = content if isinstance(content, list) else [content]
    if not 0 < len(events) <= MAX_EVENTS:
        raise ContractError(f"Send 1 to {MAX_EVENTS} events, not {len(events)}.")
    receipts = [await receive(desk, event) for event in events]
    if len(receipts) == 1 and receipts[0].outcome == "refused":
        raise ContractError(receipts[0].reason or "", code=receipts[0].code)
    return Answer(status=202, content={"receipts": dump(receipts)})


async def get_status(desk: Desk, request: Request) -> Answer:
    """Show every story, what was claimed, and what nothing took."""
    ledger = desk.ports.ledger
    return Answer(
        status=200,
        content={
            "stories": await desk.stories.list(),
            "claims": dump(ledger.list_claims()),
            "dead_letters": dump(ledger.list_dead_letters()),
        },
    )


async def get_instance(desk: Desk, request: Request) -> Answer:
    """Show one story."""
    instance_id = request.route["instance_id"]
    found = await desk.stories.find(instance_id)
    if found is None:
        raise NotFoundError(f"There is no story {instance_id!r}. GET /api/status lists them.")
    return Answer(status=200, content=found)


async def post_platform(desk: Desk, request: Request) -> Answer:
    """Make sure that the platform stands; while it is being made this changes nothing."""
    found = await desk.stories.find(PLATFORM_INSTANCE)
    if found is None or found["ended"]:
        await desk.stories.start(names.ENSURE_PLATFORM, PLATFORM_INSTANCE, dump(PlatformRequest()))
    return Answer(status=202, content={"instance_id": PLATFORM_INSTANCE})


async def post_training(desk: Desk, request: Request) -> Answer:
    """Start a training by hand; `request_id` makes a repetition harmless."""
    model = request.route["model"]
    project = desk.projects.get(model)
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model!r}. Add it.")
    content = request.json_object()
    uri, request_id = content.get("data_uri"), content.get("request_id")
    if not isinstance(uri, str) or not isinstance(request_id, str) or not uri or not request_id:
        raise ContractError("Send data_uri and request_id, both text that is not empty.")
    cause = hashlib.sha256("\0".join(("manual", model, uri, request_id)).encode()).hexdigest()
    training = TrainingRequest(
        model=model, cause=cause, data_uri=uri, policy=project.training_policy()
    )
    start = Start(story=names.TRAIN_MODEL, instance_id=run_id(model, cause), argument=training)
    claim = Claim(
        key=cause,
        owner=start.instance_id,
        type="manual",
        subject=uri,
        content=request_id,
        claimed_at=desk.ports.clock.now(),
    )
    return Answer(status=202, content=dump(await start_once(desk, claim, start, request_id)))


async def get_releases(desk: Desk, request: Request) -> Answer:
    """List the releases, newest first."""
    releases = [_view(desk, record) for record in desk.ports.ledger.list_releases()]
    return Answer(status=200, content={"releases": releases})


async def get_release(desk: Desk, request: Request) -> Answer:
    """Show one release with what a decision over it must name."""
    record = find_release(desk, request.route["release_id"])
    story = await desk.stories.find(record.release.release_id)
    return Answer(status=200, content={**_view(desk, record), "story": story})


def find_release(desk: Desk, release_id: str) -> ReleaseRecord:
    """Return a release, or raise NotFoundError."""
    record = desk.ports.ledger.get_release(release_id)
    if record is None:
        raise NotFoundError(f"There is no release {release_id!r}. GET /api/releases lists them.")
    return record


def _view(desk: Desk, record: ReleaseRecord) -> dict[str, Any]:
    decision = desk.ports.ledger.get_decision(record.release.release_id)
    return {
        "release_id": record.release.release_id,
        "model": record.release.model,
        "version": record.release.version,
        "status": record.status.value,
        "image_digest": record.image.digest if record.image else None,
        "evidence_hash": record.evidence_hash,
        "reasons": list(record.reasons),
        "approvers": list(record.release.policy.approvers),
        "decision": dump(decision),
        "updated_at": dump(record.updated_at),
    }
