"""The contract of every ledger, on this machine and in Azure Tables."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.domain.codec import dump, load
from function_app.domain.release.approval import Decision
from function_app.domain.release.release import (
    ReleasePage,
    ReleaseRecord,
    ReleaseStatus,
    next_attempt,
)
from function_app.errors import ConflictError, ContractError, PlatformError
from function_app.ports import Ledger
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.ledger_samples import DECISION, EVERYWHERE, NOW, RECORD, ledger, release, rows
from tests.contracts.memory_rows import MemoryRows

__all__ = ["ledger", "rows"]


def test_unknown_records_are_none(ledger: Ledger) -> None:
    assert ledger.get_release("nothing") is None
    assert ledger.get_decision("nothing") is None


@EVERYWHERE
def test_a_release_is_read_as_it_was_saved(ledger: Ledger) -> None:
    ledger.save_release(RECORD)

    assert ledger.get_release("release-m-1") == RECORD


def test_an_ended_release_cannot_be_reopened(ledger: Ledger) -> None:
    ledger.save_release(replace(RECORD, status=ReleaseStatus.REJECTED))

    with pytest.raises(ConflictError, match="is rejected and cannot become in_progress"):
        ledger.save_release(RECORD)


def test_the_newest_release_comes_first(ledger: Ledger) -> None:
    newer = replace(
        RECORD,
        release=replace(RECORD.release, release_id="release-m-2"),
        updated_at=NOW + timedelta(seconds=1),
    )
    ledger.save_release(newer)
    ledger.save_release(RECORD)

    assert ledger.list_releases() == (newer, RECORD)


@EVERYWHERE
def test_a_newer_challenger_takes_over_from_those_that_wait_and_from_no_other(
    ledger: Ledger,
) -> None:
    waits = ReleaseStatus.AWAITING_APPROVAL
    for record in (
        release("9", waits),
        release("8", ReleaseStatus.IN_PROGRESS),
        release("11", waits),
        release("7", ReleaseStatus.PROMOTED),
        release("1", waits, model="other"),
    ):
        ledger.save_release(record)
    newer = release("10", ReleaseStatus.IN_PROGRESS).release

    assert ledger.supersede(newer, NOW) == ("release-m-9",)
    assert ledger.supersede(newer, NOW) == ("release-m-9",)

    assert ledger.settle("release-m-9", NOW).superseded == ("release-m-10 superseded it.",)
    statuses = {r.release.release_id: r.status for r in ledger.list_releases()}
    assert statuses["release-m-9"] is ReleaseStatus.SUPERSEDED
    assert statuses["release-m-11"] is statuses["release-other-1"] is waits


def test_an_approved_release_can_no_longer_be_superseded(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    assert ledger.settle("release-m-1", NOW).decision is None

    assert ledger.settle("release-m-1", NOW, DECISION).decision == DECISION
    assert ledger.supersede(release("2", ReleaseStatus.IN_PROGRESS).release, NOW) == ()
    assert ledger.settle("release-m-1", NOW, DECISION).decision == DECISION


@pytest.mark.parametrize(
    "other",
    [
        replace(DECISION, image_digest="sha256:" + "bb" * 32),
        replace(DECISION, evidence_hash="f" * 64),
        replace(DECISION, release_id="release-m-2"),
    ],
)
def test_a_decision_over_something_else_settles_nothing(ledger: Ledger, other: Decision) -> None:
    waiting = release("1", ReleaseStatus.AWAITING_APPROVAL)
    ledger.save_release(waiting)

    assert ledger.settle("release-m-1", NOW, other).decision is None
    assert ledger.get_release("release-m-1") == waiting


def test_a_superseded_release_stays_so_whatever_was_decided(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    ledger.supersede(release("2", ReleaseStatus.IN_PROGRESS).release, NOW)

    settlement = ledger.settle("release-m-1", NOW, DECISION)

    assert settlement.decision is None
    assert settlement.superseded == ("release-m-2 superseded it.",)


@EVERYWHERE
def test_an_approval_and_a_newer_challenger_at_once_leave_one_truth(ledger: Ledger) -> None:
    newer = release("1000", ReleaseStatus.IN_PROGRESS).release
    for number in range(8):
        waiting = release(str(number), ReleaseStatus.AWAITING_APPROVAL)
        release_id = waiting.release.release_id
        ledger.save_release(waiting)
        decision = replace(DECISION, release_id=release_id)
        with ThreadPoolExecutor(2) as pool:
            settling = pool.submit(ledger.settle, release_id, NOW, decision)
            superseding = pool.submit(ledger.supersede, newer, NOW)

        approved = settling.result().decision is not None
        assert approved is (release_id not in superseding.result())
        record = ledger.get_release(release_id)
        assert record is not None
        ended = ReleaseStatus.IN_PROGRESS if approved else ReleaseStatus.SUPERSEDED
        assert record.status is ended


@EVERYWHERE
def test_one_of_two_concurrent_ends_of_a_release_is_refused(ledger: Ledger) -> None:
    ends = (ReleaseStatus.REJECTED, ReleaseStatus.SUPERSEDED, ReleaseStatus.FAILED)

    def end(status: ReleaseStatus) -> bool:
        try:
            ledger.save_release(release("1", status))
        except ConflictError:
            return False
        return True

    ledger.save_release(release("1", ReleaseStatus.IN_PROGRESS))
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(end, ends)) == 1


def test_every_step_may_be_repeated(ledger: Ledger) -> None:
    waiting = release("1", ReleaseStatus.AWAITING_APPROVAL)
    for _ in range(2):
        ledger.save_release(waiting)
    for _ in range(2):
        assert ledger.settle("release-m-1", NOW, DECISION).decision == DECISION
    promoted = release("1", ReleaseStatus.PROMOTED)
    for _ in range(2):
        ledger.save_release(promoted)

    assert ledger.list_releases() == (promoted,)


@pytest.mark.parametrize("version", ["2024-05-01", "1.0-rc1", "1_0.rc-2", "1"])
def test_a_release_of_any_version_is_found_by_its_id(ledger: Ledger, version: str) -> None:
    record = release(version, ReleaseStatus.AWAITING_APPROVAL, model="two-words")
    release_id = record.release.release_id
    ledger.save_release(record)
    decision = replace(DECISION, release_id=release_id)

    assert ledger.get_release(release_id) == record
    assert ledger.settle(release_id, NOW, decision).decision == decision
    assert ledger.get_release(f"{release_id}0") is None


@EVERYWHERE
def test_a_release_with_much_to_say_is_kept_whole(ledger: Ledger) -> None:
    record = replace(RECORD, reasons=tuple(f"{number} ü" * 30 for number in range(600)))
    ledger.save_release(record)

    assert ledger.get_release("release-m-1") == record


@EVERYWHERE
def test_more_releases_than_a_transaction_holds_are_superseded_together(ledger: Ledger) -> None:
    for number in range(105):
        ledger.save_release(release(str(number), ReleaseStatus.AWAITING_APPROVAL))

    taken = ledger.supersede(release("1000", ReleaseStatus.IN_PROGRESS).release, NOW)

    assert len(taken) == 105
    assert {r.status for r in ledger.list_releases()} == {ReleaseStatus.SUPERSEDED}


@EVERYWHERE
def test_a_note_takes_the_place_of_an_earlier_one(ledger: Ledger) -> None:
    ledger.save_record("the / note", {"a": "1", "b": "2"})
    ledger.save_record("the / note", {"a": "ü" * 70_000})

    assert ledger.get_record("the / note") == {"a": "ü" * 70_000}
    assert ledger.get_record("another") is None


@EVERYWHERE
def test_of_two_first_notes_one_is_stored_and_both_writers_learn_it(ledger: Ledger) -> None:
    first = ledger.create_record("cancel / a", {"by": "ada"})
    second = ledger.create_record("cancel / a", {"by": "grace"})

    assert first == second == ledger.get_record("cancel / a") == {"by": "ada"}


def test_a_release_keeps_who_decided_what_and_why_it_ended(ledger: Ledger) -> None:
    record = replace(
        RECORD,
        status=ReleaseStatus.ROLLED_BACK,
        reasons=("ada rolled back to version 1: slow",),
        evidence=("mse 3",),
        begun_at=NOW - timedelta(hours=1),
        endpoint="http://127.0.0.1:1",
        decided_by="grace",
        rolled_back_by="ada",
        cancelled_by="nobody",
    )
    ledger.save_release(record)

    assert ledger.get_release("release-m-1") == record
    assert ledger.list_releases() == (record,)


def test_an_approved_release_names_its_approver_from_then_on(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    ledger.settle("release-m-1", NOW, DECISION)

    record = ledger.get_release("release-m-1")

    assert record is not None
    assert (record.status, record.decided_by) == (ReleaseStatus.IN_PROGRESS, "ada")


def test_a_release_may_be_cancelled_until_it_has_ended(ledger: Ledger) -> None:
    for status in (ReleaseStatus.IN_PROGRESS, ReleaseStatus.AWAITING_APPROVAL):
        ledger.save_release(release("1", status))
    ledger.save_release(release("1", ReleaseStatus.CANCELLED))

    with pytest.raises(ConflictError, match="is cancelled and cannot become promoted"):
        ledger.save_release(release("1", ReleaseStatus.PROMOTED))


def test_the_next_attempt_of_a_release_is_a_record_of_its_own(ledger: Ledger) -> None:
    first = release("1.0-rc1", ReleaseStatus.FAILED, model="two-words")
    second = replace(first, release=next_attempt(first.release), status=ReleaseStatus.IN_PROGRESS)
    for record in (first, second):
        ledger.save_release(record)

    assert ledger.get_release("release-two-words-1.0-rc1") == first
    assert ledger.get_release("release-two-words-1.0-rc1-try2") == second


def test_a_record_of_an_earlier_version_still_loads() -> None:
    later = ("evidence", "begun_at", "endpoint", "decided_by", "rolled_back_by", "cancelled_by")
    old = {name: value for name, value in dump(RECORD).items() if name not in later}

    assert load(ReleaseRecord, old) == RECORD


def begun(number: int, status: ReleaseStatus = ReleaseStatus.REJECTED) -> ReleaseRecord:
    return replace(release(str(number), status), begun_at=NOW + timedelta(minutes=number))


@EVERYWHERE
def test_pages_have_every_release_once_newest_first(ledger: StoredLedger) -> None:
    records = [begun(number) for number in range(7)]
    for record in records:
        ledger.save_release(record)
    seen: list[ReleaseRecord] = []
    page = ledger.releases(3)
    while page.next is not None:
        seen += page.releases
        assert len(page.releases) == 3
        page = ledger.releases(3, page.next)

    assert (*seen, *page.releases) == tuple(reversed(records))
    assert ledger.releases(7) == ReleasePage(releases=tuple(reversed(records)))
    assert ledger.releases(0).releases == ()


def test_a_release_that_changes_keeps_its_page(ledger: StoredLedger) -> None:
    for number in range(4):
        ledger.save_release(begun(number, ReleaseStatus.PROMOTED))
    first = ledger.releases(2)

    # An old release changes and a new one begins between two pages.
    changed = replace(begun(3, ReleaseStatus.ROLLED_BACK), updated_at=NOW + timedelta(days=1))
    ledger.save_release(changed)
    ledger.save_release(begun(9))

    second = ledger.releases(2, first.next)
    shown = [record.release.version for record in (*first.releases, *second.releases)]
    assert (shown, second.next) == (["3", "2", "1", "0"], None)
    assert ledger.list_releases()[0] == changed


@pytest.mark.parametrize(
    "cursor", ["", "x", "../1", "0" * 19, "0" * 19 + "-a/b", "\u0660" * 19 + "-a"]
)
def test_a_cursor_that_no_page_gave_is_refused(ledger: StoredLedger, cursor: str) -> None:
    with pytest.raises(ContractError, match="is not a cursor"):
        ledger.releases(1, cursor)


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "{}", '{"status": "promoted"}', "{" * 99_999])
def test_a_release_that_cannot_be_read_hides_no_other(
    ledger: StoredLedger, rows: MemoryRows, text: str
) -> None:
    records = [begun(number) for number in range(3)]
    for record in records:
        ledger.save_release(record)
    [key] = [row.key for row in rows.query("releases", "at/") if row.key.endswith("-m-1")]
    rows.damage("releases", key, text)

    assert ledger.list_releases()
    assert ledger.releases(9).releases == (records[2], records[0])
    assert ledger.supersede(begun(9).release, NOW) == ()
    [(name, problem)] = ledger.list_damaged()
    assert (name, "The release is in no list." in problem) == ("release-m-1", True)
    with pytest.raises(PlatformError, match="Restore the records from a backup"):
        ledger.get_release("release-m-1")


def test_an_id_that_leads_nowhere_hides_no_release(ledger: StoredLedger, rows: MemoryRows) -> None:
    ledger.save_release(begun(1))
    rows.damage("releases", "id/release-m-1")

    assert len(ledger.list_releases()) == 1
    [(name, problem)] = ledger.list_damaged()
    assert (name, "cannot be found" in problem) == ("id/release-m-1", True)


def test_a_name_that_is_no_id_has_no_release(ledger: StoredLedger) -> None:
    for name in ("", "a/b", "x" * 2000, "../x", "\ud800"):
        assert ledger.get_release(name) is None
        assert ledger.get_decision(name) is None
        with pytest.raises(ContractError):
            ledger.save_release(replace(RECORD, release=replace(RECORD.release, release_id=name)))


def test_a_waiting_release_hears_of_a_newer_one_that_came_before_it(ledger: StoredLedger) -> None:
    ledger.save_release(release("2", ReleaseStatus.PROMOTED))
    ledger.save_release(release("3", ReleaseStatus.PROMOTED, model="other"))
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))

    assert ledger.settle("release-m-1", NOW, DECISION).superseded == ("release-m-2 superseded it.",)

    record = ledger.get_release("release-m-1")
    assert record is not None
    assert record.status is ReleaseStatus.SUPERSEDED
