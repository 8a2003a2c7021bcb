"""Objects that a person deleted or left behind lead to an outcome with a reason."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.activities.releases import build_image, smoke_test
from function_app.activities.training import (
    evaluate_challenger,
    judge_dataset,
    submit_evaluation,
)
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.data_quality import ColumnProfile, DataPolicy, DataProfile, Prepared
from function_app.domain.events.arrivals import Arrival
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.release.release import Release, ReleasePolicy
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout, SmokeReport
from function_app.domain.requests import (
    DatasetCheck,
    Evaluation,
    EvaluationRequest,
    SmokeTest,
)
from function_app.domain.training import Dataset, ModelVersion, Run, RunStatus
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports
from tests.contracts.memory_rows import MemoryRows
from tests.sample_project import sample_projects

ROOT = Path(__file__).parents[2]
SERVED = Image(model="diabetes", version="3", digest="sha256:x", uri="")
RUN = Run(
    run_id="train-diabetes-a",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version="d",
    output_uri="",
)


class Deleted:
    """A registry without the version that production serves."""

    def get(self, model: str, version: str) -> ModelVersion:
        raise NotFoundError(f"{model} has no version {version}.")

    def mark_champion(self, version: ModelVersion) -> None:
        raise AssertionError("there is no version to mark")


class Serving:
    """Production that serves version 3."""

    def champion(self, model: str) -> Image:
        return SERVED

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        return Rollout(done=True)


class Evaluations:
    """Runs of which an evaluation has a challenger only."""

    def __init__(self) -> None:
        self.champions: list[ModelVersion | None] = []

    def get(self, run_id: str) -> Run:
        return RUN

    def comparison(self, run_id: str) -> Comparison:
        return Comparison(rows=2, challenger_loss=0.0)

    def submit_evaluation(
        self,
        run_id: str,
        run: Run,
        preparation_id: str,
        champion: Any,
        policy: Any,
        tags: Any,
        look: int,
    ) -> Run:
        self.champions.append(champion)
        return RUN


def ports(**given: Any) -> Ports:
    return cast(
        Ports,
        SimpleNamespace(
            registry=Deleted(),
            production=Serving(),
            jobs=Evaluations(),
            rows=MemoryRows(),
            **given,
        ),
    )


def test_a_deleted_served_version_does_not_lock_its_model() -> None:
    given = ports()

    submit_evaluation(
        given,
        EvaluationRequest(run=RUN, preparation_id="p", instance_id="i", policy=GatePolicy(bar=1.0)),
    )
    result = evaluate_challenger(given, Evaluation(evaluation_id="x", policy=GatePolicy(bar=100.0)))

    assert cast(Evaluations, given.jobs).champions == [None]
    assert "version 3" in result.reasons[-1]
    assert "no longer in the registry" in result.reasons[-1]


def test_a_version_of_other_people_is_not_built() -> None:
    class Foreign:
        def get(self, model: str, version: str) -> ModelVersion:
            return ModelVersion(model=model, version=version, run_id="", uri="", digest="")

    release = Release(
        release_id="release-diabetes-7",
        model="diabetes",
        version="7",
        policy=ReleasePolicy(approvers=("ada",)),
    )
    with pytest.raises(ContractError, match="not registered by this app"):
        build_image(cast(Ports, SimpleNamespace(registry=Foreign())), release)


def test_a_training_that_brings_no_data_does_not_accept_any(tmp_path: Path) -> None:
    """A training finds the newest data at its start; newer data may be accepted since then."""
    datasets = LocalDatasets(tmp_path, ROOT, LocalEvents("", ""))
    profile = DataProfile(
        rows=400,
        columns=tuple(
            ColumnProfile(name=name, missing=0, mean=0.0, std=1.0) for name in ("a", "Y")
        ),
    )
    jobs = SimpleNamespace(
        prepared=lambda run_id: Prepared(profile=profile, seen=300, held_out=100)
    )
    given = cast(Ports, SimpleNamespace(datasets=datasets, jobs=jobs))
    check = DatasetCheck(
        preparation_id="p",
        dataset=Dataset(model="m", version="v", uri=""),
        policy=DataPolicy(columns=("a", "Y"), target="Y", min_rows=10),
        arrival=Arrival(claimed_at=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    record = tmp_path / "datasets" / "m" / "latest.json"

    assert judge_dataset(given, replace(check, brought=False)).passed
    assert not record.exists()
    assert judge_dataset(given, check).passed
    assert "2026-01-01" in record.read_text()


RELEASE = Release(
    release_id="release-diabetes-4",
    model="diabetes",
    version="4",
    policy=ReleasePolicy(approvers=("ada",)),
)
STAGED = Deployment(
    deployment_id="d",
    environment=Environment.STAGING,
    endpoint="",
    image=SERVED,
    runtime="process",
)
REPORT = SmokeReport(
    served_digest="sha256:x", requests=1, failures=0, p95_ms=1.0, largest_difference=0.0
)


def test_an_approver_is_told_that_the_served_version_was_deleted() -> None:

    class Found(Deleted):
        def get(self, model: str, version: str) -> ModelVersion:
            if version == SERVED.version:
                return super().get(model, version)
            return ModelVersion(model=model, version=version, run_id="r", uri="", digest="d")

    probe = SimpleNamespace(smoke_test=lambda deployment, version: REPORT)
    given = cast(
        Ports,
        SimpleNamespace(
            registry=Found(),
            production=Serving(),
            probe=probe,
            projects={},
            rows=MemoryRows(),
        ),
    )

    result = smoke_test(given, SmokeTest(release=RELEASE, deployment=STAGED))

    assert result.passed
    assert any(
        "version 3" in each and "no longer in the registry" in each for each in result.reasons
    )


def test_an_approver_sees_what_the_training_reported_apart_from_the_platform_s_figures() -> None:
    class Registered(Deleted):
        def get(self, model: str, version: str) -> ModelVersion:
            figures = {"mse": 3000.0}
            return ModelVersion(
                model=model, version=version, run_id="r", uri="", digest="d", metrics=figures
            )

        def attached(self, version: ModelVersion, name: str) -> bytes | None:
            return name.encode()

        def describe(self, version: ModelVersion, card: str) -> None:
            """Describe nothing."""

    run = Run(
        run_id="r",
        model="diabetes",
        status=RunStatus.COMPLETED,
        dataset_version="",
        output_uri="",
        metrics={"mse": 0.0},
        reported=True,
    )
    ports = SimpleNamespace(
        registry=Registered(),
        production=Serving(),
        rows=MemoryRows(),
        jobs=SimpleNamespace(get=lambda run_id: run),
        probe=SimpleNamespace(smoke_test=lambda deployment, version: REPORT),
        projects=sample_projects(),
    )

    result = smoke_test(cast(Ports, ports), SmokeTest(release=RELEASE, deployment=STAGED))

    assert "On held-out rows: mse 3000." in result.reasons
    assert "Reported by the training itself, and judged by no gate: mse 0." in result.reasons
    digest = hashlib.sha256(b"data-report.html").hexdigest()
    path = "/api/models/diabetes/versions/4/evidence/data-report.html"
    assert f"Report of the data check: {path}, SHA-256 {digest}." in result.reasons
