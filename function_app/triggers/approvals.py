"""Decisions of people: who it is, whether the decision counts, the ledger first, the story then."""

from dataclasses import replace

from function_app import names
from function_app.codec import dump
from function_app.domain.approval import Decision, Verdict, refuse
from function_app.domain.identifiers import IMAGE_DIGEST, SHA256
from function_app.domain.release import ReleaseStatus
from function_app.domain.requests import RollBack
from function_app.errors import ConflictError, RefusedError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import find_release
from function_app.triggers.people import check_approver, identify
from function_app.triggers.wakes import wake_release


async def post_approval(desk: Desk, request: Request) -> Answer:
    """Approve a release."""
    return await _decide(desk, request, Verdict.APPROVE)


async def post_rejection(desk: Desk, request: Request) -> Answer:
    """Reject a release."""
    return await _decide(desk, request, Verdict.REJECT)


async def post_roll_back(desk: Desk, request: Request) -> Answer:
    """Give production back to the release that was promoted before the present one."""
    person, model = identify(desk, request), request.route["model"]
    comment = request.fields("comment").comment()
    check_approver(desk, person, model)
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
        order = RollBack(model=model, former=former, release=release, by=person, comment=comment)
        argument = dump(order)
        await desk.stories.start(names.ROLL_BACK, instance_id, argument)
    return Answer(status=202, content={"instance_id": instance_id, "to_version": former.version})


async def _decide(desk: Desk, request: Request, verdict: Verdict) -> Answer:
    person = identify(desk, request)
    fields = request.fields("image_digest", "evidence_hash", "comment")
    shown = "the text that GET /api/releases/<id> shows"
    record = find_release(desk, request.route["release_id"])
    decision = Decision(
        release_id=record.release.release_id,
        verdict=verdict,
        decided_by=person,
        comment=fields.comment(),
        image_digest=fields.name("image_digest", IMAGE_DIGEST, shown),
        evidence_hash=fields.name("evidence_hash", SHA256, shown),
        decided_at=desk.ports.clock.now(),
    )
    earlier = desk.ports.ledger.get_decision(decision.release_id)
    if earlier is None:
        refusal = refuse(record, decision)
        if refusal is not None:
            error = RefusedError if refusal.code == "NOT_AN_APPROVER" else ConflictError
            raise error(refusal.message, code=refusal.code)
        earlier = desk.ports.ledger.decide(decision)
    # A repetition may leave the comment out; another comment must not be dropped silently.
    comment = decision.comment or earlier.comment
    if replace(decision, decided_at=earlier.decided_at, comment=comment) != earlier:
        said = f" with the comment {earlier.comment!r}" if earlier.comment else ""
        raise ConflictError(
            f"{earlier.decided_by} decided to {earlier.verdict}{said} at "
            f"{dump(earlier.decided_at)}. The first decision counts; yours was not kept.",
            code="ALREADY_DECIDED",
        )
    # Also for a repetition: the first attempt may have died before it woke the story.
    await wake_release(desk.stories, decision.release_id)
    return Answer(status=202, content={"decision": dump(earlier)})
