"""Timers on the virtual clock, held to the behaviour of the timer extension 3.0.6."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from funchost import clock
from funchost.app.indexing import HostedFunction
from funchost.app.invocation import FIRST_ATTEMPT, Invoker, RetryContext
from funchost.app.retries import read_policy
from funchost.storage import timers
from funchost.storage.store import Store
from funchost.timers import Timer, parse_schedule
from funchost.virtual_clock import VirtualClock

NEVER = "0001-01-01T00:00:00"
START = datetime(2026, 1, 1, tzinfo=UTC)
FIXED = {"strategy": "fixed_delay", "max_retry_count": "2", "delay_interval": "00:00:10"}


class Calls(Invoker):
    """Records each call with its moment; a call takes some seconds and may fail."""

    def __init__(self, watch: VirtualClock, lasts: float, fails: int) -> None:
        self.watch, self.lasts, self.fails = watch, lasts, fails
        self.made: list[tuple[datetime, Any, RetryContext]] = []

    async def call(
        self,
        function: HostedFunction,
        value: Any,
        caller: str = "",
        retry: RetryContext = FIRST_ATTEMPT,
    ) -> Any:
        self.made.append((clock.now(), value, retry))
        await asyncio.sleep(0)
        self.watch.move(self.watch.time() + self.lasts)
        if len(self.made) <= self.fails:
            raise ValueError(f"failure {len(self.made)}")


class Scene:
    """Starts and stops a host of one timer function."""

    def __init__(self, folder: Path, start: datetime = START) -> None:
        self.folder, self.clock, self.name = folder, VirtualClock(start), "tick"

    def run(
        self,
        schedule: str,
        time: timedelta,
        *,
        lasts: float = 0,
        fails: int = 0,
        retry: dict[str, str] | None = None,
        **trigger: Any,
    ) -> Calls:
        """Let a host with this schedule run for a time; return the calls of the function."""
        binding = {"type": "timerTrigger", "name": "timer", **trigger}
        policy = read_policy(retry)
        function = HostedFunction(self.name, lambda: None, binding, (), False, False, retry=policy)
        calls, before = Calls(self.clock, lasts, fails), clock.use(self.clock)
        try:
            asyncio.run(self._run(function, schedule, calls, time))
        finally:
            clock.use(before)
        return calls

    async def _run(
        self, function: HostedFunction, schedule: str, calls: Calls, time: timedelta
    ) -> None:
        end, store = self.clock.time() + time.total_seconds(), Store(self.folder)
        timer = Timer(store, function, parse_schedule(schedule, {}), calls)
        job = asyncio.create_task(timer.run())
        while self.clock.time() <= end:
            while not self.clock.resting(1) and self.clock.time() <= end:
                assert not job.done(), job.result()
                await asyncio.sleep(0)
            moment = self.clock.next_moment()
            if moment is None or moment > end:
                break
            self.clock.move(moment)
        self.clock.move(end)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        store.close()

    def stored(self) -> timers.TimerRecord | None:
        store = Store(self.folder)
        try:
            return timers.get(store, self.name)
        finally:
            store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "state")


def statuses(calls: Calls) -> list[dict[str, str]]:
    return [request.schedule_status for _, request, _ in calls.made]


def moments(calls: Calls) -> list[float]:
    return [(moment - START).total_seconds() for moment, _, _ in calls.made]


HOURLY, DAILY = "0 0 * * * *", "0 0 0 * * *"


@pytest.mark.parametrize(
    ("schedule", "same"),
    [
        ("00000000005 * * * * *", "5 * * * * *"),
        ("0 0 0 * * 1\n", "0 0 0 * * 1"),
        ("0 */ +7\t * * * *", None),
        ("0 */\t+7\t * * * *", "0 */7 * * * *"),
        ("0 5/2147483647 * * * *", "0 5 * * * *"),
        ("0 5/2147483648 * * * *", None),
        ("0 \n5 * * * *", None),
        ("0 0 0 * *\n*", None),
        ("0 0 0 * * TUESDAYS", None),
        ("0 0 0 * * t,TH,s", "0 0 0 * * 2,4,0"),
        ("0 0 0 * j,JU,ma *", "0 0 0 * 1,6,3 *"),
    ],
)
def test_a_number_is_read_as_in_dot_net(schedule: str, same: str | None) -> None:
    if same is None:
        with pytest.raises(ValueError, match=r"which is not|neither|six fields|outside"):
            parse_schedule(schedule, {})
        return

    moments = [START + timedelta(days=40 * number, seconds=3) for number in range(10)]
    read, expected = parse_schedule(schedule, {}), parse_schedule(same, {})
    assert [read.after(moment) for moment in moments] == [expected.after(m) for m in moments]


@pytest.mark.parametrize("schedule", ["*/30 */1 0-23 * * SUN-SAT", "0,59 * * * * *", "00:00:59"])
def test_a_frequent_schedule_has_no_status(scene: Scene, schedule: str) -> None:
    calls = scene.run(schedule, timedelta(minutes=2), useMonitor=True)

    assert len(calls.made) >= 2
    assert statuses(calls) == [{}] * len(calls.made)
    assert scene.stored() is None


@pytest.mark.parametrize("schedule", ["0,30 0 * * * *", "0,30 * * * 1-12 MON-SAT", "0 * * * * *"])
def test_a_schedule_that_is_not_frequent_in_each_minute_has_a_status(
    scene: Scene, schedule: str
) -> None:
    calls = scene.run(schedule, timedelta(hours=1), useMonitor=True)

    assert all(status["Next"] for status in statuses(calls))
    assert scene.stored() is not None


@pytest.mark.parametrize("schedule", ["0 * * * * *", "00:01:00"])
def test_a_schedule_of_a_minute_has_a_status(scene: Scene, schedule: str) -> None:
    calls = scene.run(schedule, timedelta(minutes=2))

    assert [status["Last"] for status in statuses(calls)] == [NEVER, "2026-01-01T00:01:00+00:00"]


def test_a_status_has_the_times_of_dot_net(scene: Scene) -> None:
    scene.clock.move(scene.clock.time() + 0.25)
    calls = scene.run(HOURLY, timedelta(minutes=121), lasts=0.5, runOnStartup=True)

    first, second, third = statuses(calls)
    assert first == {"Last": NEVER, "Next": "2026-01-01T01:00:00+00:00", "LastUpdated": NEVER}
    assert second["Last"] == second["LastUpdated"] == "2026-01-01T00:00:00.2500000+00:00"
    assert third["Last"] == third["LastUpdated"] == "2026-01-01T01:00:00+00:00"
    assert datetime.fromisoformat(third["Next"]) == START + timedelta(hours=2)
    assert [request.past_due for _, request, _ in calls.made] == [False] * 3


def test_the_first_start_stores_a_status_before_the_first_run(scene: Scene) -> None:
    calls = scene.run(DAILY, timedelta(minutes=1))

    assert calls.made == []
    assert scene.stored() == (
        "tick",
        "",
        "2026-01-02T00:00:00.000000Z",
        "2026-01-01T00:00:00.000000Z",
    )


def test_a_missed_run_gets_the_status_as_stored(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(hours=1))
    scene.clock.move(scene.clock.time() + 9000)

    calls = scene.run(HOURLY, timedelta(minutes=1))

    [(_, request, _)] = calls.made
    assert request.past_due
    assert request.schedule_status == {
        "Last": "2026-01-01T01:00:00+00:00",
        "Next": "2026-01-01T02:00:00+00:00",
        "LastUpdated": "2026-01-01T01:00:00+00:00",
    }


def test_an_unchanged_status_runs_nothing_at_the_start(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(hours=1, minutes=10))

    assert scene.run(HOURLY, timedelta(minutes=10)).made == []


def test_a_missed_first_run_is_past_due(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(minutes=1))
    scene.clock.move(scene.clock.time() + 7200)

    [status] = statuses(scene.run(HOURLY, timedelta(minutes=1)))

    assert status == {
        "Last": NEVER,
        "Next": "2026-01-01T01:00:00+00:00",
        "LastUpdated": "2026-01-01T00:00:00+00:00",
    }


def test_a_changed_schedule_runs_nothing_at_the_start(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(hours=1))
    scene.clock.move(scene.clock.time() + 7200)

    assert scene.run("0 0 0 1 1 *", timedelta(minutes=1)).made == []

    record = scene.stored()
    assert record is not None
    assert (record.last, record.next[:10], record.updated[11:19]) == ("", "2027-01-01", "01:00:00")


def test_a_changed_schedule_is_never_past_due(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(hours=1))
    scene.clock.move(scene.clock.time() + 7200)

    calls = scene.run("0 30 * * * *", timedelta(minutes=45))

    [(moment, request, _)] = calls.made
    assert (moment, request.past_due) == (START + timedelta(hours=3, minutes=30), False)


def test_a_call_that_outlasts_its_next_occurrence_is_followed_at_once(scene: Scene) -> None:
    calls = scene.run("* * * * * *", timedelta(seconds=8), lasts=2.5)

    assert moments(calls)[:3] == [1, 3.5, 6]
    assert not any(request.past_due for _, request, _ in calls.made)


def test_a_time_span_counts_from_start_to_start(scene: Scene) -> None:
    calls = scene.run("00:00:03", timedelta(seconds=10), lasts=1)

    assert moments(calls) == [3, 6, 9]


@pytest.mark.parametrize(("schedule", "adjusts"), [("00:00:03", False), ("* * * * * *", True)])
def test_only_a_cron_schedule_adjusts_for_summer_time(
    scene: Scene, schedule: str, adjusts: bool
) -> None:
    calls = scene.run(schedule, timedelta(seconds=3))

    assert {request.schedule["AdjustForDST"] for _, request, _ in calls.made} == {adjusts}


def test_a_retry_policy_is_obeyed(scene: Scene) -> None:
    calls = scene.run(HOURLY, timedelta(hours=2), fails=3, retry=FIXED)

    assert moments(calls) == [3600, 3610, 3620, 7200]
    retries = [retry for *_, retry in calls.made]
    assert [retry.retry_count for retry in retries] == [0, 1, 2, 0]
    assert [retry.max_retry_count for retry in retries] == [2] * 4
    errors = ["None", "failure 1", "failure 2", "None"]
    assert [str(retry.rpc_exception) for retry in retries] == errors


EXPONENTIAL = {
    "strategy": "exponential_backoff",
    "max_retry_count": "-1",
    "minimum_interval": "00:00:10",
    "maximum_interval": "00:01:00",
}


def test_exponential_pauses_grow_and_vary_up_to_the_longest(scene: Scene) -> None:
    calls = scene.run(HOURLY, timedelta(minutes=64), fails=6, retry=EXPONENTIAL)

    runs = moments(calls)
    pauses = [after - before for before, after in pairwise(runs)]
    growth = [(pauses[1] - 10) / 10, (pauses[2] - 10) / 20, (pauses[3] - 10) / 40]
    assert all(0.8 <= each <= 1.2 for each in growth)
    assert len({round(each, 6) for each in growth}) == 3, "each pause varies by itself"
    assert (pauses[0], *pauses[4:]) == (10, 60, 60)


def test_pauses_on_a_virtual_clock_are_the_same_in_each_run(tmp_path: Path) -> None:
    runs = [
        moments(
            Scene(tmp_path / name).run(HOURLY, timedelta(minutes=64), fails=4, retry=EXPONENTIAL)
        )
        for name in ("one", "two")
    ]

    assert runs[0] == runs[1]


def test_the_pauses_of_two_functions_differ_on_the_real_clock() -> None:
    policy = read_policy({**EXPONENTIAL, "maximum_interval": "99:00:00"})
    assert policy is not None

    pauses = {policy.pause(5) for _ in range(100)}

    assert len(pauses) > 1
    assert all(10 + 0.8 * 80 <= pause.total_seconds() <= 10 + 1.2 * 80 for pause in pauses)
    assert policy.pause(10_000) == policy.longest, "the longest pause that a timedelta holds"


def test_a_failed_run_counts_as_run(scene: Scene) -> None:
    scene.run(HOURLY, timedelta(hours=1), fails=9)
    scene.clock.move(scene.clock.time() + 60)

    assert scene.run(HOURLY, timedelta(minutes=1)).made == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_retry_count": "many"}, "max_retry_count is 'many': use a whole number"),
        ({"delay_interval": "10"}, "delay_interval of its retry policy is '10': write hh:mm:ss"),
        ({"strategy": "linear"}, "must be fixed_delay or exponential_backoff"),
    ],
)
def test_a_wrong_retry_policy_is_named(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_policy({**FIXED, **changed})


STATE = (Path(__file__).parent / "states" / "timers_of_schema_5.sql").read_text()


@pytest.mark.parametrize(
    ("name", "schedule", "missed"),
    [("hourly", HOURLY, True), ("span", "01:00:00", True), ("daily", DAILY, False)],
)
def test_a_state_of_an_earlier_version_misses_the_same_runs(
    scene: Scene, name: str, schedule: str, missed: bool
) -> None:
    """The earlier version wrote the first row with the moment of the start as the last run."""
    scene.folder.mkdir()
    with closing(sqlite3.connect(scene.folder / "store.db")) as db:
        db.executescript(STATE)
    scene.name = name
    scene.clock.move(scene.clock.time() + 9000)

    calls = scene.run(schedule, timedelta(minutes=1))

    assert [request.past_due for _, request, _ in calls.made] == [True] * missed
    assert [status["Next"] for status in statuses(calls)] == ["2026-01-01T01:00:00+00:00"] * missed
    assert scene.run(schedule, timedelta(minutes=1)).made == []
