"""The record of a story's end, over the real ledger of this machine."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from function_app.activities.outcomes import record_outcome, settle_cancellation
from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump
from function_app.domain.stories.cancellation import Cancellation, StoryId, cancellation_name
from function_app.domain.stories.outcomes import StoryEnd, end_name
from function_app.domain.training import Run, RunStatus
from function_app.errors import PlatformError
from function_app.ports import Ports
from function_app.records.ledger.ledger import StoredLedger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = StoryEnd(
    instance_id="train-m-1", story="train_model", model="m", outcome="failed", reasons=("why",)
)


def run(run_id: str, owner: str, status: RunStatus = RunStatus.RUNNING) -> Run:
    tags = {"instance_id": owner}
    return Run(
        run_id=run_id, model="m", status=status, dataset_version="", output_uri="", tags=tags
    )


@dataclass
class Platform:
    """Runs, a notifier that may be dead, and a clock that stands."""

    ledger: StoredLedger
    runs: tuple[Run, ...] = ()
    dead: bool = False
    notified: list[StoryEnd] = field(default_factory=list)
    cancelled: list[tuple[str, str]] = field(default_factory=list)

    @property
    def jobs(self) -> "Platform":
        return self

    @property
    def notifier(self) -> "Platform":
        return self

    @property
    def clock(self) -> "Platform":
        return self

    def now(self) -> datetime:
        return NOW

    def report_outcome(self, end: StoryEnd) -> None:
        if self.dead:
            raise PlatformError("messages", "send a message", "Not one took it.")
        self.notified.append(end)

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        if self.dead:
            raise PlatformError("jobs", "list runs", "It is away.")
        assert NOW - since >= timedelta(days=1)
        return self.runs

    def cancel(self, run_id: str, reason: str = "") -> None:
        self.cancelled.append((run_id, reason))


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(StoredLedger(LocalRows(tmp_path / "ledger.db")))


def ports(platform: Platform) -> Ports:
    return cast(Ports, cast(object, platform))


def test_an_end_is_kept_and_people_are_notified_of_a_failure(platform: Platform) -> None:
    record_outcome(ports(platform), END)

    note = platform.ledger.get_record(end_name("train_model", "m"))
    assert note is not None
    assert json.loads(note["end"]) == dump(END)
    assert platform.notified == [END]


def test_dead_channels_fail_no_story_whose_work_is_done(platform: Platform) -> None:
    platform.dead = True

    record_outcome(ports(platform), END)

    assert platform.ledger.get_record(end_name("train_model", "m")) is not None


@pytest.mark.parametrize("dead", [False, True])
def test_a_cancellation_in_the_ledger_stops_the_story_s_own_runs(
    platform: Platform, dead: bool
) -> None:
    cancellation = Cancellation(instance_id="train-m-1", by="ada", comment="", at=NOW)
    content = {"cancellation": json.dumps(dump(cancellation))}
    platform.ledger.save_record(cancellation_name("train-m-1"), content)
    platform.dead = dead
    platform.runs = (
        run("train-m-1", "train-m-1", RunStatus.COMPLETED),
        run("train-m-1-vs-3", "train-m-1"),
        run("train-m-2", "train-m-2"),
    )

    settled = settle_cancellation(ports(platform), StoryId(instance_id="train-m-1"))

    assert settled.cancellation == cancellation
    assert cancellation.reason == "ada cancelled it."
    assert platform.cancelled == ([] if dead else [("train-m-1-vs-3", "ada cancelled it.")])


def test_without_a_record_nothing_is_cancelled(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.runs = (run("train-m-1", "train-m-1"),)

    settled = settle_cancellation(ports(platform), StoryId(instance_id="train-m-1"))

    assert (settled.cancellation, platform.cancelled) == (None, [])
    assert "A cancel event of train-m-1 came without a stored cancellation." in caplog.text
