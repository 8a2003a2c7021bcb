from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from function_app import steps
from function_app.domain.gates import GateResult
from function_app.domain.release.approval import Decision, Settlement, Verdict
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseStatus
from function_app.domain.release.serving import Build, Deployment, Environment, Image, Rollout
from function_app.domain.requests import Champion, RolledBack
from function_app.domain.stories.cancellation import Cancellation, SettledCancellation
from function_app.domain.stories.lane import LaneHolder
from function_app.orchestrators.release_model import release_model
from tests.orchestrators.player import Player

IMAGE = Image(
    model="diabetes", version="2", digest="sha256:" + "b" * 64, uri="localhost/i@sha256:" + "b" * 64
)
FORMER = Champion(
    image=Image(
        model="diabetes",
        version="1",
        digest="sha256:" + "a" * 64,
        uri="localhost/i@sha256:" + "a" * 64,
    )
)
GOOD = GateResult(passed=True, reasons=("fine",))
BAD = GateResult(passed=False, reasons=("wrong predictions",))
RELEASE = Release(
    release_id="release-diabetes-2",
    model="diabetes",
    version="2",
    policy=ReleasePolicy(approvers=("ada",)),
)
DEPLOYMENT = Deployment(
    deployment_id="d",
    environment=Environment.STAGING,
    endpoint="http://127.0.0.1:1",
    image=IMAGE,
    runtime="process",
)


def decision(verdict: Verdict) -> Settlement:
    made = Decision(
        release_id="release-diabetes-2",
        verdict=verdict,
        decided_by="ada",
        comment="seen",
        image_digest="sha256:" + "b" * 64,
        evidence_hash="e" * 64,
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Settlement(decision=made)


def player(**change: Any) -> Player:
    answers = {
        steps.build_image.name: Build(image=IMAGE),
        steps.deploy_staging.name: Rollout(deployment=DEPLOYMENT),
        steps.smoke_test.name: GOOD,
        steps.settle_approval.name: decision(Verdict.APPROVE),
        steps.take_lane.name: LaneHolder(owner="instance-1", ahead=0, inside=True),
        steps.get_champion.name: FORMER,
        steps.promote_challenger.name: Rollout(deployment=DEPLOYMENT),
        steps.roll_back_production.name: RolledBack(done=True, image=FORMER.image),
        **change,
    }
    return Player(answers)


def test_an_approved_release_is_promoted() -> None:
    host = player()

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.PROMOTED
    assert host.called.index(steps.settle_approval.name) < host.called.index(
        steps.promote_challenger.name
    )


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({steps.smoke_test.name: BAD}, ReleaseStatus.REJECTED),
        ({steps.settle_approval.name: decision(Verdict.REJECT)}, ReleaseStatus.REJECTED),
        ({steps.settle_approval.name: Settlement()}, ReleaseStatus.EXPIRED),
        ({steps.build_image.name: Exception("PLATFORM: no space")}, ReleaseStatus.FAILED),
    ],
)
def test_a_release_that_is_not_approved_never_reaches_production(
    change: dict[str, Any], status: ReleaseStatus
) -> None:
    host = player(**change)

    result = host.play(release_model(host, RELEASE))

    assert result.status is status
    assert steps.promote_challenger.name not in host.called
    assert steps.remove_staging.name in host.called


def test_a_wake_up_without_a_stored_decision_approves_nothing() -> None:
    host = player(**{steps.settle_approval.name: Settlement()})

    host.play(release_model(host, RELEASE))

    assert steps.promote_challenger.name not in host.called


def test_a_promotion_that_fails_its_check_gives_the_traffic_back() -> None:
    host = player(**{steps.smoke_test.name: [GOOD, BAD]})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.ROLLED_BACK
    assert steps.roll_back_production.name in host.called


def test_a_roll_back_that_does_not_restore_the_champion_is_a_failure() -> None:
    host = player(
        **{
            steps.smoke_test.name: [GOOD, BAD],
            steps.roll_back_production.name: RolledBack(done=True),
        }
    )

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.FAILED


def test_a_promotion_that_raises_is_rolled_back() -> None:
    host = player(**{steps.promote_challenger.name: Exception("PLATFORM: down")})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert steps.roll_back_production.name in host.called


def test_a_release_that_lost_its_approval_is_rejected_and_not_failed() -> None:
    lost = "APPROVAL_LOST: release-diabetes-1 has 0 of 1 approvals that count now: ada withdrew it."
    host = player(**{steps.promote_challenger.name: Exception(f"NotAuthorisedError: {lost}")})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.REJECTED
    assert lost in result.reasons[0]


def test_a_release_whose_promotion_meets_a_cancellation_is_cancelled() -> None:
    refused = Exception("NotAuthorisedError: STORY_CANCELLED: ada cancelled it.")
    host = player(**{steps.promote_challenger.name: refused})
    cancellation = Cancellation(
        instance_id=RELEASE.release_id, by="ada", comment="", at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    host.answers[steps.settle_cancellation.name] = SettledCancellation(cancellation=cancellation)

    result = host.play(release_model(host, RELEASE))

    assert (result.status, result.cancelled_by) == (ReleaseStatus.CANCELLED, "ada")
    assert result.reasons == ("ada cancelled it.",)


def down() -> Exception:
    return Exception("PLATFORM: down\nTraceback")


FULL = Exception("PLATFORM: disk full")


def test_a_roll_back_that_fails_does_not_hide_why_it_was_needed() -> None:
    host = player(**{steps.promote_challenger.name: down(), steps.roll_back_production.name: FULL})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert result.reasons == (
        "PLATFORM: down",
        "The roll-back failed, too. PLATFORM: disk full",
    )
    assert steps.end_release.name in host.called


def test_a_failed_check_of_production_stays_the_reason_when_the_roll_back_fails() -> None:
    host = player(**{steps.smoke_test.name: [GOOD, BAD], steps.roll_back_production.name: FULL})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert result.reasons == (
        "wrong predictions",
        "The former champion could not be restored. PLATFORM: disk full",
    )


@pytest.mark.parametrize("step", [steps.remove_staging.name, steps.leave_lane.name])
def test_a_release_ends_as_it_does_when_its_clean_up_fails(step: str) -> None:
    host = player(**{step: FULL})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.PROMOTED
    assert host.called[-1] == steps.end_release.name


def test_staging_that_cannot_be_removed_is_a_second_reason_of_a_failed_release() -> None:
    host = player(**{steps.build_image.name: down(), steps.remove_staging.name: FULL})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert result.reasons[0] == "PLATFORM: down"
    assert "Staging could not be removed" in result.reasons[1]
    assert "PLATFORM: disk full" in result.reasons[1]
    assert host.arguments[-1]["result"]["reasons"] == list(result.reasons)


def test_the_end_of_a_release_is_recorded_when_the_ledger_is_back() -> None:
    host = player(**{steps.build_image.name: down(), steps.end_release.name: [FULL, FULL, None]})

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.FAILED
    assert host.called.count(steps.end_release.name) == 3


def test_a_release_whose_end_cannot_be_recorded_fails_with_its_own_reason_first() -> None:
    host = player(**{steps.build_image.name: down(), steps.end_release.name: FULL})

    with pytest.raises(RuntimeError, match=r"PLATFORM: down.*not be recorded.*disk full"):
        host.play(release_model(host, RELEASE))


def test_a_failed_attempt_is_followed_by_new_ones_with_backoff() -> None:
    slow = Rollout(done=False, failure="PLATFORM: 0 of 2 replicas got ready.")
    host = player(
        **{
            steps.deploy_staging.name: [slow, Rollout(done=False), Rollout(deployment=DEPLOYMENT)],
            steps.promote_challenger.name: [slow, slow, Rollout(deployment=DEPLOYMENT)],
        }
    )

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.PROMOTED
    assert host.called.count(steps.promote_challenger.name) == 3
    assert steps.roll_back_production.name not in host.called


def test_attempts_that_all_fail_end_the_release_with_the_last_reason_and_a_roll_back() -> None:
    slow = Rollout(done=False, failure="PLATFORM: 0 of 2 replicas got ready.")
    host = player(**{steps.promote_challenger.name: slow})
    begun = host.current_utc_datetime

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert "failed in 5 attempts" in result.reasons[0]
    assert "0 of 2 replicas got ready" in result.reasons[0]
    assert steps.roll_back_production.name in host.called
    assert host.current_utc_datetime - begun == timedelta(seconds=2 + 4 + 8 + 16)


def test_a_build_that_fails_twice_is_not_built_a_third_time() -> None:
    host = player(**{steps.build_image.name: Build(failure="PLATFORM: no such package")})
    host.event_arrives = False

    result = host.play(release_model(host, RELEASE))

    assert "no such package" in result.reasons[0]
    assert host.called.count(steps.build_image.name) == 2


def test_a_decision_that_comes_later_is_found_and_the_losing_timer_is_cancelled() -> None:
    host = player(**{steps.settle_approval.name: [Settlement(), decision(Verdict.APPROVE)]})

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.PROMOTED
    assert [timer.cancelled for timer in host.timers] == [True]


def test_a_lost_event_is_made_up_for_by_looking_every_hour() -> None:
    host = player(**{steps.settle_approval.name: [Settlement(), decision(Verdict.APPROVE)]})
    host.event_arrives = False
    begun = host.current_utc_datetime

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.PROMOTED
    assert host.current_utc_datetime - begun == timedelta(hours=1)


def test_a_superseded_release_ends_so_and_leaves_production_alone() -> None:
    superseded = Settlement(superseded=("release-diabetes-3 superseded it.",))
    host = player(**{steps.settle_approval.name: [Settlement(), superseded]})

    result = host.play(release_model(host, RELEASE))

    assert (result.status, result.reasons) == (ReleaseStatus.SUPERSEDED, superseded.superseded)
    assert steps.promote_challenger.name not in host.called
    assert steps.remove_staging.name in host.called


def test_a_rollout_waits_for_the_one_before_and_leaves_its_lane_whatever_happens() -> None:
    busy = LaneHolder(owner="release-diabetes-1", ahead=1)
    mine = LaneHolder(owner="instance-1", ahead=0, inside=True)
    host = player(
        **{
            steps.take_lane.name: [busy, busy, mine],
            steps.promote_challenger.name: Exception("PLATFORM: down"),
        }
    )

    host.play(release_model(host, RELEASE))

    assert host.called.count(steps.take_lane.name) == 3
    assert host.shown.count("waiting for its turn") == 2
    assert host.called.index(steps.leave_lane.name) > host.called.index(
        steps.promote_challenger.name
    )


def test_slow_steps_are_polled_until_they_are_done() -> None:
    host = player(
        **{
            steps.build_image.name: [
                Build(detail="queued"),
                Build(detail="running"),
                Build(image=IMAGE),
            ],
            steps.deploy_staging.name: [Rollout(detail="Pending"), Rollout(deployment=DEPLOYMENT)],
            steps.promote_challenger.name: [
                Rollout(detail="1 of 2"),
                Rollout(deployment=DEPLOYMENT),
            ],
        }
    )
    host.event_arrives = False

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.PROMOTED
    assert host.called.count(steps.build_image.name) == 3


def test_an_image_that_never_comes_fails_the_release() -> None:
    host = player(**{steps.build_image.name: Build(detail="queued")})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert result.reasons == ("The image was not done within 1:00:00.",)


def test_a_promotion_that_never_gets_ready_is_taken_back() -> None:
    host = player(**{steps.promote_challenger.name: Rollout(detail="0 of 2 replicas")})

    result = host.play(release_model(host, RELEASE))

    assert result.status is ReleaseStatus.FAILED
    assert steps.roll_back_production.name in host.called


def test_a_result_names_who_decided_and_how_it_was_rolled_back() -> None:
    promoted = player()
    rejected = player(**{steps.settle_approval.name: decision(Verdict.REJECT)})
    rolled_back = player(**{steps.smoke_test.name: [GOOD, BAD]})

    results = [
        host.play(release_model(host, RELEASE)) for host in (promoted, rejected, rolled_back)
    ]

    assert [result.decided_by for result in results] == ["ada", "ada", "ada"]
    assert [result.rolled_back_by for result in results] == [None, None, "automatic"]
    assert results[1].reasons == ("ada rejected it: seen",)


def test_reasons_that_no_message_of_durable_holds_are_cut() -> None:
    bad = GateResult(passed=False, reasons=tuple("x" * 100 for _ in range(20_000)))
    host = player(**{steps.smoke_test.name: bad})

    result = host.play(release_model(host, RELEASE))

    assert sum(map(len, result.reasons)) < 65_000
    assert "more reasons are left out" in result.reasons[-1]
