"""Open failures, each with the next command.

A failure is closed by a newer event of the same model: a later training, a retry, a release that
was decided. So the newest of each kind counts, and cancelled or superseded stories are skipped.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from function_app.domain.reconciliation import judge_serving
from function_app.domain.release.release import AUTOMATIC, ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Serving
from function_app.domain.stories.outcomes import INTEGRATE, KINDS, RELEASE, TRAIN, is_alarming
from function_app.domain.stories.views import StoryView

RECONCILE = "mlopsctl reconcile compares again"
# Releases of these statuses hide no failure of an earlier one.
PASSED_OVER = (ReleaseStatus.SUPERSEDED, ReleaseStatus.CANCELLED)
_PASSED_OVER = ("superseded", "cancelled", "stale")
_RETRIED = (TRAIN, INTEGRATE)
# Stories without an input of their own: the command starts a new one.
_STARTED_ANEW = {"reconcile": "mlopsctl reconcile", "ensure_platform": "mlopsctl provision"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """An open failure: its kind, its id, the full reason and the next command."""

    kind: str
    subject: str
    detail: str
    next: str


def failed_stories(stories: Iterable[StoryView]) -> list[Attention]:
    """Return the failures among the newest stories of each kind and model.

    Releases are left to the ledger, which knows them for longer than their histories.
    """
    newest: dict[tuple[str, str], StoryView] = {}
    for view in sorted(stories, key=lambda view: str(view["created_at"])):
        if view["outcome"] not in _PASSED_OVER and view["story"] != RELEASE:
            newest[view["story"], view["facts"].get("model", "")] = view
    return [
        Attention(
            kind=_kind(view),
            subject=view["instance_id"],
            detail=" ".join(view["reasons"]) or "It gave no reason.",
            next=_next(view),
        )
        for view in newest.values()
        if is_alarming(view["story"], view["outcome"], view["facts"].get("run"))
    ]


def failed_releases(records: Iterable[ReleaseRecord]) -> list[Attention]:
    """Return the newest release of each model when it failed and no person decided so."""
    newest: dict[str, ReleaseRecord] = {}
    for record in sorted(records, key=lambda record: record.updated_at):
        if record.status not in PASSED_OVER:
            newest[record.release.model] = record
    return [
        Attention(
            kind=f"{record.status.value.replace('_', ' ')} release",
            subject=record.release.release_id,
            detail=" ".join(record.reasons) or "It gave no reason.",
            next=f"mlopsctl show {record.release.release_id}; "
            f"mlopsctl retry {record.release.release_id}",
        )
        for record in newest.values()
        if _is_open(record)
    ]


def unserved(
    model: str, serving: Serving | None, records: Iterable[ReleaseRecord]
) -> list[Attention]:
    """Return the failure of a model whose replicas do not serve at this moment, else None."""
    finding = judge_serving(model, serving, records)
    if finding is None:
        return []
    return [Attention(kind=finding.kind, subject=model, detail=finding.detail, next=RECONCILE)]


def _is_open(record: ReleaseRecord) -> bool:
    match record.status:
        case ReleaseStatus.FAILED | ReleaseStatus.EXPIRED:
            return True
        case ReleaseStatus.REJECTED:
            return record.decided_by is None
        case ReleaseStatus.ROLLED_BACK:
            return record.rolled_back_by == AUTOMATIC
    return False


def _kind(view: StoryView) -> str:
    return f"{view['outcome']} {KINDS.get(view['story'], view['story'].replace('_', ' '))}"


def _next(view: StoryView) -> str:
    show = f"mlopsctl show {view['instance_id']}"
    if view["story"] in _RETRIED:
        return f"{show}; mlopsctl retry {view['instance_id']}"
    anew = _STARTED_ANEW.get(view["story"])
    return f"{show}; {anew}" if anew else show
