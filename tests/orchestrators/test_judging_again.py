"""A version that was judged against a former champion is judged again before its promotion."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from function_app import steps
from function_app.domain.gates import GatePolicy, GateResult, Verdict
from function_app.domain.release.approval import Settlement
from function_app.domain.release.approval import Verdict as Answer
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.requests import ComparisonPlan, EvaluationRequest
from function_app.domain.stories.lane import ALL_TRAININGS
from function_app.domain.training import Run, RunStatus
from function_app.orchestrators.release_model import release_model
from tests.orchestrators.player import Player
from tests.orchestrators.test_release_model import GOOD, RELEASE, decision, player

STALE = "diabetes:2 was judged without a champion. Production changed."
AGAIN = replace(RELEASE, policy=replace(RELEASE.policy, judged_again=True))
TRAINED = Run(
    run_id="train-diabetes-x",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version="d1" * 32,
    output_uri="/m",
)
RUN = replace(TRAINED, run_id="train-diabetes-x-vs-1")
PRESENT = ComparisonPlan()
SUPERSEDED = ComparisonPlan(stale="It is stale.", superseded=("release-diabetes-3 superseded it.",))
PLAN = ComparisonPlan(
    stale=STALE,
    request=EvaluationRequest(
        run=TRAINED,
        preparation_id="prepare-diabetes-x",
        instance_id=AGAIN.release_id,
        policy=GatePolicy(bar=4500.0),
    ),
    champion="1",
    timeout=timedelta(minutes=2),
    max_trainings=3,
)
NEWER = GateResult(passed=True, reasons=("fine", "better than version 1"))
FRESH = GateResult(passed=True, reasons=("better than version 1",), verdict=Verdict.PROMOTE)
APPROVED = decision(Answer.APPROVE)
JUDGED = [
    steps.submit_evaluation.name,
    steps.get_run.name,
    steps.evaluate_challenger.name,
]


def judging_player(**change: Any) -> Player:
    """Return a player whose version is judged again once, and passes."""
    answers = {
        # Before the lane and in it, and then before the request of an approval.
        steps.plan_comparison.name: [PLAN, PLAN, PRESENT],
        steps.submit_evaluation.name: RUN,
        steps.get_run.name: RUN,
        steps.evaluate_challenger.name: FRESH,
        **change,
    }
    return player(**answers)


def evidence(host: Player) -> list[list[str]]:
    """Return the evidence of each request for an approval."""
    asked = zip(host.called, host.arguments, strict=True)
    return [
        argument["evidence"]["reasons"]
        for name, argument in asked
        if name == steps.request_approval.name
    ]


def test_a_release_whose_verdict_is_about_the_champion_is_not_judged_again() -> None:
    host = judging_player(**{steps.plan_comparison.name: PRESENT})

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    assert steps.submit_evaluation.name not in host.called


def test_a_release_of_an_earlier_version_of_this_app_asks_for_no_comparison() -> None:
    host = judging_player()

    assert host.play(release_model(host, RELEASE)).status is ReleaseStatus.PROMOTED
    assert steps.plan_comparison.name not in host.called


def test_a_version_judged_against_a_former_champion_is_judged_before_the_approvers_are_asked() -> (
    None
):
    newer = replace(NEWER, evaluation_id=RUN.run_id)
    host = judging_player(**{steps.smoke_test.name: [GOOD, newer, GOOD]})

    result = host.play(release_model(host, AGAIN))

    assert result.status is ReleaseStatus.PROMOTED
    assert [name for name in host.called if name in JUDGED] == JUDGED
    assert host.shown.index("judging again") < host.shown.index("awaiting approval")
    assert evidence(host) == [["fine", "better than version 1"]]
    asked = host.arguments[host.called.index(steps.request_approval.name)]
    assert asked["evidence"]["evaluation_id"] == RUN.run_id


def test_the_comparison_has_a_turn_among_all_trainings_and_gives_it_back() -> None:
    host = judging_player()

    host.play(release_model(host, AGAIN))

    lanes = [
        (name, argument["lane"], argument["capacity"])
        for name, argument in zip(host.called, host.arguments, strict=True)
        if name in (steps.take_lane.name, steps.leave_lane.name)
    ]
    assert lanes[:2] == [
        (steps.take_lane.name, ALL_TRAININGS, 3),
        (steps.leave_lane.name, ALL_TRAININGS, 3),
    ]


@pytest.mark.parametrize(
    "verdict",
    [
        GateResult(passed=False, reasons=("worse",), verdict=Verdict.REJECT),
        GateResult(passed=False, reasons=("too few rows",), verdict=Verdict.INCONCLUSIVE),
    ],
)
def test_a_version_that_is_not_better_than_the_champion_is_rejected_and_leaves_staging(
    verdict: GateResult,
) -> None:
    host = judging_player(
        **{steps.plan_comparison.name: PLAN, steps.evaluate_challenger.name: verdict}
    )

    result = host.play(release_model(host, AGAIN))

    assert result.status is ReleaseStatus.REJECTED
    assert result.reasons == (STALE, *verdict.reasons)
    assert steps.request_approval.name not in host.called
    assert steps.promote_challenger.name not in host.called
    assert steps.remove_staging.name in host.called


def test_a_version_whose_rows_are_gone_is_rejected_with_what_to_do() -> None:
    gone = ComparisonPlan(stale=STALE, refused="Its rows are gone. Train again.")
    host = judging_player(**{steps.plan_comparison.name: gone})

    result = host.play(release_model(host, AGAIN))

    assert (result.status, result.reasons) == (
        ReleaseStatus.REJECTED,
        (STALE, "Its rows are gone. Train again."),
    )


def test_an_evaluation_that_fails_fails_the_release_with_its_reason() -> None:
    failed = replace(RUN, status=RunStatus.FAILED, detail="predict exited with 3.")
    host = judging_player(**{steps.get_run.name: failed})

    result = host.play(release_model(host, AGAIN))

    assert result.status is ReleaseStatus.FAILED
    assert result.reasons[0].startswith(f"{STALE} That evaluation did not end. Run {RUN.run_id}")
    assert "predict exited with 3." in result.reasons[0]
    assert result.reasons[0].endswith(f"`mlopsctl retry {AGAIN.release_id}` judges it again.")
    assert host.called.count(steps.leave_lane.name) == 1
    assert steps.promote_challenger.name not in host.called


def test_a_verdict_about_a_champion_that_changed_during_the_comparison_rejects_nothing() -> None:
    worse = GateResult(passed=False, reasons=("worse",), verdict=Verdict.REJECT)
    other = replace(PLAN, champion="3")
    host = judging_player(
        **{
            steps.plan_comparison.name: [PLAN, PLAN, other, other, other, PRESENT],
            steps.submit_evaluation.name: [RUN, replace(RUN, run_id="train-diabetes-x-vs-3")],
            steps.evaluate_challenger.name: [worse, FRESH],
        }
    )

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    assert host.called.count(steps.evaluate_challenger.name) == 2


@pytest.mark.parametrize("plans", [[SUPERSEDED], [PLAN, SUPERSEDED]])
def test_a_superseded_release_ends_and_spends_nothing(plans: list[ComparisonPlan]) -> None:
    host = judging_player(**{steps.plan_comparison.name: list(plans)})

    result = host.play(release_model(host, AGAIN))

    assert (result.status, result.reasons) == (
        ReleaseStatus.SUPERSEDED,
        ("release-diabetes-3 superseded it.",),
    )
    assert steps.submit_evaluation.name not in host.called
    assert steps.request_approval.name not in host.called
    lanes = (steps.take_lane.name, steps.leave_lane.name)
    assert host.called.count(lanes[0]) == host.called.count(lanes[1]) == len(plans) - 1


def test_a_release_whose_evidence_is_stale_asks_again_without_a_judging() -> None:
    renewed = ComparisonPlan(stale="Its evidence must be about another evaluation.")
    host = judging_player(
        **{
            steps.plan_comparison.name: [PRESENT, renewed, PRESENT],
            steps.smoke_test.name: [GOOD, NEWER, GOOD],
        }
    )

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    assert evidence(host) == [["fine"], ["fine", "better than version 1"]]
    assert steps.submit_evaluation.name not in host.called


def test_an_interrupted_evaluation_is_submitted_again_and_keeps_its_lane() -> None:
    interrupted = replace(RUN, status=RunStatus.INTERRUPTED)
    host = judging_player(**{steps.get_run.name: [interrupted, RUN]})

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    again = host.called.index(steps.submit_evaluation.name) + 2
    assert host.called[again : again + 2] == [steps.take_lane.name, steps.submit_evaluation.name]


@pytest.mark.parametrize("event_arrives", [True, False])
def test_a_champion_that_changes_while_approvers_are_asked_makes_a_new_request(
    event_arrives: bool,
) -> None:
    host = judging_player(
        **{
            steps.plan_comparison.name: [PRESENT, PLAN, PLAN, PRESENT],
            steps.smoke_test.name: [GOOD, GOOD, NEWER, GOOD],
            steps.settle_approval.name: [Settlement(), Settlement(stale=STALE), APPROVED],
        }
    )
    host.event_arrives = event_arrives

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    assert evidence(host) == [["fine"], ["fine", "better than version 1"]]
    waits = [status["wait"] for status in host.statuses if status["step"] == "awaiting approval"]
    # No event has the name of one that the story may listen to already.
    assert waits == ["0", "1", "1"]
    # The ledger ended the wait with the answer: an update of the story could meet a superseded one.
    assert host.called.count(steps.update_release.name) == 1


def test_a_decision_after_the_second_request_ends_the_wait_at_once() -> None:
    host = judging_player(
        **{
            steps.plan_comparison.name: [PRESENT, PLAN, PLAN, PRESENT],
            steps.settle_approval.name: [
                *(Settlement(), Settlement(stale=STALE)),
                *(Settlement(), APPROVED),
            ],
        }
    )
    begun = host.current_utc_datetime

    assert host.play(release_model(host, AGAIN)).status is ReleaseStatus.PROMOTED
    assert host.current_utc_datetime == begun, "no timer was waited for"


def test_a_champion_that_changes_after_the_approval_stops_the_promotion() -> None:
    worse = GateResult(passed=False, reasons=("worse",), verdict=Verdict.REJECT)
    host = judging_player(
        **{
            steps.plan_comparison.name: [PRESENT, PLAN],
            steps.evaluate_challenger.name: worse,
        }
    )

    result = host.play(release_model(host, AGAIN))

    assert (result.status, result.reasons) == (ReleaseStatus.REJECTED, (STALE, "worse"))
    assert steps.promote_challenger.name not in host.called
    assert steps.roll_back_production.name not in host.called


def test_a_promotion_that_is_refused_for_its_verdict_is_rejected_and_not_failed() -> None:
    refusal = "NotAuthorisedError: STALE_VERDICT: diabetes:2 was judged against version 1."
    host = judging_player(
        **{
            steps.plan_comparison.name: PRESENT,
            steps.promote_challenger.name: Exception(refusal),
        }
    )

    result = host.play(release_model(host, AGAIN))

    assert result.status is ReleaseStatus.REJECTED
    assert "STALE_VERDICT" in result.reasons[0]
