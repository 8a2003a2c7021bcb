"""The plan of a second judging: when a version is judged again, by which runs, and when not."""

from dataclasses import replace

import pytest

from function_app.activities.releases import plan_comparison
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.requests import ComparisonPlan
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError
from tests.activities.law_bench import MODEL, FakeRegistry
from tests.activities.stale_office import AGAIN, STALE, StaleOffice, judged_again, office

__all__ = ["office"]


def test_the_plan_names_the_run_and_the_rows_of_the_training(office: StaleOffice) -> None:
    plan = plan_comparison(office.ports, judged_again("2"))

    assert plan.stale == STALE
    assert plan.request is not None
    assert plan.request.run.run_id == "train-diabetes-2"
    assert plan.request.preparation_id == "prepare-diabetes-2"
    assert plan.request.instance_id == "release-diabetes-2"
    assert plan.request.policy == office.projects[MODEL].gate
    assert (plan.champion, plan.request.attempt, plan.must_judge) == ("1", 1, True)


def test_the_plan_of_a_retried_release_has_another_attempt(office: StaleOffice) -> None:
    again = replace(judged_again("2"), release_id="release-diabetes-2-try3")

    plan = plan_comparison(office.ports, again)

    assert plan.request is not None
    assert plan.request.attempt == 3


def test_nothing_is_judged_for_a_verdict_about_the_champion(office: StaleOffice) -> None:
    office.judge_again()
    office.ask("2", evaluation_id=AGAIN)

    assert plan_comparison(office.ports, judged_again("2")) == ComparisonPlan()


def test_evidence_about_a_former_champion_is_renewed_without_a_judging(
    office: StaleOffice,
) -> None:
    office.judge_again()
    office.ask("2")

    plan = plan_comparison(office.ports, judged_again("2"))

    assert plan.stale.endswith(f"Production changed, so that its evidence must be about {AGAIN}.")
    assert not plan.must_judge


@pytest.mark.parametrize(
    "newer", [ReleaseStatus.IN_PROGRESS, ReleaseStatus.AWAITING_APPROVAL, ReleaseStatus.REJECTED]
)
def test_a_superseded_release_is_not_judged(office: StaleOffice, newer: ReleaseStatus) -> None:
    office.update("2", ReleaseStatus.IN_PROGRESS)
    office.update("3", ReleaseStatus.IN_PROGRESS)
    office.update("3", newer)

    plan = plan_comparison(office.ports, judged_again("2"))

    if newer is ReleaseStatus.REJECTED:
        assert plan.superseded == ()
        assert plan.request is not None
    else:
        assert plan.superseded == ("release-diabetes-3 superseded it.",)
        assert plan.request is None


def test_a_release_that_was_superseded_before_is_not_judged(office: StaleOffice) -> None:
    office.ask("2")
    office.ledger.supersede(judged_again("3"), office.now())

    plan = plan_comparison(office.ports, judged_again("2"))

    assert plan.superseded == ("release-diabetes-3 superseded it.",)


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
