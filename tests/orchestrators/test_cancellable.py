"""A person cancels stories at every wait; whatever they hold is given back."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from function_app import names
from function_app.domain.approval import Settlement
from function_app.domain.cancellation import Cancellation, SettledCancellation
from function_app.domain.gates import GateResult
from function_app.domain.lane import LaneHolder
from function_app.domain.release import ReleaseStatus
from function_app.domain.serving import Build, Rollout
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
    host.answers[names.SETTLE_CANCELLATION] = CANCELLED
    return host


@pytest.mark.parametrize(
    ("change", "lanes"),
    [
        ({names.GET_RUN: trainings.RUNNING}, 0),
        ({names.TAKE_LANE: BUSY}, 2),
        ({names.TAKE_LANE: [LaneHolder(owner="instance-1", ahead=0, inside=True), BUSY]}, 2),
        ({names.GET_RUN: [trainings.DONE, trainings.RUNNING]}, 2),
        ({names.GET_RUN: [trainings.DONE, trainings.DONE, trainings.RUNNING]}, 2),
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
    after = host.called[host.called.index(names.SETTLE_CANCELLATION) + 1 :]
    assert after == [*lanes * [names.LEAVE_LANE], names.RECORD_OUTCOME]
    assert all(timer.cancelled or timer.is_completed for timer in host.timers)


@pytest.mark.parametrize(
    "change",
    [
        {names.BUILD_IMAGE: Build(detail="queued")},
        {names.DEPLOY_STAGING: Rollout(detail="Pending")},
        {names.SETTLE_APPROVAL: Settlement()},
        {names.TAKE_LANE: BUSY},
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
    assert names.PROMOTE_CHALLENGER not in host.called
    assert host.called[-2:] == [names.REMOVE_STAGING, names.END_RELEASE]
    assert all(timer.cancelled or timer.is_completed for timer in host.timers)


def test_a_release_that_is_cancelled_in_its_promotion_gives_production_back() -> None:
    host = cancel(releases.player(**{names.PROMOTE_CHALLENGER: Rollout(detail="0 of 2")}))

    result = host.play(release_model(host, releases.RELEASE))

    assert result.status is ReleaseStatus.CANCELLED
    after = host.called[host.called.index(names.SETTLE_CANCELLATION) + 1 :]
    assert after[:2] == [names.ROLL_BACK_PRODUCTION, names.LEAVE_LANE]


def test_an_event_without_a_cancellation_in_the_ledger_changes_nothing() -> None:
    host = trainings.player(**{names.GET_RUN: [trainings.RUNNING, trainings.DONE]})
    host.cancel_at_wait = 1

    result = host.play(train_model(host, trainings.REQUEST))

    assert result.outcome is TrainingOutcome.REGISTERED
    assert names.SETTLE_CANCELLATION in host.called


def test_a_ledger_that_does_not_answer_fails_the_story_and_leaves_its_lanes() -> None:
    host = trainings.player(**{names.GET_RUN: [trainings.DONE, trainings.RUNNING]})
    host.cancel_at_wait = 1
    host.answers[names.SETTLE_CANCELLATION] = Exception("PLATFORM: the ledger is away")

    result = host.play(train_model(host, trainings.REQUEST))

    assert (result.outcome, result.reasons) == (
        TrainingOutcome.FAILED,
        ("PLATFORM: the ledger is away",),
    )
    assert host.called.count(names.LEAVE_LANE) == 2


def test_a_training_with_200_bad_columns_ends_with_a_status_that_azure_takes() -> None:
    reasons = tuple(
        f"column_{number}: {number} missing values in this file." for number in range(200)
    )
    refused = GateResult(passed=False, reasons=reasons)
    host = trainings.player(**{names.JUDGE_DATASET: refused})

    # The player checks every custom status against the limit of the real host.
    result = host.play(train_model(host, trainings.REQUEST))

    assert result.reasons == reasons
    assert host.arguments[-1]["reasons"] == list(reasons)
