"""No version is promoted by a comparison with a version that is no longer the champion."""

from dataclasses import dataclass, field, replace

import pytest

from function_app.activities.releases import plan_comparison, settle_approval
from function_app.domain.gates import GateResult, Verdict
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.domain.requests import ComparisonPlan
from function_app.domain.training import ModelVersion, Run, RunStatus
from function_app.errors import ConflictError, NotAuthorisedError, NotFoundError, PlatformError
from function_app.records.ledger import verdicts
from function_app.records.ledger.ledger import StoredLedger
from function_app.services.judging import evidence
from function_app.triggers.http.approvals import post_rejection
from tests.activities.law_bench import MODEL, FakeProduction, FakeRegistry, image, release
from tests.attacks.approvals import Office, code_of
from tests.attacks.targets import named_by
from tests.contracts.memory_rows import MemoryRows

PASSED = GateResult(passed=True, reasons=("It is better.",))
AGAIN = "train-diabetes-2-vs-1"
STALE = (
    "diabetes:2 was judged without a champion. Production changed, so that it must be judged "
    "against version 1."
)


@dataclass
class FakeJobs:
    """Runs that have completed, except those that are gone."""

    gone: set[str] = field(default_factory=set)

    def get(self, run_id: str) -> Run:
        status = RunStatus.UNKNOWN if run_id in self.gone else RunStatus.COMPLETED
        return Run(run_id=run_id, model=MODEL, status=status, dataset_version="", output_uri="/m")


class AwayProduction(FakeProduction):
    """Production that does not answer."""

    def champion(self, model: str) -> Image | None:
        raise PlatformError("local", "read production", "It does not answer.")


@dataclass
class StaleOffice(Office):
    """An office in which version 1 is served, and version 2 was judged before there was any."""

    jobs: FakeJobs = field(default_factory=FakeJobs)

    def judge_again(self, result: GateResult = PASSED) -> None:
        verdicts.save(self.rows, AGAIN, result)


@pytest.fixture
def office() -> StaleOffice:
    rows = MemoryRows()
    made = StaleOffice(StoredLedger(rows), rows)
    made.bring_up("1")
    made.production.calls.clear()
    made.registry.compared = ""
    return made


def judged_again(version: str) -> Release:
    wanted = release(version)
    return replace(wanted, policy=replace(wanted.policy, judged_again=True))


def test_an_approved_version_with_a_stale_verdict_is_not_promoted(office: StaleOffice) -> None:
    office.approve("2")

    with pytest.raises(NotAuthorisedError) as caught:
        office.promote("2")

    assert code_of(caught) == "STALE_VERDICT"
    assert caught.value.message.startswith(f"{STALE} Nothing was changed. ")
    assert "`mlopsctl retry release-diabetes-2` judges it again." in caught.value.message
    assert office.production.calls == []
    assert office.production.served == image("1")


def test_a_version_that_passed_against_the_champion_of_now_is_promoted(
    office: StaleOffice,
) -> None:
    office.approve("2")
    office.judge_again()

    office.promote("2")

    assert office.production.served == image("2")


def test_a_version_that_failed_against_the_champion_of_now_is_not_promoted(
    office: StaleOffice,
) -> None:
    office.approve("2")
    office.judge_again(replace(PASSED, passed=False))

    with pytest.raises(NotAuthorisedError, match="STALE_VERDICT"):
        office.promote("2")


def test_a_verdict_about_a_version_that_is_served_no_more_promotes_nothing(
    office: StaleOffice,
) -> None:
    office.approve("2")
    office.judge_again()
    office.production.served = None
    office.registry.compared = "1"

    with pytest.raises(NotAuthorisedError, match="it must be judged without a champion"):
        office.promote("2")


def test_a_promotion_that_began_goes_on_although_production_serves_the_version_by_then(
    office: StaleOffice,
) -> None:
    office.approve("2")
    office.judge_again()
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
    office.ask("2")
    office.judge_again()

    assert office.approve_as("ada", "2")["approvals"] == "1 of 1 approvals"


@pytest.mark.parametrize(
    ("own", "remedy"),
    [
        (judged_again("2"), "The release judges it again by itself"),
        (release("2"), "An earlier version of this app started the release: reject or cancel it"),
    ],
)
def test_the_refusal_says_what_follows(office: StaleOffice, own: Release, remedy: str) -> None:
    office.ask("2")
    office.ledger.save_release(replace(office.record("2"), release=own))

    with pytest.raises(ConflictError, match=remedy):
        office.approve_as("ada", "2")


def test_a_waiting_release_learns_that_its_verdict_is_stale(office: StaleOffice) -> None:
    office.ask("2")

    assert settle_approval(office.ports, judged_again("2")) == Settlement(stale=STALE)
    office.judge_again()
    assert settle_approval(office.ports, judged_again("2")) == Settlement()


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


def test_the_plan_names_the_run_and_the_rows_of_the_training(office: StaleOffice) -> None:
    plan = plan_comparison(office.ports, judged_again("2"))

    assert plan.stale == STALE
    assert plan.request is not None
    assert plan.request.run.run_id == "train-diabetes-2"
    assert plan.request.preparation_id == "prepare-diabetes-2"
    assert plan.request.instance_id == "release-diabetes-2"
    assert plan.request.policy == office.projects[MODEL].gate


def test_nothing_is_planned_for_a_verdict_about_the_champion(office: StaleOffice) -> None:
    office.judge_again()

    assert plan_comparison(office.ports, judged_again("2")) == ComparisonPlan()


@pytest.mark.parametrize(
    ("run_id", "content"),
    [("train-diabetes-2", "model"), ("prepare-diabetes-2", "held-out rows")],
)
def test_a_version_whose_runs_are_gone_cannot_be_judged_again(
    office: StaleOffice, run_id: str, content: str
) -> None:
    office.jobs.gone.add(run_id)

    plan = plan_comparison(office.ports, judged_again("2"))

    assert plan == ComparisonPlan(
        stale=STALE,
        refused=f"It cannot be judged again: run {run_id}, which has its {content}, is gone. "
        "Train again.",
    )


class DeletedChampion(FakeRegistry):
    """A registry from which version 1 was deleted."""

    def get(self, model: str, version: str) -> ModelVersion:
        if version == "1":
            raise NotFoundError("There is no such version.")
        return super().get(model, version)


def test_a_champion_that_was_deleted_from_the_registry_stops_no_release(
    office: StaleOffice,
) -> None:
    office.registry = DeletedChampion(production=office.production, compared="")

    assert plan_comparison(office.ports, judged_again("2")) == ComparisonPlan()


def test_approvers_see_the_new_verdict_with_its_evaluation(office: StaleOffice) -> None:
    version = office.registry.get(MODEL, "2")
    first = replace(PASSED, reasons=("There was no champion.",), verdict=None)
    verdicts.save(office.rows, version.evaluation_id, first)
    office.judge_again(replace(PASSED, verdict=Verdict.PROMOTE))

    assert tuple(evidence(office.ports, version)) == (
        "Verdict of the gate: promote. It is better.",
        f"It was judged again against version 1, by {AGAIN}, because production changed after it "
        "was judged without a champion.",
    )
