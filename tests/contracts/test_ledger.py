"""What every ledger must do; the Azure twin joins by a second fixture parameter."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.local.ledger import LocalLedger
from function_app.domain.approval import Decision, Verdict
from function_app.domain.lane import LaneRequest
from function_app.domain.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.errors import ConflictError
from function_app.ports import Ledger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = ReleaseRecord(
    release=Release(
        release_id="release-m-1", model="m", version="1", policy=ReleasePolicy(approvers=("ada",))
    ),
    status=ReleaseStatus.IN_PROGRESS,
    updated_at=NOW,
)
DECISION = Decision(
    release_id="release-m-1",
    verdict=Verdict.APPROVE,
    decided_by="ada",
    comment="",
    image_digest="sha256:aa",
    evidence_hash="e",
    decided_at=NOW,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return LocalLedger(tmp_path / "state" / "ledger.db")


def test_the_first_decision_stands(ledger: Ledger) -> None:
    ledger.decide(DECISION)

    assert ledger.decide(replace(DECISION, verdict=Verdict.REJECT)) == DECISION
    assert ledger.get_decision("release-m-1") == DECISION


def test_what_is_unknown_is_none(ledger: Ledger) -> None:
    assert ledger.get_release("nothing") is None
    assert ledger.get_decision("nothing") is None


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


def release(version: str, status: ReleaseStatus, model: str = "m") -> ReleaseRecord:
    made = replace(RECORD.release, release_id=f"release-{model}-{version}", version=version)
    return replace(RECORD, release=replace(made, model=model), status=status)


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


def test_a_superseded_release_takes_no_decision(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.SUPERSEDED))

    with pytest.raises(ConflictError, match="nothing waits for a decision"):
        ledger.decide(DECISION)


def test_an_approved_release_can_no_longer_be_superseded(ledger: Ledger) -> None:
    ledger.save_release(release("1", ReleaseStatus.AWAITING_APPROVAL))
    assert ledger.settle("release-m-1", NOW).decision is None
    ledger.decide(DECISION)

    assert ledger.settle("release-m-1", NOW).decision == DECISION
    assert ledger.supersede(release("2", ReleaseStatus.IN_PROGRESS).release, NOW) == ()
    assert ledger.settle("release-m-1", NOW).decision == DECISION


def test_one_is_in_a_lane_and_the_others_wait_in_order(ledger: Ledger) -> None:
    def take(owner: str, minutes: int = 0) -> tuple[str, int]:
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1))
        holder = ledger.take_lane(request, NOW + timedelta(minutes=minutes))
        return holder.owner, holder.ahead

    with ThreadPoolExecutor(8) as pool:
        holders = {owner for owner, _ in pool.map(lambda i: take(f"o{i}"), range(20))}
    assert len(holders) == 1
    for number in range(20):
        ledger.leave_lane("l", f"o{number}")

    assert [take("a"), take("b"), take("c"), take("a")] == [("a", 0), ("a", 1), ("a", 2), ("a", 0)]
    request = LaneRequest(lane="l", owner="a", since=NOW, hold=timedelta(hours=1))
    assert ledger.take_lane(request, NOW).behind == 2
    ledger.leave_lane("l", "a")
    assert take("c") == ("b", 1)
    assert take("c", minutes=4) == ("b", 1)
    assert take("c", minutes=6) == ("c", 0), "b asked no more and lost its place"


def test_who_is_in_a_lane_keeps_it_as_long_as_it_may(ledger: Ledger) -> None:
    def take(owner: str, minutes: int) -> str:
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1))
        return ledger.take_lane(request, NOW + timedelta(minutes=minutes)).owner

    take("a", 0)

    assert [take("b", 59), take("b", 61)] == ["a", "b"]


def test_places_are_by_when_a_story_began_but_nobody_is_put_out(ledger: Ledger) -> None:
    def take(owner: str, began: int) -> tuple[str, int, int]:
        since = NOW + timedelta(seconds=began)
        request = LaneRequest(lane="l", owner=owner, since=since, hold=timedelta(hours=1))
        holder = ledger.take_lane(request, NOW)
        return holder.owner, holder.ahead, holder.behind

    assert take("second", 2) == ("second", 0, 0)
    assert take("third", 3) == ("second", 1, 0)
    assert take("first", 1) == ("second", 1, 1)
    ledger.leave_lane("l", "second")

    assert take("third", 3) == ("first", 1, 0)
