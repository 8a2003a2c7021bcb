"""The durable record of taking one model version to production."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from function_app.domain.gates import GateResult
from function_app.domain.people.authorship import Authors
from function_app.domain.release.serving import Image, SmokeReport
from function_app.domain.text import identifiers as ids
from function_app.domain.text.figures import figures


class ReleaseStatus(StrEnum):
    """The state of a release; it can leave only the first two."""

    IN_PROGRESS = "in_progress"
    AWAITING_APPROVAL = "awaiting_approval"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self not in (ReleaseStatus.IN_PROGRESS, ReleaseStatus.AWAITING_APPROVAL)


_ATTEMPT = "-try"

_NEXT: dict[ReleaseStatus, frozenset[ReleaseStatus]] = {
    ReleaseStatus.IN_PROGRESS: frozenset(
        {
            ReleaseStatus.AWAITING_APPROVAL,
            ReleaseStatus.PROMOTED,
            ReleaseStatus.REJECTED,
            ReleaseStatus.SUPERSEDED,
            ReleaseStatus.ROLLED_BACK,
            ReleaseStatus.CANCELLED,
            ReleaseStatus.FAILED,
        }
    ),
    ReleaseStatus.AWAITING_APPROVAL: frozenset(
        {
            ReleaseStatus.IN_PROGRESS,
            ReleaseStatus.REJECTED,
            ReleaseStatus.EXPIRED,
            ReleaseStatus.SUPERSEDED,
            ReleaseStatus.CANCELLED,
            ReleaseStatus.FAILED,
        }
    ),
    # A person may roll it back later.
    ReleaseStatus.PROMOTED: frozenset({ReleaseStatus.ROLLED_BACK}),
}


CANNOT_BECOME = "cannot become"
OTHER_RELEASE = "OTHER_RELEASE"  # the code of an id that is not that of the model and version


def forbidden_change(release_id: str, before: ReleaseStatus, after: ReleaseStatus) -> str:
    """Return the sentence that says why a ledger refuses this status; a retry does not help."""
    return f"{release_id} is {before} and {CANNOT_BECOME} {after}."


def may_become(now: ReleaseStatus, then: ReleaseStatus) -> bool:
    """Return whether a release may go from one status to another."""
    return now is then or then in _NEXT.get(now, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePolicy:
    """The rules of a release, frozen when it starts.

    With `judged_again` the release compares its version with the present champion when an earlier
    comparison was with another one. Releases of earlier versions of this app do not.
    """

    approvers: tuple[ids.Person, ...]
    approval_timeout: timedelta = timedelta(days=3)
    smoke_tolerance: float = 1e-6
    max_p95_ms: float = 500.0
    replicas: int = 2
    judged_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A model version on its way to production."""

    release_id: ids.ReleaseId
    model: ids.ModelName
    version: ids.Version
    policy: ReleasePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """The result of a release."""

    status: ReleaseStatus
    reasons: tuple[str, ...]
    image_digest: ids.ImageDigest | None = None
    endpoint: ids.Address | None = None
    decided_by: ids.Person | None = None
    rolled_back_by: ids.Person | None = None
    cancelled_by: ids.Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release as the ledger stores it.

    The approver sees `evidence`, and its hash covers it; `reasons` explain the present status.
    `rolled_back_by` is a person, or `automatic` when the check of production failed. `authors` are
    the people behind code and training of the version. `evaluation_id` is the evaluation whose
    verdict the evidence has. Records of earlier versions of this app have none of the later fields.
    """

    release: Release
    status: ReleaseStatus
    updated_at: datetime
    image: Image | None = None
    evidence_hash: ids.Sha256 | None = None
    reasons: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    begun_at: datetime | None = None
    endpoint: ids.Address | None = None
    decided_by: ids.Person | None = None
    rolled_back_by: ids.Person | None = None
    cancelled_by: ids.Person | None = None
    authors: Authors = ()
    evaluation_id: ids.OrEmpty[ids.RunId] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePage:
    """Releases, newest first; `next` is the cursor of the next page, None after the last."""

    releases: tuple[ReleaseRecord, ...]
    next: str | None = None


AUTOMATIC = "automatic"
# At most this many versions after the last built one may have failed before their images.
PLAUSIBLE = 1000


def version_key(version: str) -> tuple[int, str]:
    """Return the sort key of versions: registries count them, tests may name them."""
    return (int(version) if version.isdigit() else 0, version)


def release_id(model: str, version: str) -> str:
    """Return the id of the release, which is also the id of its orchestration instance."""
    return f"release-{model}-{version}"


def is_release_of(release_id: str, model: str, version: str) -> bool:
    """Return whether this is the id of a release, or of a later attempt, of this version."""
    base = f"release-{model}-{version}"
    mark, number = release_id[len(base) :][: len(_ATTEMPT)], release_id[len(base + _ATTEMPT) :]
    attempt = mark == _ATTEMPT and number.isascii() and number.isdigit()
    return release_id == base or (release_id.startswith(base) and attempt)


def plausible(built: int) -> int:
    """Return the highest number that a version without an image can have.

    `built` is the highest number of a version with an image. A release without an image may be of a
    version that never existed. Its number counts only when it is near to `built`, because the
    registry continues after the highest number that counts.
    """
    return built + PLAUSIBLE


def attempt_of(release: Release) -> int:
    """Return the number of the release's attempt, from 1."""
    base = release_id(release.model, release.version)
    number = release.release_id.removeprefix(f"{base}{_ATTEMPT}")
    return int(number) if number.isdecimal() else 1


def next_attempt(release: Release) -> Release:
    """Return the release that tries this one's version again, under the id of the next attempt."""
    base, mark, number = release.release_id.rpartition(_ATTEMPT)
    if mark and number.isdigit():
        return replace(release, release_id=f"{base}{_ATTEMPT}{int(number) + 1}")
    return replace(release, release_id=f"{release.release_id}{_ATTEMPT}2")


def judge_smoke(report: SmokeReport, image: Image, policy: ReleasePolicy) -> GateResult:
    """Decide whether a deployment serves this image, rightly and quickly."""
    reasons = []
    if report.requests == 0 or report.failures:
        failed = f"{report.failures} of {report.requests} requests failed."
        reasons.append(f"{failed} {report.detail}".rstrip())
    if report.served_digest != image.digest:
        served = report.served_digest or "an image that it does not name"
        # Without failures the detail is about the request for the image.
        detail = f" {report.detail}" if report.detail and not reasons else ""
        reasons.append(f"It serves {served}, not {image.digest}.{detail}")
    if report.largest_difference is None:
        # Requests that failed are a reason of their own.
        if not reasons:
            reasons.append("No prediction was compared with the offline model's.")
    # This comparison and the last one are written so that NaN, which compares as false, fails.
    elif not report.largest_difference <= policy.smoke_tolerance:
        difference, tolerance = figures(report.largest_difference, policy.smoke_tolerance)
        reasons.append(
            f"Predictions differ from the offline model's by {difference}; {tolerance} is allowed."
        )
    if report.answers_without_key:
        reasons.append(
            "It answers requests without a key. Images of version 0.1.0 do: train again. A service "
            "of your own must check keys: docs/reference/model-contract.md, Serving."
        )
    if not report.p95_ms <= policy.max_p95_ms:
        p95, most = figures(report.p95_ms, policy.max_p95_ms)
        reasons.append(f"The 95th percentile of the response time is {p95} ms, over {most} ms.")
    if reasons:
        return GateResult(passed=False, reasons=tuple(reasons))
    return GateResult(passed=True, reasons=(f"{report.requests} requests answered rightly.",))
