"""Where ledger, histories and platforms disagree, and what was done about it."""

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What can be wrong."""

    STUCK_EVENT = "stuck event"
    LOST_STORY = "lost story"
    FAILED_STORY = "failed story"
    STUCK_STORY = "stuck story"
    LOST_RUN = "lost run"
    ORPHANED_STAGING = "orphaned staging"
    FOREIGN_VERSION = "model registered out of band"
    FOREIGN_CHAMPION = "production changed out of band"
    UNSEEN_COMMIT = "unseen commit"
    UNREACHABLE = "platform unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One disagreement: what it is about, what was seen, and whether it was repaired."""

    kind: FindingKind
    subject: str
    detail: str
    repaired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """Compare everything of these models, because of `reason`."""

    reason: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """Everything that was found."""

    findings: tuple[Finding, ...]
