"""A person cancels stories at every wait; the stories release everything that they hold."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from function_app import steps
from function_app.domain.gates import GateResult
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.release.serving import Build, Rollout
from function_app.domain.stories.cancellation import Cancellation, SettledCancellation
from function_app.domain.stories.lane import LaneHolder
from function_app.domain.training import TrainingOutcome
from function_app.orchestrators.release_model import release_model
from function_app.orchestrators.train_model import train_model
from tests.orchestrators import test_release_model as releases
from tests.orchestrators import test_train_model as trainings
from tests.orchestrators.player import Player

CANCELLED = SettledCancellation(
    cancellation=Cancellation(
        instance_id="instance-1", by="ada", comment="wrong", at=datetime(2026, 1, 1, tzinfo=UTC)
    )
)
BUSY = LaneHolder(owner="other", ahead=1)


def cancel(host: Player, wait: int = 1) -> Player:
    host.cancel_at_wait = wait
    host.answers[steps.settle_cancellation.name] = CANCELLED
    return host


@pytest.mark.parametrize(
    ("change", "lanes"),
    [
        ({steps.get_run.name: trainings.RUNNING}, 0),
        ({steps.take_lane.name: BUSY}, 2),
        ({steps.take_lane.name: [LaneHolder(owner="instance-1", ahead=0, inside=True), BUSY]}, 2),
        ({steps.get_run.name: [trainings.DONE, trainings.RUNNING]}, 2),
        ({steps.get_run.name: [trainings.DONE, trainings.DONE, trainings.RUNNING]}, 2),
    ],
    ids=["check of the data", "own lane", "lane of all", "training", "evaluation"],
)
@pytest.mark.parametrize("wait", [1, 2])
def test_a_training_is_cancelled_wherever_it_waits(
    change: dict[str, object], lanes: int, wait: int
) -> None:
    # The player takes answers out of its lists, which both values of `wait` share.
    host = cancel(trainings.player(**deepcopy(change)), wait)
    host.event_arrives = False

    result = host.play(train_model(host, trainings.REQUEST))

    assert result.outcome is TrainingOutcome.CANCELLED
    assert result.reasons == ("ada cancelled it: wrong",)
    after = host.called[host.called.index(steps.settle_cancellation.name) + 1 :]
    assert after == [*lanes * [steps.leave_lane.name], steps.record_outcome.name]
    assert all(timer.cancelled or timer.is_completed for timer in host.timers)


@pytest.mark.parametrize(
    "change",
    [
        {steps.build_image.name: Build(detail="queued")},
        {steps.deploy_staging.name: Rollout(detail="Pending")},
        {steps.settle_approval.name: Settlement()},
        {steps.take_lane.name: BUSY},
    ],
    ids=["build", "staging", "approval", "lane"],
)
def test_a_release_is_cancelled_wherever_it_waits_before_production(
    change: dict[str, object],
) -> None:
    host = cancel(releases.player(**change))

    result = host.play(release_model(host, releases.RELEASE))

    assert (result.status, result.cancelled_by) == (ReleaseStatus.CANCELLED, "ada")
    assert result.reasons == ("ada cancelled it: wrong",)
    assert steps.promote_challenger.name not in host.called
    assert host.called[-2:] == [steps.remove_staging.name, steps.end_release.name]
    assert all(timer.cancelled or timer.is_completed for timer in host.timers)


def test_a_release_that_is_cancelled_in_its_promotion_gives_production_back() -> None:
    host = cancel(releases.player(**{steps.promote_challenger.name: Rollout(detail="0 of 2")}))

    result = host.play(release_model(host, releases.RELEASE))

    assert result.status is ReleaseStatus.CANCELLED
    after = host.called[host.called.index(steps.settle_cancellation.name) + 1 :]
    assert after[:2] == [steps.roll_back_production.name, steps.leave_lane.name]


def test_an_event_without_a_cancellation_in_the_ledger_changes_nothing() -> None:
    host = trainings.player(**{steps.get_run.name: [trainings.RUNNING, trainings.DONE]})
    host.cancel_at_wait = 1

    result = host.play(train_model(host, trainings.REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    assert steps.settle_cancellation.name in host.called


def test_a_ledger_that_does_not_answer_fails_the_story_and_leaves_its_lanes() -> None:
    host = trainings.player(**{steps.get_run.name: [trainings.DONE, trainings.RUNNING]})
    host.cancel_at_wait = 1
    host.answers[steps.settle_cancellation.name] = Exception("PLATFORM: the ledger is away")

    result = host.play(train_model(host, trainings.REQUEST))

    assert (result.outcome, result.reasons) == (
        TrainingOutcome.FAILED,
        ("PLATFORM: the ledger is away",),
    )
    assert host.called.count(steps.leave_lane.name) == 2


def test_a_training_with_200_bad_columns_ends_with_a_status_that_azure_takes() -> None:
    reasons = tuple(
        f"column_{number}: {number} missing values in this file." for number in range(200)
    )
    refused = GateResult(passed=False, reasons=reasons)
    host = trainings.player(**{steps.judge_dataset.name: refused})

    # The player checks every custom status against the limit of the real host.
    result = host.play(train_model(host, trainings.REQUEST))

    assert result.reasons == reasons
    assert host.arguments[-1]["reasons"] == list(reasons)
