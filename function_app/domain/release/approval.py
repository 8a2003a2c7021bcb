"""The human decision over one release."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from function_app.domain.people.duties import START_AGAIN, ApprovalRules
from function_app.domain.people.people import People, canonical, is_oid, join_people
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.text import identifiers as ids
from function_app.errors import ContractError


class Verdict(StrEnum):
    """An approver's answer."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The reasons that an approver sees; a decision names their hash.

    `evaluation_id` is the evaluation whose verdict they have, "" in evidence of earlier versions of
    this app.
    """

    release_id: ids.ReleaseId
    image_digest: ids.ImageDigest
    reasons: tuple[str, ...]
    evaluation_id: ids.OrEmpty[ids.RunId] = ""

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the evidence."""
        content: list[object] = [self.release_id, self.image_digest, list(self.reasons)]
        if self.evaluation_id:  # evidence without one keeps its hash
            content.append(self.evaluation_id)
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An approver's verdict on exactly one image and one set of evidence.

    `remark` is "approved by its own author", or "". An approval that was withdrawn has the time and
    the comment of the withdrawal. `after` is the number of the last change of the model's
    production when the person decided, 0 for none, None in a decision of an earlier version.
    """

    release_id: ids.ReleaseId
    verdict: Verdict
    decided_by: ids.Person
    comment: str
    image_digest: ids.ImageDigest
    evidence_hash: ids.Sha256
    decided_at: datetime
    remark: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_comment: str = ""
    after: int | None = None

    @property
    def stands(self) -> bool:
        """True unless the decision was withdrawn."""
        return self.withdrawn_at is None

    def names(self, record: ReleaseRecord) -> bool:
        """Return whether this decision names the release, image and evidence of the record."""
        return record.image is not None and (
            self.release_id,
            self.image_digest,
            self.evidence_hash,
        ) == (record.release.release_id, record.image.digest, record.evidence_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The state of a waiting release in the ledger: decided, superseded, or neither.

    `stale` is the reason that its evidence is about a former champion, "" for none: the release
    does not wait any more, and asks again with other evidence.
    """

    decision: Decision | None = None
    superseded: tuple[str, ...] = ()
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The reason for which a decision does not count: a stable code and the remedy."""

    code: str
    message: str


def check_evidence(evidence: Evidence, release_id: str, image_digest: str) -> None:
    """Raise ContractError (OTHER_EVIDENCE) unless the evidence is of this release and image."""
    if (evidence.release_id, evidence.image_digest) != (release_id, image_digest):
        raise ContractError(
            "The evidence belongs to another release or image.", code="OTHER_EVIDENCE"
        )


def approve(record: ReleaseRecord, decision: Decision, now: datetime) -> ReleaseRecord:
    """Return the record of a release that goes on because of this decision."""
    return replace(
        record,
        status=ReleaseStatus.IN_PROGRESS,
        decided_by=decision.decided_by,
        updated_at=now,
    )


def settle(
    record: ReleaseRecord | None, decision: Decision | None, now: datetime, stale: str = ""
) -> tuple[Settlement, ReleaseRecord | None]:
    """Return the state of a waiting release, and its record when that changes, else None.

    A decision over another image or other evidence than the record's does not count. Without a
    decision that counts, a release whose evidence is `stale` is in progress from then.
    """
    if record is None:
        return Settlement(), None
    if record.status is ReleaseStatus.SUPERSEDED:
        return Settlement(superseded=record.reasons), None
    waits = record.status is ReleaseStatus.AWAITING_APPROVAL
    if decision is None or not decision.names(record):
        goes_on = replace(record, status=ReleaseStatus.IN_PROGRESS, updated_at=now)
        return Settlement(stale=stale), goes_on if stale and waits else None
    approved = waits and decision.verdict is Verdict.APPROVE
    return Settlement(decision=decision), approve(record, decision, now) if approved else None


def counting(
    decisions: Iterable[Decision], record: ReleaseRecord, rules: ApprovalRules | None
) -> tuple[Decision, ...]:
    """Return the approvals of this image and evidence that count now, one for each person.

    `rules` are those of mlops.toml now, None when it does not name the model.
    """
    if rules is None:
        return ()
    first: dict[str, Decision] = {}
    for decision in decisions:
        approves = decision.verdict is Verdict.APPROVE and decision.stands
        allowed = rules.may_approve(decision.decided_by, record.authors)
        if approves and allowed and decision.names(record):
            first.setdefault(canonical(decision.decided_by, rules.people), decision)
    return tuple(first.values())


def effective(
    decisions: Iterable[Decision], record: ReleaseRecord, rules: ApprovalRules | None
) -> Decision | None:
    """Return the decision that ends the wait: a rejection, or the approvals as one decision.

    None while fewer approvals count now than the rules require.
    """
    given = [decision for decision in decisions if decision.stands and decision.names(record)]
    rejection = next((d for d in given if d.verdict is Verdict.REJECT), None)
    if rejection is not None:
        return rejection
    approvals = counting(given, record, rules)
    if rules is None or len(approvals) < rules.required_of(record.authors):
        return None
    last = approvals[-1]
    if len(approvals) == 1:
        return last
    comments = [f"{d.decided_by}: {d.comment}" for d in approvals if d.comment]
    remarks = [f"{d.decided_by}: {d.remark}" for d in approvals if d.remark]
    return replace(
        last,
        decided_by=join_people(d.decided_by for d in approvals),
        comment=" ".join(comments),
        remark=" ".join(remarks),
    )


def own_decision(
    decisions: Iterable[Decision], record: ReleaseRecord, person: str, people: People
) -> Decision | None:
    """Return the standing decision of a person over this image and evidence, None without one."""
    name = canonical(person, people)
    return next(
        (
            decision
            for decision in decisions
            if decision.stands
            and decision.names(record)
            and canonical(decision.decided_by, people) == name
        ),
        None,
    )


def refuse(
    record: ReleaseRecord, decision: Decision, rules: ApprovalRules | None
) -> Refusal | None:
    """Return the reason that this decision does not count, None when it counts.

    `rules` are those of mlops.toml now, None when it does not name the model.
    """
    person, release = decision.decided_by, record.release
    if rules is None or not rules.is_approver(person):
        hint = " Set it as `oid` of a person in [people]." if is_oid(person) else ""
        text = f"{person} is not an approver of {release.model}.{hint}"
        return Refusal(code="NOT_AN_APPROVER", message=text)
    if record.status is not ReleaseStatus.AWAITING_APPROVAL:
        return Refusal(
            code="RELEASE_NOT_WAITING",
            message=f"{decision.release_id} is {record.status}; nothing waits for a decision.",
        )
    digest = record.image.digest if record.image else None
    if decision.image_digest != digest or decision.evidence_hash != record.evidence_hash:
        return Refusal(
            code="STALE_DECISION",
            message="The decision names another image or evidence. Read the release again.",
        )
    approves = decision.verdict is Verdict.APPROVE
    if approves and rules.refuses(record.authors):
        text = (
            f"The person who caused {decision.release_id} is unknown, so that {person} may be its "
            f"author, and mlops.toml refuses such approvals (unknown_author). {START_AGAIN}"
        )
        return Refusal(code="UNKNOWN_AUTHOR", message=text)
    if approves and not rules.may_approve(person, record.authors):
        others = " or ".join(rules.eligible(record.authors)) or "no approver of mlops.toml"
        text = (
            f"{person} is an author of {decision.release_id}, as its evidence says, and duties are "
            f"separate. Another approver must decide: {others}."
        )
        return Refusal(code="SEPARATION_OF_DUTIES", message=text)
    return None
