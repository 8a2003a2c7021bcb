"""The rule of superseding: a newer version of a model takes over from one that waits."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from function_app.domain.release.release import Release, ReleaseRecord, ReleaseStatus, version_key

# A release of one of these statuses supersedes an older one.
TAKES_OVER = (
    ReleaseStatus.IN_PROGRESS,
    ReleaseStatus.AWAITING_APPROVAL,
    ReleaseStatus.PROMOTED,
)


def takes_over(newer: Release, record: ReleaseRecord) -> bool:
    """Return whether `newer` supersedes this release, which waits for approval."""
    older = record.release
    return (
        record.status is ReleaseStatus.AWAITING_APPROVAL
        and older.model == newer.model
        and version_key(older.version) < version_key(newer.version)
    )


def was_taken_over(record: ReleaseRecord, newer: Release) -> bool:
    """Return whether `newer` superseded this release before."""
    return record.status is ReleaseStatus.SUPERSEDED and record.reasons == superseded_by(newer)


def superseded(record: ReleaseRecord, newer: Release, now: datetime) -> ReleaseRecord:
    """Return the record of a release that `newer` superseded."""
    status = ReleaseStatus.SUPERSEDED
    return replace(record, status=status, reasons=superseded_by(newer), updated_at=now)


def successor(record: ReleaseRecord, others: Iterable[ReleaseRecord]) -> Release | None:
    """Return the first of the others that supersedes the release, None when none does.

    A release that is under way, waits or was promoted supersedes an older one also when it came
    first, because events may arrive in any order and the older one may have been deployed to
    staging at that moment.
    """
    newer = (other.release for other in others if other.status in TAKES_OVER)
    return next((release for release in newer if takes_over(release, record)), None)


def superseded_by(newer: Release) -> tuple[str, ...]:
    """Return the reasons of a release that `newer` superseded."""
    return (f"{newer.release_id} superseded it.",)
