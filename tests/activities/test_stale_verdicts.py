"""No version is promoted by a comparison with a version that is no longer the champion."""

from dataclasses import replace

import pytest

from function_app.activities.releases import settle_approval
from function_app.domain.gates import Verdict
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.errors import ConflictError, NotAuthorisedError, PlatformError
from function_app.records.ledger import verdicts
from function_app.services.judging import evidence, shown_evaluation
from function_app.triggers.http.approvals import post_rejection
from tests.activities.law_bench import MODEL, FakeProduction, image, release
from tests.activities.stale_office import (
    AGAIN,
    PASSED,
    STALE,
    StaleOffice,
    judged_again,
    office,
)
from tests.attacks.approvals import Overtaken, code_of
from tests.attacks.targets import named_by

__all__ = ["office"]


class AwayProduction(FakeProduction):
    """Production that does not answer."""

    def champion(self, model: str) -> Image | None:
        raise PlatformError("local", "read production", "It does not answer.")


def test_an_approved_version_with_a_stale_verdict_is_not_promoted(office: StaleOffice) -> None:
    office.approve("2")

    with pytest.raises(NotAuthorisedError) as caught:
        office.promote("2")

    assert code_of(caught) == "STALE_VERDICT"
    assert caught.value.message.startswith(f"{STALE} Nothing was changed. ")
    assert caught.value.message.endswith("then `mlopsctl retry release-diabetes-2`.")
    assert office.production.calls == []
    assert office.production.served == image("1")


def test_a_version_that_passed_against_the_champion_of_now_is_promoted(
    office: StaleOffice,
) -> None:
    office.judge_again()
    office.approve("2", evaluation_id=AGAIN)

    office.promote("2")

    assert office.production.served == image("2")


def test_an_approval_of_evidence_about_a_former_champion_promotes_nothing_when_that_came_back(
    office: StaleOffice,
) -> None:
    office.registry.compared = "1"
    office.judge_again(evaluation_id="train-diabetes-2-vs-3")
    # Production went from 1 to 3 while the evidence about 3 was approved, and is back at 1.
    office.approve("2", evaluation_id="train-diabetes-2-vs-3")

    with pytest.raises(NotAuthorisedError) as caught:
        office.promote("2")

    assert code_of(caught) == "STALE_VERDICT"
    assert caught.value.message.startswith(
        "diabetes:2 was judged against version 3. Production changed, so that its evidence must be "
        "about train-diabetes-2-vs-1. Nothing was changed. "
    )
    assert office.production.served == image("1")


def test_an_approval_of_the_first_evidence_does_not_cover_a_second_judging(
    office: StaleOffice,
) -> None:
    office.approve("2")
    office.judge_again()

    with pytest.raises(NotAuthorisedError, match="STALE_VERDICT"):
        office.promote("2")


def test_evidence_that_names_the_evaluation_of_another_training_promotes_nothing(
    office: StaleOffice,
) -> None:
    office.judge_again(evaluation_id="train-diabetes-9-vs-1")
    office.approve("2", evaluation_id="train-diabetes-9-vs-1")

    with pytest.raises(NotAuthorisedError, match="STALE_VERDICT"):
        office.promote("2")


def test_the_verdict_of_a_later_attempt_promotes(office: StaleOffice) -> None:
    later = f"{AGAIN}-again-2"
    office.judge_again(evaluation_id=later)
    # The verdict about version 12 is not about version 1.
    office.judge_again(evaluation_id="train-diabetes-2-vs-12")
    office.approve("2", evaluation_id=later)

    office.promote("2")

    assert office.production.served == image("2")


def test_a_version_that_failed_against_the_champion_of_now_is_not_promoted(
    office: StaleOffice,
) -> None:
    office.judge_again(replace(PASSED, passed=False))
    office.approve("2", evaluation_id=AGAIN)

    with pytest.raises(NotAuthorisedError, match="STALE_VERDICT"):
        office.promote("2")


def test_a_verdict_about_a_version_that_is_served_no_more_promotes_nothing(
    office: StaleOffice,
) -> None:
    office.judge_again()
    office.approve("2", evaluation_id=AGAIN)
    office.production.served = None
    office.registry.compared = "1"

    with pytest.raises(NotAuthorisedError, match="it must be judged without a champion"):
        office.promote("2")


def test_a_promotion_that_began_goes_on_although_production_serves_the_version_by_then(
    office: StaleOffice,
) -> None:
    office.judge_again()
    office.approve("2", evaluation_id=AGAIN)
    office.production.slow = 1

    assert office.promote("2").deployment is None
    office.production.served = image("3")
    assert office.promote("2").deployment is not None


def test_the_served_version_itself_may_be_released_again(office: StaleOffice) -> None:
    office.ask("1", suffix="-try2")
    office.decide(office.record("1", "-try2"))
    settle_approval(office.ports, release("1", "-try2"))

    office.promote("1", suffix="-try2")

    assert office.production.served == image("1")


def test_an_approval_of_a_stale_verdict_is_refused_and_not_stored(office: StaleOffice) -> None:
    record = office.ask("2")

    with pytest.raises(ConflictError) as caught:
        office.approve_as("ada", "2")

    assert code_of(caught) == "STALE_VERDICT"
    assert STALE in caught.value.message
    assert office.decisions.of_release(record) == ()


def test_a_rejection_needs_no_new_verdict(office: StaleOffice) -> None:
    record = office.ask("2")

    office.send(post_rejection, "ada", "2", **named_by(record))

    assert office.settle("2").comment == ""


def test_an_approval_of_a_new_verdict_is_stored(office: StaleOffice) -> None:
    office.judge_again()
    office.ask("2", evaluation_id=AGAIN)

    assert office.approve_as("ada", "2")["approvals"] == "1 of 1 approvals"


@pytest.mark.parametrize(
    ("own", "remedy"),
    [
        (judged_again("2"), "The release judges its version again and then asks"),
        (release("2"), "which does not judge again: reject or cancel it"),
    ],
)
def test_the_refusal_says_what_follows(office: StaleOffice, own: Release, remedy: str) -> None:
    office.ask("2")
    office.ledger.save_release(replace(office.record("2"), release=own))

    with pytest.raises(ConflictError, match=remedy):
        office.approve_as("ada", "2")


def test_a_waiting_release_whose_evidence_is_stale_waits_no_more(office: StaleOffice) -> None:
    office.ask("2")

    assert settle_approval(office.ports, judged_again("2")) == Settlement(stale=STALE)
    assert office.record("2").status is ReleaseStatus.IN_PROGRESS
    assert settle_approval(office.ports, judged_again("2")) == Settlement(stale=STALE)


def test_a_wait_that_ended_without_an_answer_to_the_story_is_not_waited_for(
    office: StaleOffice,
) -> None:
    office.ask("2")
    settle_approval(office.ports, judged_again("2"))
    office.registry.compared = "1"

    settled = settle_approval(office.ports, judged_again("2"))

    assert settled.stale == "The release does not wait any more."


def test_a_release_with_evidence_about_the_present_champion_waits_on(office: StaleOffice) -> None:
    office.judge_again()
    office.ask("2", evaluation_id=AGAIN)

    assert settle_approval(office.ports, judged_again("2")) == Settlement()
    assert office.record("2").status is ReleaseStatus.AWAITING_APPROVAL


def test_a_superseded_release_stays_superseded_although_its_evidence_is_stale(
    office: StaleOffice,
) -> None:
    office.ask("2")
    office.ledger.supersede(judged_again("3"), office.now())

    settled = settle_approval(office.ports, judged_again("2"))

    assert settled == Settlement(superseded=("release-diabetes-3 superseded it.",))
    assert office.record("2").status is ReleaseStatus.SUPERSEDED


def test_a_decision_that_arrives_when_the_wait_has_ended_is_refused(office: StaleOffice) -> None:
    office.judge_again()
    record = office.ask("2", evaluation_id=AGAIN)

    def change_production() -> None:
        office.production.served = image("3")
        settle_approval(office.ports, judged_again("2"))

    office.rows = Overtaken(office.rows, change_production)
    with pytest.raises(ConflictError, match="is judged again, because production changed") as late:
        office.send(post_rejection, "ada", "2", **named_by(record))

    assert code_of(late) == "STALE_DECISION"


def test_a_release_of_an_earlier_version_of_this_app_waits_on(office: StaleOffice) -> None:
    office.ask("2")

    assert settle_approval(office.ports, release("2")) == Settlement()


def test_a_decision_ends_the_wait_also_with_a_stale_verdict(office: StaleOffice) -> None:
    office.decide(office.ask("2"))

    settled = settle_approval(office.ports, judged_again("2"))

    assert (settled.stale, settled.decision is not None) == ("", True)
    assert office.record("2").status is ReleaseStatus.IN_PROGRESS


def test_a_production_that_does_not_answer_ends_no_wait_and_stops_no_approval(
    office: StaleOffice,
) -> None:
    office.ask("2")
    office.production = AwayProduction()

    assert settle_approval(office.ports, judged_again("2")) == Settlement()
    assert office.approve_as("ada", "2")["approvals"] == "1 of 1 approvals"
    office.settle("2")
    with pytest.raises(PlatformError, match="It does not answer"):
        office.promote("2")


def test_approvers_see_the_new_verdict_with_its_evaluation(office: StaleOffice) -> None:
    version = office.registry.get(MODEL, "2")
    first = replace(PASSED, reasons=("There was no champion.",), verdict=None)
    verdicts.save(office.rows, version.evaluation_id, first)
    assert shown_evaluation(office.ports, version) == version.evaluation_id
    office.judge_again(replace(PASSED, verdict=Verdict.PROMOTE))

    shown = shown_evaluation(office.ports, version)

    assert shown == AGAIN
    assert tuple(evidence(office.ports, version, shown)) == (
        "Verdict of the gate: promote. It is better.",
        f"The version was judged against version 1, by {AGAIN}. It was judged without a champion "
        "first, and production changed after that.",
    )
