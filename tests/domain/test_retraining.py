"""Limits of retrainings for drift: budget, cooldown, and two kinds of loops."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from function_app.domain.drift.drift import ColumnEvidence, Evidence
from function_app.domain.drift.observations import Reference, Watched
from function_app.domain.drift.retraining import (
    DriftPolicy,
    DriftState,
    Judgement,
    Verdict,
    acknowledge,
    judge,
    restart,
)
from function_app.domain.events.events import DriftDetected, claim_key
from function_app.domain.training import run_id
from function_app.errors import ContractError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = DriftPolicy()


def watched(version: int, run: str = "train-m-first") -> Watched:
    return Watched(
        model="m",
        version=str(version),
        digest=f"sha256:{version:064d}",
        run_id=run,
        dataset_version=f"d{version}",
        model_uri="u",
    )


def known(version: int = 1, run: str = "train-m-first", **change: int) -> Reference:
    return replace(
        Reference(watched=watched(version, run), target="Y", columns=()),
        **change,  # type: ignore[arg-type]
    )


def evidence(value: float = 1e6, name: str = "bmi", rows: int = 1000) -> Evidence:
    column = ColumnEvidence(name=name, rows=rows, e_value=value, direction="up")
    return Evidence(e_value=value, threshold=200.0, rows=rows, columns=(column,))


def state(version: int = 1, now: datetime = NOW) -> DriftState:
    return restart(None, watched(version).digest, now)


def raised(before: DriftState, judgement: Judgement, now: datetime) -> DriftState:
    assert judgement.alarm is not None
    return acknowledge(replace(before, pending=judgement.alarm), judgement.alarm.report_id, now)


def test_weak_evidence_and_too_few_rows_are_quiet() -> None:
    for weak in (evidence(199.0), evidence(rows=199)):
        assert judge(state(), weak, known(), "d2", POLICY, NOW).verdict is Verdict.QUIET


def test_strong_evidence_retrains_and_names_the_run_that_its_event_will_cause() -> None:
    judged = judge(state(), evidence(), known(), "d2", POLICY, NOW)

    assert judged.verdict is Verdict.RETRAIN
    assert judged.alarm is not None
    event = DriftDetected(model="m", report_id=judged.alarm.report_id, reason="anything")
    assert judged.alarm.run_id == run_id("m", claim_key(event, "m"))
    assert "bmi went up" in judged.reason


def test_one_test_has_one_report_id_and_another_test_another() -> None:
    first = judge(state(), evidence(), known(), "d2", POLICY, NOW).alarm
    again = judge(state(), evidence(1e9), known(), "d2", POLICY, NOW + DAY).alarm
    later = judge(state(now=NOW + DAY), evidence(), known(), "d2", POLICY, NOW + DAY).alarm

    assert first is not None
    assert again is not None
    assert later is not None
    assert first.report_id == again.report_id != later.report_id


def test_an_alarm_is_acknowledged_once_and_begins_another_test() -> None:
    judged = judge(state(), evidence(), known(), "d2", POLICY, NOW)
    after = raised(state(), judged, NOW)

    assert judged.alarm is not None
    assert acknowledge(after, judged.alarm.report_id, NOW + DAY) is after
    assert len(after.alarms) == 1
    assert (after.pending, after.blocks) == (None, ())


def test_nothing_is_caused_in_the_cooldown_and_nobody_is_told() -> None:
    after = raised(state(), judge(state(), evidence(), known(), "d2", POLICY, NOW), NOW)
    judged = judge(after, evidence(), known(), "d3", POLICY, NOW + DAY - timedelta(seconds=1))

    assert judged.verdict is Verdict.COOLDOWN
    assert not judged.verdict.needs_people
    later = judge(after, evidence(), known(), "d3", POLICY, NOW + DAY)
    assert later.verdict is Verdict.RETRAIN


def test_the_same_champion_is_not_retrained_twice_on_the_same_data() -> None:
    after = raised(state(), judge(state(), evidence(), known(), "d2", POLICY, NOW), NOW)

    judged = judge(after, evidence(), known(), "d2", POLICY, NOW + 2 * DAY)

    assert judged.verdict is Verdict.NOTHING_NEW
    assert judged.verdict.needs_people


def test_a_champion_is_not_retrained_on_the_data_that_it_knows() -> None:
    judged = judge(state(), evidence(), known(), "d1", POLICY, NOW)

    assert judged.verdict is Verdict.NOTHING_NEW
    assert judged.verdict.needs_people
    assert "Version 1 was trained on the newest data there is." in judged.reason


def test_a_spent_budget_is_told_and_fills_up_again_with_time() -> None:
    now, kept = NOW, state()
    for number in range(POLICY.max_retrainings):
        names = ["bmi", "age", "sex"]
        judged = judge(kept, evidence(name=names[number]), known(), f"new{number}", POLICY, now)
        kept, now = raised(kept, judged, now), now + 2 * DAY

    assert judge(kept, evidence(), known(), "d9", POLICY, now).verdict is Verdict.BUDGET_SPENT
    later = now + timedelta(days=30)
    assert judge(kept, evidence(), known(), "d9", POLICY, later).verdict is Verdict.RETRAIN


def test_the_third_drift_of_one_kind_is_a_loop_when_each_retraining_led_to_the_next() -> None:
    policy, now, kept, run = DriftPolicy(max_retrainings=100), NOW, state(), "train-m-first"
    verdicts = []
    for version in range(1, 6):
        kept = restart(kept, watched(version).digest, now)
        judged = judge(kept, evidence(), known(version, run), f"new{version}", policy, now)
        verdicts.append(judged.verdict)
        if judged.alarm is None:
            break
        kept, run, now = raised(kept, judged, now), judged.alarm.run_id, now + 2 * DAY

    assert verdicts == [Verdict.RETRAIN, Verdict.RETRAIN, Verdict.LOOP]


def test_other_drifts_and_champions_of_other_causes_are_no_loop() -> None:
    policy = DriftPolicy(max_retrainings=100)
    for changing in ("column", "run"):
        now, kept, run = NOW, state(), "train-m-first"
        for version in range(1, 6):
            name = f"x{version}" if changing == "column" else "bmi"
            kept = restart(kept, watched(version).digest, now)
            judged = judge(
                kept, evidence(name=name), known(version, run), f"new{version}", policy, now
            )
            assert judged.verdict is Verdict.RETRAIN
            assert judged.alarm is not None
            run = judged.alarm.run_id if changing == "column" else f"train-m-new-file-{version}"
            kept, now = raised(kept, judged, now), now + 2 * DAY


def test_a_model_that_learned_its_own_answers_is_a_loop_at_once() -> None:
    fed = known(seen=40, echoed=40)

    judged = judge(state(), evidence(), fed, "d2", POLICY, NOW)

    assert judged.verdict is Verdict.LOOP
    assert "its own answers" in judged.reason
    honest = judge(state(), evidence(), known(seen=40, echoed=36), "d2", POLICY, NOW)
    assert honest.verdict is Verdict.RETRAIN
    few = judge(state(), evidence(), known(seen=10, echoed=10), "d2", POLICY, NOW)
    assert few.verdict is Verdict.RETRAIN


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"sample": 0.0},
        {"min_rows": 0},
        {"loop_length": 0},
        {"days": 0},
        {"callers": 0},
        {"max_retrainings": -1},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ContractError, match=next(iter(wrong))):
        DriftPolicy(**wrong)  # type: ignore[arg-type]
