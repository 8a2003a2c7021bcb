"""Decisions of people: identify, check, store in the ledger, then wake the story."""

from dataclasses import replace
from typing import TypedDict

from function_app.domain.codec import dump
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.approval import Decision, Verdict, refuse
from function_app.domain.release.authorization import last_number
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.errors import ConflictError, RefusedError
from function_app.records.accounts import name_of_decision
from function_app.records.changes import Changes
from function_app.records.decisions import Decisions
from function_app.services import judging
from function_app.triggers.bodies import Comment, DecisionBody, read_body
from function_app.triggers.events.wakes import wake_release
from function_app.triggers.http.releases_api import approvals_of, find_release
from function_app.triggers.invocation import Accepted, Invocation, Request
from function_app.triggers.people import identify

# Refusals because of the person, independent of the records in the ledger.
_UNDECIDED = (ReleaseStatus.SUPERSEDED, ReleaseStatus.EXPIRED, ReleaseStatus.CANCELLED)
_PEOPLE = ("NOT_AN_APPROVER", "SEPARATION_OF_DUTIES", "UNKNOWN_AUTHOR")


class DecisionStored(TypedDict):
    """The stored decision, and how far the release is approved now: `1 of 2`."""

    decision: Decision
    approvals: str
    approved_by: list[str]


async def post_approval(invocation: Invocation, request: Request) -> Accepted[DecisionStored]:
    """Approve a release."""
    return await _decide(invocation, request, Verdict.APPROVE)


async def post_rejection(invocation: Invocation, request: Request) -> Accepted[DecisionStored]:
    """Reject a release."""
    return await _decide(invocation, request, Verdict.REJECT)


async def post_withdrawal(invocation: Invocation, request: Request) -> Accepted[DecisionStored]:
    """Withdraw your approval of a release, until its promotion begins."""
    person = identify(invocation, request)
    comment = read_body(request, Comment).comment
    record = find_release(invocation, request.route["release_id"])
    release, ports = record.release, invocation.ports
    rules = _rules(invocation, record)
    if record.status is ReleaseStatus.PROMOTED:
        text = (
            f"{release.release_id} is promoted. To undo it: `mlopsctl roll-back {release.model}`."
        )
        raise ConflictError(text, code="PROMOTION_BEGAN")
    if record.status.ended:
        text = f"{release.release_id} is {record.status}; there is nothing to withdraw."
        raise ConflictError(text, code="RELEASE_NOT_WAITING")
    decisions = Decisions(ports.rows, ports.ledger)
    withdrawn = decisions.withdraw(
        record,
        person,
        rules.people if rules else {},
        comment,
        ports.clock.now(),
        lambda: Changes(ports.rows).has_begun(
            release.model, release.release_id, decisions.of_release(record)
        ),
    )
    invocation.attempt.once = name_of_decision(withdrawn)
    await wake_release(invocation.stories, release.release_id)
    return _answer(invocation, record, withdrawn)


def _rules(invocation: Invocation, record: ReleaseRecord) -> ApprovalRules | None:
    """Return the present rules, None when mlops.toml does not name the model any more."""
    project = invocation.projects.get(record.release.model)
    return project.approval_rules() if project else None


def _answer(
    invocation: Invocation, record: ReleaseRecord, decision: Decision
) -> Accepted[DecisionStored]:
    """Return the decision with the progress of the approval after this request."""
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).of_release(record)
    progress = approvals_of(invocation, record, decisions)
    return Accepted(
        content={
            "decision": decision,
            "approvals": progress["approvals"],
            "approved_by": progress["approved_by"],
        }
    )


async def _check_verdict(invocation: Invocation, record: ReleaseRecord) -> None:
    """Raise ConflictError (STALE_VERDICT) when the evidence is not about the present champion.

    The release is woken first, so that it judges its version again.
    """
    stale = judging.find_stale_if_known(invocation.ports, record)
    if stale:
        await wake_release(invocation.stories, record.release.release_id)
        refusal = judging.refuse_stale(record.release, stale)
        raise ConflictError(refusal.message, code=refusal.code)


async def _decide(
    invocation: Invocation, request: Request, verdict: Verdict
) -> Accepted[DecisionStored]:
    person = identify(invocation, request)
    body = read_body(request, DecisionBody)
    record = find_release(invocation, request.route["release_id"])
    rules = _rules(invocation, record)
    approves = verdict is Verdict.APPROVE and rules is not None
    decision = Decision(
        release_id=record.release.release_id,
        verdict=verdict,
        decided_by=person,
        comment=body.comment,
        image_digest=body.image_digest,
        evidence_hash=body.evidence_hash,
        decided_at=invocation.ports.clock.now(),
        remark=rules.remark(person, record.authors) if approves and rules else "",
        after=last_number(Changes(invocation.ports.rows).latest(record.release.model)),
    )
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger)
    earlier, refusal = decisions.instead(record, decision, rules), refuse(record, decision, rules)
    if refusal is not None and (earlier is None or refusal.code in _PEOPLE):
        error = RefusedError if refusal.code in _PEOPLE else ConflictError
        raise error(refusal.message, code=refusal.code)
    if earlier is None and verdict is Verdict.APPROVE:
        await _check_verdict(invocation, record)
    if earlier is None:
        assert rules is not None  # without an approver no person could approve
        earlier = decisions.decide(record, decision, rules)
        # The release may have ended in between. The stored decision has no effect then.
        now = find_release(invocation, decision.release_id)
        if now.status in _UNDECIDED:
            raise ConflictError(
                f"{decision.release_id} is {now.status}; nothing waits for a decision.",
                code="RELEASE_NOT_WAITING",
            )
        undecided = now.status is ReleaseStatus.IN_PROGRESS and now.decided_by is None
        if undecided or not decision.names(now):
            raise ConflictError(
                f"{decision.release_id} is judged again, because production changed. The decision "
                "has no effect. Read the release again.",
                code="STALE_DECISION",
            )
    # A repetition may leave the comment out; another comment must not be dropped silently.
    same = replace(earlier, comment=decision.comment or earlier.comment)
    asked = replace(decision, comment=same.comment, remark=same.remark, after=same.after)
    if replace(asked, decided_at=same.decided_at) != earlier:
        said = f" with the comment {earlier.comment!r}" if earlier.comment else ""
        own = earlier.decided_by == person and earlier.verdict is Verdict.APPROVE
        hint = f" `mlopsctl withdraw {decision.release_id}` takes it back." if own else ""
        raise ConflictError(
            f"{earlier.decided_by} decided to {earlier.verdict}{said} at "
            f"{dump(earlier.decided_at)}. The first decision counts; yours was not stored.{hint}",
            code="ALREADY_DECIDED",
        )
    invocation.attempt.once = name_of_decision(earlier)
    # A repetition wakes the story, too: the first attempt may have died before it did.
    await wake_release(invocation.stories, decision.release_id)
    return _answer(invocation, record, earlier)
