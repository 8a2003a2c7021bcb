from dataclasses import replace
from datetime import timedelta

import pytest

from function_app import steps
from function_app.domain.data_quality import DataPolicy
from function_app.domain.gates import GatePolicy, GateResult
from function_app.domain.requests import StoredDataset
from function_app.domain.stories.lane import LaneHolder
from function_app.domain.training import (
    MAX_RESUBMISSIONS,
    Dataset,
    ModelVersion,
    Run,
    RunStatus,
    TrainingOutcome,
    TrainingPolicy,
    TrainingRequest,
)
from function_app.orchestrators.train_model import train_model
from tests.orchestrators.player import Player

GOOD = GateResult(passed=True, reasons=("better",))
BAD = GateResult(passed=False, reasons=("not better",))
DATASET = Dataset(model="diabetes", version="d1" * 32, uri="/data/d1")
RUNNING = Run(
    run_id="train-diabetes-cause",
    model="diabetes",
    status=RunStatus.RUNNING,
    dataset_version="d1" * 32,
    output_uri="/runs/1",
)
DONE = replace(RUNNING, status=RunStatus.COMPLETED)
PREPARATION = replace(RUNNING, run_id="prepare-diabetes-cause")
EVALUATION = replace(RUNNING, run_id="train-diabetes-cause-vs-1")
REQUEST = TrainingRequest(
    model="diabetes",
    cause="cause",
    data_uri="data/new.csv",
    policy=TrainingPolicy(
        data=DataPolicy(columns=("x", "Y")),
        gate=GatePolicy(bar=4500),
        timeout=timedelta(minutes=2),
        poll_interval=timedelta(seconds=30),
    ),
)


def player(**change: object) -> Player:
    answers = {
        steps.keep_dataset.name: StoredDataset(dataset=DATASET),
        steps.submit_preparation.name: PREPARATION,
        steps.judge_dataset.name: GOOD,
        steps.take_lane.name: LaneHolder(owner="instance-1", ahead=0, inside=True),
        steps.submit_training.name: RUNNING,
        steps.get_run.name: [DONE, RUNNING, DONE],
        steps.submit_evaluation.name: EVALUATION,
        steps.cancel_run.name: replace(RUNNING, status=RunStatus.TIMED_OUT),
        steps.evaluate_challenger.name: GOOD,
        steps.register_model.name: ModelVersion(
            model="diabetes", version="1", run_id="r", uri="/m/1", digest="aa" * 32
        ),
        **change,
    }
    return Player(answers)


def test_a_better_challenger_is_registered() -> None:
    host = player()

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.version) == (TrainingOutcome.REGISTERED, "1")


def test_refused_data_is_never_trained_on() -> None:
    host = player(**{steps.judge_dataset.name: BAD})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REJECTED
    assert steps.submit_training.name not in host.called


def test_not_better_is_an_outcome_and_registers_nothing() -> None:
    host = player(**{steps.evaluate_challenger.name: BAD})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (TrainingOutcome.REJECTED, ("not better",))
    assert steps.register_model.name not in host.called


@pytest.mark.parametrize("change", [{}, {steps.judge_dataset.name: BAD}])
def test_a_training_on_the_newest_data_names_the_file_and_its_version(
    change: dict[str, object],
) -> None:
    host = player(**change)

    host.play(train_model(host, replace(REQUEST, data_uri="")))

    file = {"data": DATASET.uri, "data_version": DATASET.version}
    assert file.items() <= host.statuses[-1].items()
    assert host.called[-1] == steps.record_outcome.name
    assert file.items() <= host.arguments[-1]["facts"].items()


def test_a_run_whose_event_never_comes_is_found_by_polling() -> None:
    host = player()
    host.event_arrives = False

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED


def test_a_run_that_does_not_end_is_cancelled_at_the_deadline() -> None:
    host = player(**{steps.get_run.name: RUNNING})
    started_at = host.current_utc_datetime

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert host.current_utc_datetime - started_at == timedelta(minutes=2)
    assert steps.cancel_run.name in host.called


def test_an_early_event_does_not_make_the_story_poll_without_pause() -> None:
    host = player(**{steps.get_run.name: [RUNNING, RUNNING, RUNNING, DONE]})

    host.play(train_model(host, REQUEST))

    assert [timer.cancelled for timer in host.timers] == [True, False, False]


def test_a_training_leaves_its_lane_when_it_fails() -> None:
    host = player(**{steps.submit_training.name: Exception("PLATFORM: no space")})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (TrainingOutcome.FAILED, ("PLATFORM: no space",))
    assert host.called[-2:] == [steps.leave_lane.name, steps.record_outcome.name]


def waited(behind: int) -> list[LaneHolder]:
    busy = LaneHolder(owner="train-diabetes-other", ahead=1, behind=behind)
    return [busy, LaneHolder(owner="instance-1", ahead=0, behind=behind, inside=True)]


def test_data_that_changed_after_its_event_is_left_to_the_newer_event() -> None:
    host = player(
        **{steps.keep_dataset.name: StoredDataset(refused="It has changed.", changed=True)}
    )

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.SUPERSEDED


def test_a_challenger_is_judged_anew_when_another_was_promoted_during_its_evaluation() -> None:
    other = replace(EVALUATION, run_id="train-diabetes-cause-vs-2")
    host = player(**{steps.submit_evaluation.name: [EVALUATION, other, other]})

    host.play(train_model(host, REQUEST))

    assert host.called.count(steps.submit_evaluation.name) == 3
    judged = host.arguments[host.called.index(steps.evaluate_challenger.name)]
    assert judged["evaluation_id"] == other.run_id


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.UNKNOWN])
def test_an_evaluation_without_predictions_is_a_failure_and_no_verdict(status: RunStatus) -> None:
    failed = replace(EVALUATION, status=status, detail="no memory")
    host = player(**{steps.get_run.name: [DONE, DONE, failed]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert "no memory" in result.reasons[0]
    assert steps.register_model.name not in host.called
    assert host.called[-2:] == [steps.leave_lane.name, steps.record_outcome.name]


def test_a_training_that_the_platform_interrupts_is_submitted_again_under_its_id() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED, detail="the machine restarted")
    host = player(**{steps.get_run.name: [DONE, interrupted, RUNNING, interrupted, DONE]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    submitted = [
        a
        for n, a in zip(host.called, host.arguments, strict=True)
        if n == steps.submit_training.name
    ]
    assert len(submitted) == 3
    assert submitted[0] == submitted[1] == submitted[2]
    # The story holds its two lanes for longer, because the training begins again.
    assert host.called.count(steps.take_lane.name) == 2 + 2 * 2


def test_each_attempt_of_an_interrupted_training_has_the_whole_time_limit() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    host = player(
        **{
            steps.get_run.name: [DONE, RUNNING, RUNNING, RUNNING, interrupted]
            + 4 * [RUNNING]
            + [DONE]
        }
    )

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert steps.cancel_run.name not in host.called


def test_a_training_that_is_interrupted_again_and_again_is_given_up() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED, detail="SIGKILL ended it.")
    host = player(**{steps.get_run.name: [DONE, interrupted]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert host.called.count(steps.submit_training.name) == 1 + MAX_RESUBMISSIONS
    assert "interrupted 6 times" in result.reasons[0]
    assert "SIGKILL ended it." in result.reasons[0]


def test_a_resubmission_that_fails_is_repeated_later_because_the_disk_may_be_full() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    full = Exception("PLATFORM: No space left on device")
    host = player(
        **{
            steps.get_run.name: [DONE, interrupted, DONE],
            steps.submit_training.name: [RUNNING, full, full, RUNNING],
        }
    )
    begun = host.current_utc_datetime

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert host.current_utc_datetime - begun >= timedelta(seconds=30 + 60)


def test_a_disk_that_stays_full_fails_the_training_with_its_reason() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    full = Exception("PLATFORM: No space left on device")
    host = player(
        **{steps.get_run.name: [DONE, interrupted], steps.submit_training.name: [RUNNING, full]}
    )

    ended = host.play(train_model(host, REQUEST))

    assert ended.outcome is TrainingOutcome.FAILED
    assert "No space left" in ended.reasons[0]
    assert host.called[-2:] == [steps.leave_lane.name, steps.record_outcome.name]


def test_an_evaluation_that_the_platform_interrupts_is_submitted_again_and_then_judged() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    done = replace(EVALUATION, status=RunStatus.COMPLETED)
    host = player(**{steps.get_run.name: [DONE, DONE, interrupted, done]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    assert host.called.count(steps.evaluate_challenger.name) == 1
    assert host.called.count(steps.submit_evaluation.name) == 3


def test_an_evaluation_that_is_interrupted_for_good_is_a_failure_and_no_verdict() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    host = player(**{steps.get_run.name: [DONE, interrupted]})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.FAILED
    assert steps.evaluate_challenger.name not in host.called


def test_an_interrupted_evaluation_is_repeated_against_the_champion_of_then() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    other = replace(EVALUATION, run_id="train-diabetes-cause-vs-2", status=RunStatus.COMPLETED)
    host = player(
        **{
            steps.submit_evaluation.name: [EVALUATION, other, other],
            steps.get_run.name: [DONE, DONE, interrupted, other],
        }
    )

    host.play(train_model(host, REQUEST))

    judged = host.arguments[host.called.index(steps.evaluate_challenger.name)]
    assert judged["evaluation_id"] == other.run_id


def test_a_training_waits_until_fewer_trainings_of_all_models_run() -> None:
    mine = LaneHolder(owner="instance-1", ahead=0, inside=True)
    full = LaneHolder(owner="train-other", ahead=2)
    host = player(**{steps.take_lane.name: [mine, full, full, mine]})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert host.called.count(steps.leave_lane.name) == 2


def test_data_that_waited_is_passed_over_when_newer_data_waits_behind_it() -> None:
    host = player(**{steps.take_lane.name: waited(2)})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.SUPERSEDED
    assert result.reasons == ("2 newer came while it waited; the newest is trained on.",)
    assert steps.submit_training.name not in host.called
    assert host.called[-2:] == [steps.leave_lane.name, steps.record_outcome.name]


def test_a_policy_may_train_on_everything() -> None:
    host = player(**{steps.take_lane.name: waited(2)})
    everything = replace(REQUEST, policy=replace(REQUEST.policy, newest_only=False))

    assert host.play(train_model(host, everything)).outcome is TrainingOutcome.REGISTERED


def test_the_newest_is_trained_on_after_it_waited() -> None:
    host = player(**{steps.take_lane.name: waited(0)})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED


def test_a_lane_that_cannot_be_left_neither_hides_a_fault_nor_fails_a_training() -> None:
    full = Exception("PLATFORM: disk full")
    failed = player(
        **{steps.submit_training.name: Exception("PLATFORM: no space"), steps.leave_lane.name: full}
    )
    trained = player(**{steps.leave_lane.name: full})

    ended = failed.play(train_model(failed, REQUEST))

    assert ended.outcome is TrainingOutcome.FAILED
    assert ended.reasons == ("PLATFORM: no space",)
    assert trained.play(train_model(trained, REQUEST)).outcome is TrainingOutcome.REGISTERED


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.UNKNOWN])
def test_a_preparation_that_died_is_failed_and_no_verdict_on_the_data(status: RunStatus) -> None:
    died = replace(PREPARATION, status=status, detail="Exit code 1: no space")
    host = player(**{steps.get_run.name: died})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert "no space" in result.reasons[0]
    assert steps.judge_dataset.name not in host.called
    assert steps.submit_training.name not in host.called


def test_the_training_gets_the_rows_of_the_preparation_and_the_evaluation_too() -> None:
    host = player()
    host.play(train_model(host, REQUEST))

    def argument(name: str) -> dict[str, object]:
        found: dict[str, object] = host.arguments[host.called.index(name)]
        return found

    assert argument(steps.submit_preparation.name)["target"] == "Y"
    assert argument(steps.submit_preparation.name)["folds"] == 1
    prepared = argument(steps.judge_dataset.name)["preparation_id"]
    assert argument(steps.submit_training.name)["preparation_id"] == prepared
    assert argument(steps.submit_evaluation.name)["preparation_id"] == prepared


def test_a_file_that_cannot_be_read_is_rejected_with_its_reason() -> None:
    host = player(**{steps.keep_dataset.name: StoredDataset(refused="a.csv cannot be read.")})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (
        TrainingOutcome.REJECTED,
        ("a.csv cannot be read.",),
    )
    assert steps.submit_preparation.name not in host.called
