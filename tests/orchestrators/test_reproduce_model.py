"""The story that trains a version again: it compares, registers nothing, and names its failures."""

from dataclasses import replace
from datetime import timedelta

import pytest

from function_app import steps
from function_app.domain.codec import dump
from function_app.domain.gates import GatePolicy
from function_app.domain.lineage.reproduction import (
    ReproductionOutcome,
    ReproductionPlan,
    ReproductionRequest,
    ReproductionResult,
)
from function_app.domain.stories.lane import LaneHolder
from function_app.domain.training import Dataset, Run, RunStatus
from function_app.orchestrators.reproduce_model import reproduce_model
from tests.domain.test_lineage import VERSION
from tests.orchestrators.player import Player

RUN_ID = "reproduce-diabetes-3-20260101T000000"
DATASET = Dataset(model="diabetes", version="d" * 64, uri="/data/d")
REQUEST = ReproductionRequest(
    model="diabetes",
    version="3",
    cause="20260101T000000",
    target="Y",
    gate=GatePolicy(bar=4500),
    timeout=timedelta(minutes=2),
)
RUNNING = Run(
    run_id=RUN_ID,
    model="diabetes",
    status=RunStatus.RUNNING,
    dataset_version="d" * 64,
    output_uri="/runs/1",
)
DONE = replace(RUNNING, status=RunStatus.COMPLETED)
PREPARATION = replace(RUNNING, run_id=f"prepare-{RUN_ID}")
EVALUATION = replace(RUNNING, run_id=f"{RUN_ID}-vs-3")
SAME = ReproductionResult(outcome=ReproductionOutcome.SAME, reasons=("same",), run_id=RUN_ID)


def player(**change: object) -> Player:
    answers = {
        steps.plan_reproduction.name: ReproductionPlan(
            version=VERSION, dataset=DATASET, code=VERSION.code
        ),
        steps.submit_preparation.name: PREPARATION,
        steps.take_lane.name: LaneHolder(owner="instance-1", ahead=0, inside=True),
        steps.submit_reproduction.name: RUNNING,
        steps.evaluate_reproduction.name: EVALUATION,
        steps.get_run.name: DONE,
        steps.cancel_run.name: replace(RUNNING, status=RunStatus.TIMED_OUT),
        steps.judge_reproduction.name: SAME,
        **change,
    }
    return Player(answers)


def test_a_version_is_trained_by_its_recorded_code_and_data_and_nothing_is_registered() -> None:
    host = player()

    result = host.play(reproduce_model(host, REQUEST))

    assert result == SAME
    trained = host.arguments[host.called.index(steps.submit_reproduction.name)]
    assert trained["code"] == dump(VERSION.code)
    assert trained["dataset"] == dump(DATASET)
    assert steps.register_model.name not in host.called
    assert host.called[-1] == steps.leave_lane.name
    assert host.shown[-1] == "same"


def test_inputs_that_are_gone_end_the_story_before_any_run() -> None:
    host = player(**{steps.plan_reproduction.name: ReproductionPlan(refused="The data is gone.")})

    result = host.play(reproduce_model(host, REQUEST))

    assert result.outcome is ReproductionOutcome.IMPOSSIBLE
    assert result.reasons == ("The data is gone.",)
    assert host.called == [steps.plan_reproduction.name]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_run_that_fails_makes_no_verdict_and_its_reason_is_told(failing: int) -> None:
    failed = replace(DONE, status=RunStatus.FAILED, detail="no memory")
    runs = [DONE, DONE, DONE]
    runs[failing] = failed
    host = player(**{steps.get_run.name: runs})

    result = host.play(reproduce_model(host, REQUEST))

    assert result.outcome is ReproductionOutcome.IMPOSSIBLE
    assert "no memory" in result.reasons[0]
    assert steps.judge_reproduction.name not in host.called


def test_a_step_that_fails_leaves_the_lane() -> None:
    host = player(**{steps.submit_reproduction.name: Exception("PLATFORM: no space")})

    result = host.play(reproduce_model(host, REQUEST))

    assert result.outcome is ReproductionOutcome.IMPOSSIBLE
    assert result.reasons == ("PLATFORM: no space",)
    assert host.called[-1] == steps.leave_lane.name


def test_an_interrupted_training_is_submitted_again() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED, detail="the machine restarted")
    host = player(**{steps.get_run.name: [DONE, interrupted, DONE, DONE]})

    assert host.play(reproduce_model(host, REQUEST)) == SAME
    assert host.called.count(steps.submit_reproduction.name) == 2
