"""Production changes while a version waits: the story runs on the real activities and records."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest

from function_app import steps
from function_app.activities import production, releases, training
from function_app.domain.codec import load
from function_app.domain.gates import Comparison
from function_app.domain.release.release import (
    Release,
    ReleaseResult,
    ReleaseStatus,
    next_attempt,
)
from function_app.domain.release.serving import Build, Deployment, Rollout, SmokeReport
from function_app.domain.stories.lane import LaneHolder
from function_app.domain.training import ModelVersion, Run, RunStatus
from function_app.orchestrators.release_model import release_model
from function_app.records.ledger import looks
from function_app.records.ledger.ledger import StoredLedger
from tests.activities.law_bench import MODEL, FakeProbe, FakeRegistry, image, release
from tests.activities.stale_office import FakeJobs, StaleOffice, judged_again
from tests.contracts.memory_rows import MemoryRows
from tests.domain.test_gates import FIGURES
from tests.orchestrators.player import Activity, Player
from tests.orchestrators.test_release_model import DEPLOYMENT

AGAINST_1, AGAINST_2 = "train-diabetes-3-vs-1", "train-diabetes-3-vs-2"
RELEASE = judged_again("3")
OWN_IMAGE = replace(DEPLOYMENT, image=image("3"))
Act = Callable[[], Any]
# The activities that are not real: they build, deploy, or order the turns of several stories.
ANSWERS = {
    steps.build_image.name: Build(image=image("3")),
    steps.deploy_staging.name: Rollout(deployment=OWN_IMAGE),
    steps.take_lane.name: LaneHolder(owner="instance-1", ahead=0, inside=True),
}
REAL = {
    step.name: step
    for step in (
        *(steps.update_release, steps.smoke_test, steps.plan_comparison, steps.submit_evaluation),
        *(steps.get_run, steps.evaluate_challenger, steps.request_approval, steps.settle_approval),
        *(steps.get_champion, steps.promote_challenger, steps.end_release),
    )
}
BOUND = (releases, training, production)  # An import of these modules binds the activities.


class Probe(FakeProbe):
    """A deployment that answers all requests as the offline model does."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        served = deployment.image.digest
        return SmokeReport(
            requests=4, failures=0, largest_difference=0.0, p95_ms=1.0, served_digest=served
        )


@dataclass
class Registry(FakeRegistry):
    """Versions whose files are attached already."""

    described: list[str] = field(default_factory=list)

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        return name.encode()

    def describe(self, version: ModelVersion, card: str) -> None:
        self.described.append(card)


@dataclass
class Jobs(FakeJobs):
    """Evaluations in which the challenger wins, except those that were cancelled."""

    submitted: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)

    def get(self, run_id: str) -> Run:
        run = super().get(run_id)
        if run_id in self.cancelled:
            return replace(run, status=RunStatus.CANCELLED)
        return run

    def submit_evaluation(self, run_id: str, *given: Any) -> Run:
        self.submitted.append(run_id)
        return self.get(run_id)

    def comparison(self, run_id: str) -> Comparison:
        return FIGURES


@dataclass
class RecordedPlayer(Player):
    """Plays a story over real records; the n-th act happens before the n-th `settle_approval`."""

    office: StaleOffice = field(kw_only=True)
    acts: list[Act] = field(kw_only=True)

    def _answer(self, story: Generator[Any, Any, Any], task: Any) -> Callable[[], Any]:
        if isinstance(task, Activity) and task.name in REAL:
            if task.name == steps.settle_approval.name:
                self.acts.pop(0)()
            self.answers[task.name] = self._run(task)
        return super()._answer(story, task)

    def _run(self, task: Activity) -> Any:
        step = REAL[task.name]
        assert step.run is not None
        try:
            return step.run(self.office.ports, load(step.argument, task.argument))
        except Exception as error:
            return error


@pytest.fixture
def office() -> StaleOffice:
    """Return an office in which 1 serves, 2 is approved, and 3 was judged against 1."""
    rows, jobs = MemoryRows(), Jobs()
    made = StaleOffice(StoredLedger(rows), rows, registry=Registry(), jobs=jobs, probe=Probe())
    made.bring_up("1")
    made.approve("2")
    made.registry.compared = "1"
    return made


def play(
    office: StaleOffice, *acts: Act, wanted: Release = RELEASE
) -> tuple[RecordedPlayer, ReleaseResult]:
    host = RecordedPlayer(dict(ANSWERS), office=office, acts=list(acts))
    host.instance_id = wanted.release_id
    result: ReleaseResult = host.play(release_model(host, wanted))
    assert host.acts == []
    return host, result


def asked(host: RecordedPlayer) -> list[str]:
    """Return the evaluation behind the evidence of each request for an approval."""
    return [
        argument["evidence"]["evaluation_id"]
        for name, argument in zip(host.called, host.arguments, strict=True)
        if name == steps.request_approval.name
    ]


def approved(office: StaleOffice) -> None:
    office.decide(office.record("3"))


def of_jobs(office: StaleOffice) -> Jobs:
    assert isinstance(office.jobs, Jobs)
    return office.jobs


def test_a_champion_that_comes_back_while_a_version_waits_needs_no_third_judging(
    office: StaleOffice,
) -> None:
    host, result = play(
        office,
        lambda: office.promote("2"),
        # The check of production failed after the promotion of version 2.
        lambda: office.roll_back(restores=release("2")),
        lambda: approved(office),
    )

    assert asked(host) == [AGAINST_1, AGAINST_2, AGAINST_1]
    assert of_jobs(office).submitted == [AGAINST_2]
    assert (result.status, result.decided_by) == (ReleaseStatus.PROMOTED, "ada")
    assert office.production.served == image("3")
    assert office.record("3").evaluation_id == AGAINST_1
    assert any(AGAINST_1 in reason for reason in office.record("3").evidence)
    assert isinstance(office.registry, Registry)
    cards = [name for name, _ in groupby(office.registry.described)]
    assert cards == ["model-card.md", "model-card-vs-2.md", "model-card.md"]


def test_an_approval_counts_no_more_when_the_former_champion_came_back(
    office: StaleOffice,
) -> None:
    def approve_and_roll_back() -> None:
        approved(office)
        office.roll_back(restores=release("2"))

    served: list[Any] = []
    host, result = play(
        office,
        lambda: office.promote("2"),
        approve_and_roll_back,
        lambda: served.append(office.production.served),
        lambda: approved(office),
    )

    assert asked(host) == [AGAINST_1, AGAINST_2, AGAINST_1]
    assert served == [image("1")], "The approval of the evidence about version 2 promoted nothing."
    assert result.status is ReleaseStatus.PROMOTED


def test_a_retry_after_a_cancelled_judging_has_a_run_of_its_own_and_the_same_comparison(
    office: StaleOffice,
) -> None:
    of_jobs(office).cancelled.add(AGAINST_2)
    _, failed = play(office, lambda: office.promote("2"))
    office.end("2", ReleaseStatus.PROMOTED)
    again = next_attempt(RELEASE)

    host, result = play(office, lambda: office.decide(office.record("3", "-try2")), wanted=again)

    assert failed.status is ReleaseStatus.FAILED
    assert failed.reasons[0].endswith(
        f"Run {AGAINST_2} is cancelled. `mlopsctl retry {RELEASE.release_id}` judges it again."
    )
    assert of_jobs(office).submitted == [AGAINST_2, f"{AGAINST_2}-again-2"]
    assert looks.count(office.rows, MODEL, "the next one") == 2
    assert asked(host) == [f"{AGAINST_2}-again-2"]
    assert (result.status, office.production.served) == (ReleaseStatus.PROMOTED, image("3"))
