"""A suspicion becomes an alarm by other days and other callers, and by nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from function_app.domain.codec import dump, load
from function_app.domain.drift.clusters import Memory, count_units, total_columns
from function_app.domain.drift.confirmation import (
    MOST_CALLERS,
    MOST_DAYS,
    PATIENCE_DAYS,
    Suspicion,
    add_parts,
    count_callers,
    strong_causes,
)
from function_app.domain.drift.drift import ColumnEvidence, Evidence, weigh
from function_app.domain.drift.observations import (
    ColumnCounts,
    LabelSums,
    ObservationBatch,
    Part,
    Reference,
    Watched,
    describe_column,
)
from function_app.domain.drift.prediction_lines import LoggedPrediction
from function_app.domain.drift.retraining import (
    DriftPolicy,
    DriftState,
    Judgement,
    Verdict,
    add,
    follow,
    judge,
    restart,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = DriftPolicy()
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="train-m-1", dataset_version="d1",
    model_uri="u",
)  # fmt: skip


class Watching:
    """A test of one column, fed with days of requests of one row."""

    def __init__(self, policy: DriftPolicy = POLICY, callers: tuple[str, ...] = ("primary",)):
        self._rng = np.random.default_rng(0)
        column = describe_column("x", self._rng.normal(size=2000))
        assert column is not None
        self._known = Reference(watched=WATCHED, target="Y", columns=(column,), features=("x",))
        self._policy, self._callers = policy, callers
        self.state: DriftState = restart(None, WATCHED.digest, START)
        self._memory = Memory()
        self.day = 0

    def look(self, rows: int, hours: float, **shifts: float) -> Judgement:
        """Send rows of each caller, moved by its shift, and compare so many hours later."""
        asked = []
        begin = START + self.day * DAY
        for caller in self._callers:
            for index, value in enumerate(self._rng.normal(size=rows) + shifts.get(caller, 0.0)):
                at = (begin + hours / 24 * DAY * index / rows).timestamp()
                asked.append(
                    LoggedPrediction(
                        prediction_id="p",
                        image=WATCHED.digest,
                        at=at,
                        caller=caller,
                        columns=("x",),
                        inputs=((float(value),),),
                        outputs=(0.0,),
                    )
                )
        counted = count_units(self._known, asked, 100, self._memory)
        self._memory = counted.memory
        batch = ObservationBatch(
            cursor="",
            rows=sum(part.rows for part in counted.parts),
            columns=total_columns(counted.parts),
            parts=counted.parts,
        )
        # Between two looks the state is JSON.
        self.state = load(DriftState, json.loads(json.dumps(dump(self.state))))
        self.state = add(self.state, batch, self._policy)
        return self.judged(begin + hours / 24 * DAY)

    def judged(self, now: datetime) -> Judgement:
        evidence = weigh(self._known, self.state.blocks, self._policy.alpha)
        self.state = follow(self.state, evidence, self._policy, now)
        return judge(self.state, evidence, self._known, "d2", self._policy, now)

    def next_day(self) -> None:
        self.day += 1


def test_drift_is_suspected_first_and_confirmed_after_a_whole_later_day() -> None:
    watching = Watching()
    first = watching.look(500, 12, primary=1.0)
    watching.next_day()
    second = watching.look(500, 20, primary=1.0)
    third = watching.judged(START + 2 * DAY)

    assert [j.verdict for j in (first, second, third)] == [
        Verdict.SUSPECTED,
        Verdict.SUSPECTED,
        Verdict.RETRAIN,
    ]
    assert "Suspected on 2026-01-05; a retraining needs 1 more whole days" in first.reason
    assert third.alarm is not None
    assert third.alarm.causes == ("x up",)


def test_drift_that_ends_with_its_day_is_no_alarm() -> None:
    watching = Watching()
    assert watching.look(300, 12, primary=1.0).verdict is Verdict.SUSPECTED
    verdicts = set()
    for _ in range(5):
        watching.next_day()
        verdicts.add(watching.look(1000, 24).verdict)

    assert verdicts <= {Verdict.SUSPECTED, Verdict.QUIET}
    assert watching.state.suspicion is None


def test_the_opposite_direction_confirms_nothing() -> None:
    watching = Watching()
    assert watching.look(5000, 12, primary=1.0).verdict is Verdict.SUSPECTED
    watching.next_day()
    assert watching.look(500, 24, primary=-1.0).verdict is Verdict.SUSPECTED


def test_one_day_suffices_where_the_policy_asks_for_one() -> None:
    watching = Watching(replace(POLICY, days=1))

    assert watching.look(500, 12, primary=1.0).verdict is Verdict.RETRAIN


def test_more_days_are_waited_for() -> None:
    watching = Watching(replace(POLICY, days=4))
    verdicts = []
    for _ in range(5):
        verdicts.append(watching.look(500, 24, primary=1.0).verdict)
        watching.next_day()

    # The day of the suspicion, and three whole days after it; the fifth look sees the third as whole.
    assert verdicts == [*[Verdict.SUSPECTED] * 4, Verdict.RETRAIN]


@pytest.mark.parametrize(("days", "callers"), [(2, 2), (1, 2)])
def test_one_of_several_callers_does_not_bring_about_a_retraining(days: int, callers: int) -> None:
    policy = replace(POLICY, days=days, callers=callers)
    alone = Watching(policy, ("a", "b", "c"))
    together = Watching(policy, ("a", "b", "c"))
    verdicts: dict[str, list[Verdict]] = {"alone": [], "together": []}
    for _ in range(3):
        verdicts["alone"].append(alone.look(500, 24, a=2.0).verdict)
        verdicts["together"].append(together.look(500, 24, a=2.0, b=2.0).verdict)
        alone.next_day()
        together.next_day()

    assert set(verdicts["alone"]) == {Verdict.SUSPECTED}
    assert verdicts["together"][-1] is Verdict.RETRAIN


def test_one_caller_suffices_where_the_policy_asks_for_one() -> None:
    watching = Watching(replace(POLICY, days=1, callers=1), ("a", "b", "c"))

    assert watching.look(500, 24, a=2.0).verdict is Verdict.RETRAIN


def test_a_second_caller_with_few_requests_does_not_hinder_an_only_caller() -> None:
    watching = Watching(replace(POLICY, days=1))
    watching.state = replace(watching.state, callers={"tests": 20})

    assert watching.look(500, 12, primary=1.0).verdict is Verdict.RETRAIN


def test_a_suspicion_that_nothing_confirms_is_given_up_and_people_are_asked() -> None:
    watching = Watching(callers=("a", "b"))
    verdicts = []
    for _ in range(PATIENCE_DAYS + 2):
        verdicts.append(watching.look(400, 23, a=2.0).verdict)
        watching.next_day()

    assert set(verdicts[:-1]) == {Verdict.SUSPECTED}
    assert verdicts[-1] is Verdict.UNCONFIRMED
    assert verdicts[-1].needs_people


def test_a_suspicion_waits_longer_where_few_requests_come() -> None:
    watching = Watching()
    watching.look(300, 12, primary=1.5)
    watching.day = 30

    judged = watching.look(5, 12)

    assert judged.verdict is Verdict.SUSPECTED


def counts(rows: int) -> dict[str, ColumnCounts]:
    return {"x": ColumnCounts(rows=rows, below=(0.0, 1.0)), "y": ColumnCounts(rows=1, below=())}


def batch(*parts: Part) -> ObservationBatch:
    return ObservationBatch(cursor="", columns={}, parts=parts)


def part(day: str, caller: str = "a", rows: int = 3) -> Part:
    return Part(day=day, caller=caller, rows=rows, columns=counts(rows))


def test_the_state_of_a_suspicion_stays_small() -> None:
    suspicion = Suspicion(day="2026-01-01", rows=9, causes=("x up",))
    for day in range(MOST_DAYS + 50):
        name = (START + day * DAY).date().isoformat()
        more = batch(*[part(name, f"c{number}") for number in range(20)])
        suspicion = add_parts(suspicion, more, 2)

    assert len({p.day for p in suspicion.parts}) == MOST_DAYS
    assert len({p.caller for p in suspicion.parts}) == MOST_CALLERS + 1
    assert sum(p.rows for p in suspicion.parts) == (MOST_DAYS + 50) * 20 * 3
    assert {name for p in suspicion.parts for name in p.columns} == {"x"}
    assert load(Suspicion, dump(suspicion)) == suspicion
    callers = count_callers({}, batch(*[part("2026-01-02", f"c{n}") for n in range(20)]))
    assert len(callers) == MOST_CALLERS + 1
    assert sum(callers.values()) == 60


def test_only_later_days_count_unless_one_day_suffices() -> None:
    suspicion = Suspicion(day="2026-01-05", rows=9, causes=("x up",))
    same, later = part("2026-01-05"), part("2026-01-06")

    assert [p.day for p in add_parts(suspicion, batch(same, later), 2).parts] == [later.day]
    assert len(add_parts(suspicion, batch(same, later), 1).parts) == 2


def test_the_causes_are_all_columns_over_the_threshold_else_the_strongest() -> None:
    def named(*values: float) -> Evidence:
        columns = tuple(
            ColumnEvidence(name=f"x{n}", rows=1, e_value=value, direction="up")
            for n, value in enumerate(values)
        )
        return Evidence(e_value=300, threshold=201, rows=1, columns=columns)

    assert strong_causes(named(500, 201, 200)) == ("x0 up", "x1 up")
    assert strong_causes(named(150, 100)) == ("x0 up",)


def test_the_first_labels_of_a_champion_stay_its_reference_over_its_tests() -> None:
    state = restart(None, WATCHED.digest, START)
    labels = LabelSums(rows=150, units=150, total=150.0, squares=300.0)
    for _ in range(3):
        state = add(state, ObservationBatch(cursor="", columns={}, labels=labels), POLICY)

    assert state.early.units == 300
    assert restart(state, WATCHED.digest, START + DAY).early == state.early
    assert restart(state, "sha256:bb", START + DAY).early == LabelSums()


# As the version before this one stored it.
OLD = """{"digest": "sha256:aa", "since": "2026-01-01T00:00:00Z", "cursor": "c", "blocks":
[{"start": 0, "rows": 200, "columns": {"x": {"rows": 200, "below": [0, 20, 50, 100, 150, 180, 199]}},
"labels": {"rows": 0, "squared_error": 0.0, "winnings": [0.0, 0.0, 0.0, 0.0]}}], "unmatched": 3,
"pending": null, "told": "quiet", "alarms": []}"""


def test_a_test_that_an_earlier_version_began_goes_on() -> None:
    watching = Watching()
    watching.state = load(DriftState, json.loads(OLD))

    judged = watching.look(100, 12)

    assert judged.verdict is Verdict.QUIET
    assert sum(block.rows for block in watching.state.blocks) == 300
    assert (watching.state.unmatched, watching.state.callers) == (3, {"primary": 100})
