"""Decisions of people: who it is, whether the decision counts, the ledger first, the story then."""

from dataclasses import replace

from function_app import names
from function_app.codec import dump
from function_app.domain.approval import Decision, Verdict, refuse
from function_app.domain.release import ReleaseStatus
from function_app.domain.requests import RollBack
from function_app.errors import ConflictError, ContractError, NotFoundError, RefusedError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import find_release


async def post_approval(desk: Desk, request: Request) -> Answer:
    """Approve a release."""
    return await _decide(desk, request, Verdict.APPROVE)


async def post_rejection(desk: Desk, request: Request) -> Answer:
    """Reject a release."""
    return await _decide(desk, request, Verdict.REJECT)


async def post_roll_back(desk: Desk, request: Request) -> Answer:
    """Give production back to the release that was promoted before the present one."""
    person, model = _person(desk, request), request.route["model"]
    project = desk.projects.get(model)
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model!r}.")
    if person not in project.release.approvers:
        raise RefusedError(f"{person} is not an approver of {model}.", code="NOT_AN_APPROVER")
    champion = desk.ports.production.champion(model)
    promoted = [
        record
        for record in desk.ports.ledger.list_releases()
        if record.release.model == model and record.status is ReleaseStatus.PROMOTED
    ]
    images = [
        record.image
        for record in promoted
        if record.image and (champion is None or int(record.image.version) < int(champion.version))
    ]
    if champion is None or not images:
        raise ConflictError(f"{model} has no promoted release before the present one.")
    release = next((r.release for r in promoted if r.release.version == champion.version), None)
    former = max(images, key=lambda image: int(image.version))
    instance_id = f"roll-back-{model}-{champion.version}-to-{former.version}"
    found = await desk.stories.find(instance_id)
    if found is None or found["ended"]:
        argument = dump(RollBack(model=model, former=former, release=release))
        await desk.stories.start(names.ROLL_BACK, instance_id, argument)
    return Answer(status=202, content={"instance_id": instance_id, "to_version": former.version})


async def _decide(desk: Desk, request: Request, verdict: Verdict) -> Answer:
    person = _person(desk, request)
    content = request.json_object()
    for key in ("image_digest", "evidence_hash"):
        if not isinstance(content.get(key), str):
            raise ContractError(f"{key}: expected the text that GET /api/releases/<id> shows.")
    record = find_release(desk, request.route["release_id"])
    decision = Decision(
        release_id=record.release.release_id,
        verdict=verdict,
        decided_by=person,
        comment=str(content.get("comment") or "")[:2000],
        image_digest=content["image_digest"],
        evidence_hash=content["evidence_hash"],
        decided_at=desk.ports.clock.now(),
    )
    earlier = desk.ports.ledger.get_decision(decision.release_id)
    if earlier is None:
        refusal = refuse(record, decision)
        if refusal is not None:
            error = RefusedError if refusal.code == "NOT_AN_APPROVER" else ConflictError
            raise error(refusal.message, code=refusal.code)
        earlier = desk.ports.ledger.decide(decision)
    same = replace(decision, decided_at=earlier.decided_at, comment=earlier.comment) == earlier
    if not same:
        raise ConflictError(
            f"{earlier.decided_by} decided to {earlier.verdict} before. The first decision counts.",
            code="ALREADY_DECIDED",
        )
    # Also for a repetition: the first attempt may have died before it woke the story.
    await desk.stories.wake(decision.release_id, names.decision_event(decision.release_id))
    return Answer(status=202, content={"decision": dump(earlier)})


def _person(desk: Desk, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    person = desk.ports.approvers.identify(token.strip()) if scheme.lower() == "bearer" else None
    if person is None:
        raise RefusedError("Send your token as `Authorization: Bearer <token>`.")
    return person
