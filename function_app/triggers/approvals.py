"""Decisions of people: who it is, whether the decision counts, the ledger first, the story then."""

from dataclasses import replace

from function_app.codec import dump
from function_app.domain.approval import Decision, Verdict, refuse
from function_app.domain.release import ReleaseRecord, ReleaseStatus
from function_app.errors import ConflictError, RefusedError
from function_app.records.decisions import Decisions
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import find_release
from function_app.triggers.people import identify
from function_app.triggers.wakes import wake_release


async def post_approval(desk: Desk, request: Request) -> Answer:
    """Approve a release."""
    return await _decide(desk, request, Verdict.APPROVE)


async def post_rejection(desk: Desk, request: Request) -> Answer:
    """Reject a release."""
    return await _decide(desk, request, Verdict.REJECT)


def _approvers(desk: Desk, record: ReleaseRecord) -> tuple[str, ...]:
    """Return who may decide now; nobody when mlops.toml does not name the model any more."""
    project = desk.projects.get(record.release.model)
    return project.release.approvers if project else ()


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
        image_digest=fields.text("image_digest", shown),
        evidence_hash=fields.text("evidence_hash", shown),
        decided_at=desk.ports.clock.now(),
    )
    model, decisions = record.release.model, Decisions(desk.ports.rows, desk.ports.ledger)
    earlier = decisions.on(record)
    if earlier is None:
        refusal = refuse(record, decision, _approvers(desk, record))
        if refusal is not None:
            error = RefusedError if refusal.code == "NOT_AN_APPROVER" else ConflictError
            raise error(refusal.message, code=refusal.code)
        earlier = decisions.decide(model, decision)
        # The release may have ended in between. The stored decision has no effect then.
        now = find_release(desk, decision.release_id)
        if now.status is ReleaseStatus.SUPERSEDED:
            refusal = refuse(now, decision, ())
            assert refusal is not None  # it does not wait
            raise ConflictError(refusal.message, code=refusal.code)
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
