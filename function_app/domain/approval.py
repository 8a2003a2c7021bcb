"""The human decision over one release."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from function_app.domain.release import ReleaseRecord, ReleaseStatus


class Verdict(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an approver decides by; its hash is what a decision names."""

    release_id: str
    image_digest: str
    reasons: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the evidence."""
        content = [self.release_id, self.image_digest, list(self.reasons)]
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An approver's verdict on exactly one image and one set of evidence."""

    release_id: str
    verdict: Verdict
    decided_by: str
    comment: str
    image_digest: str
    evidence_hash: str
    decided_at: datetime

    def names(self, record: ReleaseRecord) -> bool:
        """Return whether this decision names the release, image and evidence of the record."""
        return record.image is not None and (
            self.release_id,
            self.image_digest,
            self.evidence_hash,
        ) == (record.release.release_id, record.image.digest, record.evidence_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the ledger says of a release that waits: decided, superseded, or neither yet."""

    decision: Decision | None = None
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a decision does not count: a stable code and what to do."""

    code: str
    message: str


def approve(record: ReleaseRecord, decision: Decision, now: datetime) -> ReleaseRecord:
    """Return the record of a release that goes on because of this decision."""
    return replace(
        record,
        status=ReleaseStatus.IN_PROGRESS,
        decided_by=decision.decided_by,
        updated_at=now,
    )


def settle(
    record: ReleaseRecord | None, decision: Decision | None, now: datetime
) -> tuple[Settlement, ReleaseRecord | None]:
    """Return what became of a release that waits, and its record when that changes, else None.

    A decision over another image or other evidence than the record's does not count.
    """
    if record is None:
        return Settlement(), None
    if record.status is ReleaseStatus.SUPERSEDED:
        return Settlement(superseded=record.reasons), None
    if decision is None or not decision.names(record):
        return Settlement(), None
    waits = record.status is ReleaseStatus.AWAITING_APPROVAL
    approved = waits and decision.verdict is Verdict.APPROVE
    return Settlement(decision=decision), approve(record, decision, now) if approved else None


def refuse(record: ReleaseRecord, decision: Decision, approvers: Collection[str]) -> Refusal | None:
    """Return why this decision does not count, or None when it does.

    `approvers` are those whom mlops.toml names now.
    """
    if record.status is not ReleaseStatus.AWAITING_APPROVAL:
        return Refusal(
            code="RELEASE_NOT_WAITING",
            message=f"{decision.release_id} is {record.status}; nothing waits for a decision.",
        )
    if decision.decided_by not in approvers:
        return Refusal(
            code="NOT_AN_APPROVER",
            message=f"{decision.decided_by} is not an approver of {record.release.model}.",
        )
    digest = record.image.digest if record.image else None
    if decision.image_digest != digest or decision.evidence_hash != record.evidence_hash:
        return Refusal(
            code="STALE_DECISION",
            message="The decision names another image or evidence. Read the release again.",
        )
    return None
