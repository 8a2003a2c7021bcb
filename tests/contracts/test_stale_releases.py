"""A release whose evidence is stale waits no more, unless a newer release supersedes it."""

from function_app.domain.release.release import ReleaseStatus
from function_app.ports import Ledger
from tests.contracts.ledger_samples import DECISION, NOW, ledger, release, rows

__all__ = ["ledger", "rows"]


def test_a_release_whose_evidence_is_stale_waits_no_more_unless_it_is_decided(
    ledger: Ledger,
) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))

    assert ledger.settle("release-m-1", NOW, None, "It is stale.").stale == "It is stale."
    stored = ledger.get_release("release-m-1")
    assert stored is not None
    assert (stored.status, stored.decided_by) == (ReleaseStatus.IN_PROGRESS, None)

    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    settled = ledger.settle("release-m-1", NOW, DECISION, "It is stale.")
    assert (settled.decision, settled.stale) == (DECISION, "")


def test_a_superseded_release_stays_so_when_its_evidence_is_stale(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    ledger.save_release(release("2", ReleaseStatus.IN_PROGRESS))

    settled = ledger.settle("release-m-1", NOW, None, "It is stale.")

    assert (settled.superseded, settled.stale) == (("release-m-2 superseded it.",), "")
    stored = ledger.get_release("release-m-1")
    assert stored is not None
    assert stored.status is ReleaseStatus.SUPERSEDED


def test_the_release_that_supersedes_another_one_is_known_before_that_waits(
    ledger: Ledger,
) -> None:
    ledger.save_release(release("9", ReleaseStatus.IN_PROGRESS))
    assert ledger.successor("release-m-9") is None
    for other in (
        release("8", ReleaseStatus.AWAITING_APPROVAL),
        release("11", ReleaseStatus.REJECTED),
        release("12", ReleaseStatus.IN_PROGRESS, model="other"),
    ):
        ledger.save_release(other)
    assert ledger.successor("release-m-9") is None

    newer = release("10", ReleaseStatus.IN_PROGRESS)
    ledger.save_release(newer)

    assert ledger.successor("release-m-9") == newer.release
    assert ledger.successor("release-m-99") is None
