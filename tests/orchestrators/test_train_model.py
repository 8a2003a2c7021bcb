from dataclasses import replace
from datetime import timedelta

import pytest

from function_app import names
from function_app.domain.data_quality import DataPolicy
from function_app.domain.gates import GatePolicy, GateResult
from function_app.domain.lane import LaneHolder
from function_app.domain.requests import KeptDataset
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
        names.KEEP_DATASET: KeptDataset(dataset=DATASET),
        names.SUBMIT_PREPARATION: PREPARATION,
        names.JUDGE_DATASET: GOOD,
        names.TAKE_LANE: LaneHolder(owner="instance-1", ahead=0, inside=True),
        names.SUBMIT_TRAINING: RUNNING,
        names.GET_RUN: [DONE, RUNNING, DONE],
        names.SUBMIT_EVALUATION: EVALUATION,
        names.CANCEL_RUN: replace(RUNNING, status=RunStatus.TIMED_OUT),
        names.EVALUATE_CHALLENGER: GOOD,
        names.REGISTER_MODEL: ModelVersion(
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
    host = player(**{names.JUDGE_DATASET: BAD})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REJECTED
    assert names.SUBMIT_TRAINING not in host.called


def test_not_better_is_an_outcome_and_registers_nothing() -> None:
    host = player(**{names.EVALUATE_CHALLENGER: BAD})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (TrainingOutcome.REJECTED, ("not better",))
    assert names.REGISTER_MODEL not in host.called


def test_a_run_whose_event_never_comes_is_found_by_polling() -> None:
    host = player()
    host.event_arrives = False

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED


def test_a_run_that_does_not_end_is_cancelled_at_the_deadline() -> None:
    host = player(**{names.GET_RUN: RUNNING})
    started_at = host.current_utc_datetime

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert host.current_utc_datetime - started_at == timedelta(minutes=2)
    assert names.CANCEL_RUN in host.called


def test_an_early_event_does_not_make_the_story_poll_without_pause() -> None:
    host = player(**{names.GET_RUN: [RUNNING, RUNNING, RUNNING, DONE]})

    host.play(train_model(host, REQUEST))

    assert [timer.cancelled for timer in host.timers] == [True, False, False]


def test_a_training_leaves_its_lane_when_it_fails() -> None:
    host = player(**{names.SUBMIT_TRAINING: Exception("PLATFORM: no space")})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (TrainingOutcome.FAILED, ("PLATFORM: no space",))
    assert host.called[-2:] == [names.LEAVE_LANE, names.RECORD_OUTCOME]


def waited(behind: int) -> list[LaneHolder]:
    busy = LaneHolder(owner="train-diabetes-other", ahead=1, behind=behind)
    return [busy, LaneHolder(owner="instance-1", ahead=0, behind=behind, inside=True)]


def test_data_that_changed_after_its_event_is_left_to_the_newer_event() -> None:
    host = player(**{names.KEEP_DATASET: KeptDataset(refused="It has changed.", changed=True)})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.SUPERSEDED


def test_a_challenger_is_judged_anew_when_another_was_promoted_during_its_evaluation() -> None:
    other = replace(EVALUATION, run_id="train-diabetes-cause-vs-2")
    host = player(**{names.SUBMIT_EVALUATION: [EVALUATION, other, other]})

    host.play(train_model(host, REQUEST))

    assert host.called.count(names.SUBMIT_EVALUATION) == 3
    judged = host.arguments[host.called.index(names.EVALUATE_CHALLENGER)]
    assert judged["evaluation_id"] == other.run_id


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.UNKNOWN])
def test_an_evaluation_without_predictions_is_a_failure_and_no_verdict(status: RunStatus) -> None:
    failed = replace(EVALUATION, status=status, detail="no memory")
    host = player(**{names.GET_RUN: [DONE, DONE, failed]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert "no memory" in result.reasons[0]
    assert names.REGISTER_MODEL not in host.called
    assert host.called[-2:] == [names.LEAVE_LANE, names.RECORD_OUTCOME]


def test_a_training_that_the_platform_interrupts_is_submitted_again_under_its_id() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED, detail="the machine restarted")
    host = player(**{names.GET_RUN: [DONE, interrupted, RUNNING, interrupted, DONE]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    submitted = [
        a for n, a in zip(host.called, host.arguments, strict=True) if n == names.SUBMIT_TRAINING
    ]
    assert len(submitted) == 3
    assert submitted[0] == submitted[1] == submitted[2]
    # The story holds its two lanes for longer, because the training begins again.
    assert host.called.count(names.TAKE_LANE) == 2 + 2 * 2


def test_each_attempt_of_an_interrupted_training_has_the_whole_time_limit() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    host = player(
        **{names.GET_RUN: [DONE, RUNNING, RUNNING, RUNNING, interrupted] + 4 * [RUNNING] + [DONE]}
    )

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert names.CANCEL_RUN not in host.called


def test_a_training_that_is_interrupted_again_and_again_is_given_up() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED, detail="SIGKILL ended it.")
    host = player(**{names.GET_RUN: [DONE, interrupted]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert host.called.count(names.SUBMIT_TRAINING) == 1 + MAX_RESUBMISSIONS
    assert "interrupted 6 times" in result.reasons[0]
    assert "SIGKILL ended it." in result.reasons[0]


def test_a_resubmission_that_fails_is_repeated_later_because_the_disk_may_be_full() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    full = Exception("PLATFORM: No space left on device")
    host = player(
        **{
            names.GET_RUN: [DONE, interrupted, DONE],
            names.SUBMIT_TRAINING: [RUNNING, full, full, RUNNING],
        }
    )
    begun = host.current_utc_datetime

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert host.current_utc_datetime - begun >= timedelta(seconds=30 + 60)


def test_a_disk_that_stays_full_fails_the_training_with_its_reason() -> None:
    interrupted = replace(RUNNING, status=RunStatus.INTERRUPTED)
    full = Exception("PLATFORM: No space left on device")
    host = player(**{names.GET_RUN: [DONE, interrupted], names.SUBMIT_TRAINING: [RUNNING, full]})

    ended = host.play(train_model(host, REQUEST))

    assert ended.outcome is TrainingOutcome.FAILED
    assert "No space left" in ended.reasons[0]
    assert host.called[-2:] == [names.LEAVE_LANE, names.RECORD_OUTCOME]


def test_an_evaluation_that_the_platform_interrupts_is_submitted_again_and_then_judged() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    done = replace(EVALUATION, status=RunStatus.COMPLETED)
    host = player(**{names.GET_RUN: [DONE, DONE, interrupted, done]})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    assert host.called.count(names.EVALUATE_CHALLENGER) == 1
    assert host.called.count(names.SUBMIT_EVALUATION) == 3


def test_an_evaluation_that_is_interrupted_for_good_is_a_failure_and_no_verdict() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    host = player(**{names.GET_RUN: [DONE, interrupted]})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.FAILED
    assert names.EVALUATE_CHALLENGER not in host.called


def test_an_interrupted_evaluation_is_repeated_against_the_champion_of_then() -> None:
    interrupted = replace(EVALUATION, status=RunStatus.INTERRUPTED)
    other = replace(EVALUATION, run_id="train-diabetes-cause-vs-2", status=RunStatus.COMPLETED)
    host = player(
        **{
            names.SUBMIT_EVALUATION: [EVALUATION, other, other],
            names.GET_RUN: [DONE, DONE, interrupted, other],
        }
    )

    host.play(train_model(host, REQUEST))

    judged = host.arguments[host.called.index(names.EVALUATE_CHALLENGER)]
    assert judged["evaluation_id"] == other.run_id


def test_a_training_waits_until_fewer_trainings_of_all_models_run() -> None:
    mine = LaneHolder(owner="instance-1", ahead=0, inside=True)
    full = LaneHolder(owner="train-other", ahead=2)
    host = player(**{names.TAKE_LANE: [mine, full, full, mine]})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED
    assert host.called.count(names.LEAVE_LANE) == 2


def test_data_that_waited_is_passed_over_when_newer_data_waits_behind_it() -> None:
    host = player(**{names.TAKE_LANE: waited(2)})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.SUPERSEDED
    assert result.reasons == ("2 newer came while it waited; the newest is trained on.",)
    assert names.SUBMIT_TRAINING not in host.called
    assert host.called[-2:] == [names.LEAVE_LANE, names.RECORD_OUTCOME]


def test_a_policy_may_train_on_everything() -> None:
    host = player(**{names.TAKE_LANE: waited(2)})
    everything = replace(REQUEST, policy=replace(REQUEST.policy, newest_only=False))

    assert host.play(train_model(host, everything)).outcome is TrainingOutcome.REGISTERED


def test_the_newest_is_trained_on_after_it_waited() -> None:
    host = player(**{names.TAKE_LANE: waited(0)})

    assert host.play(train_model(host, REQUEST)).outcome is TrainingOutcome.REGISTERED


def test_a_lane_that_cannot_be_left_neither_hides_a_fault_nor_fails_a_training() -> None:
    full = Exception("PLATFORM: disk full")
    failed = player(
        **{names.SUBMIT_TRAINING: Exception("PLATFORM: no space"), names.LEAVE_LANE: full}
    )
    trained = player(**{names.LEAVE_LANE: full})

    ended = failed.play(train_model(failed, REQUEST))

    assert ended.outcome is TrainingOutcome.FAILED
    assert ended.reasons == ("PLATFORM: no space",)
    assert trained.play(train_model(trained, REQUEST)).outcome is TrainingOutcome.REGISTERED


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.UNKNOWN])
def test_a_preparation_that_died_is_failed_and_no_verdict_on_the_data(status: RunStatus) -> None:
    died = replace(PREPARATION, status=status, detail="Exit code 1: no space")
    host = player(**{names.GET_RUN: died})

    result = host.play(train_model(host, REQUEST))

    assert result.outcome is TrainingOutcome.FAILED
    assert "no space" in result.reasons[0]
    assert names.JUDGE_DATASET not in host.called
    assert names.SUBMIT_TRAINING not in host.called


def test_the_training_gets_the_rows_of_the_preparation_and_the_evaluation_too() -> None:
    host = player()
    host.play(train_model(host, REQUEST))

    def argument(name: str) -> dict[str, object]:
        found: dict[str, object] = host.arguments[host.called.index(name)]
        return found

    assert argument(names.SUBMIT_PREPARATION)["target"] == "Y"
    prepared = argument(names.JUDGE_DATASET)["preparation_id"]
    assert argument(names.SUBMIT_TRAINING)["preparation_id"] == prepared
    assert argument(names.SUBMIT_EVALUATION)["preparation_id"] == prepared


def test_a_file_that_cannot_be_read_is_rejected_with_its_reason() -> None:
    host = player(**{names.KEEP_DATASET: KeptDataset(refused="a.csv cannot be read.")})

    result = host.play(train_model(host, REQUEST))

    assert (result.outcome, result.reasons) == (
        TrainingOutcome.REJECTED,
        ("a.csv cannot be read.",),
    )
    assert names.SUBMIT_PREPARATION not in host.called
