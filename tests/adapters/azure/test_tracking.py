"""Runs of Azure ML in its MLflow tracking: a real MLflow server stands in for the workspace's."""

import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from mlflow import MlflowClient

from function_app.adapters.azure.jobs.jobs import AzureJobs
from function_app.adapters.azure.jobs.tracking import PATIENCE, figures_of
from function_app.domain.gates import GatePolicy
from function_app.domain.training import Dataset, Run, RunStatus
from tests.adapters.azure.job_samples import NOW, RUN, dataset
from tests.azure_servers.azure import VERSIONS, Azure, sdk_warnings
from tests.azure_servers.compute import Compute
from tests.azure_servers.mlflow_server import JOB, TrackingEndpoint, mlflow_server
from tests.azure_servers.tls import Tls
from tests.contracts.job_bench import code_archive
from tests.made_once import sample_rows

pytestmark = sdk_warnings
COMMIT = "c0ffee0000000000000000000000000000000000"
EVALUATION, PREPARATION = f"{RUN}-vs-nothing", "prepare-a"
BAR = GatePolicy(bar=1.0)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def endpoint(azure: Azure, tls: Tls, mlflow: str) -> Iterator[TrackingEndpoint]:
    with TrackingEndpoint(tls, azure.ml, mlflow) as made:
        yield made
        made.forget()


def recorded(endpoint: TrackingEndpoint, job: str) -> Any:
    """Return the run of a job as MLflow's own client reads it."""
    client = MlflowClient(tracking_uri=endpoint.mlflow)
    [found] = client.search_runs(["0"], f"tags.{JOB} = '{job}'")
    return found.data


def sample(azure: Azure) -> Dataset:
    content = sample_rows().read_bytes()
    version = hashlib.sha256(content).hexdigest()
    azure.wrote(f"datasets/{version}.csv", content)
    uri = f"{azure.blobs.url}/{VERSIONS}/datasets/{version}.csv"
    return Dataset(model="diabetes", version=version, uri=uri)


def submitted(azure: Azure) -> AzureJobs:
    """Submit a training whose job a test moves on."""
    jobs = azure.jobs()
    jobs.submit(RUN, dataset(azure), PREPARATION, None, {"instance_id": "story"})
    return jobs


def test_a_training_its_evaluation_and_its_version_are_read_back_by_mlflow(
    azure: Azure, endpoint: TrackingEndpoint
) -> None:
    jobs, compute, data = azure.jobs(), Compute(azure.ml, azure.blobs), sample(azure)
    code = jobs.publish("diabetes", azure.bundles().store(code_archive(), COMMIT))
    jobs.submit_preparation(PREPARATION, data, "Y", {})
    compute.finish(PREPARATION, jobs)
    jobs.submit(RUN, data, PREPARATION, code, {"instance_id": "story"})
    assert jobs.record_ended() == 0, "it runs"
    compute.finish(RUN, jobs)
    run = jobs.get(RUN)
    jobs.submit_evaluation(EVALUATION, run, PREPARATION, None, BAR, {"instance_id": "story"})
    compute.finish(EVALUATION, jobs)
    azure.registry().register(run, jobs.judged(EVALUATION))

    assert [jobs.record_ended(), jobs.record_ended()] == [3, 0]

    training, evaluation = recorded(endpoint, RUN), recorded(endpoint, EVALUATION)
    known = {
        "model": "diabetes",
        "dataset_version": data.version,
        "code_version": code.version,
    }
    assert training.params == evaluation.params == known
    assert training.metrics == run.metrics != {}
    compared = {name for name in evaluation.metrics if name.startswith("comparison.")}
    own = {n: value for n, value in evaluation.metrics.items() if n not in compared}
    assert own == jobs.judged(EVALUATION).metrics != {}
    assert evaluation.metrics["comparison.rows"] == jobs.comparison(EVALUATION).rows
    assert training.tags["mlops.environment.threads"] == "1"
    assert "numpy openblas" in training.tags["mlops.environment.blas"]
    for found, kind in ((training, "training"), (evaluation, "evaluation")):
        assert found.tags["mlops"] == kind
        assert found.tags["mlops.status"] == "completed"
        assert found.tags["instance_id"] == "story"
        assert found.tags["mlflow.source.git.commit"] == COMMIT
    folder = f"azureml://datastores/mlops_runs/paths/runs/{RUN}"
    assert training.tags["mlops.model_folder"] == f"{folder}/model/"
    assert training.tags["mlops.log"] == f"{folder}/log/"
    assert training.tags["mlops.figures"] == "reported by the training itself"
    assert training.tags["mlops.model_version"] == "1"
    judged = f"azureml://datastores/mlops_evaluations/paths/runs/{EVALUATION}"
    assert evaluation.tags["mlops.reports"] == f"{judged}/evaluation/"
    assert evaluation.tags["mlops.figures"] == "computed by the platform"


@pytest.mark.parametrize(
    ("status", "kept"), [("Failed", "failed"), ("Canceled", "failed"), ("Completed", "completed")]
)
def test_a_run_is_recorded_however_it_ended(
    azure: Azure, endpoint: TrackingEndpoint, status: str, kept: str
) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, status)

    assert jobs.record_ended() == 1

    found = recorded(endpoint, RUN)
    assert (found.tags["mlops.status"], found.metrics) == (kept, {})


def test_a_later_attempt_is_recorded_on_its_own_job(
    azure: Azure, endpoint: TrackingEndpoint
) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, "NotResponding")
    assert jobs.record_ended() == 0, "the story submits it again"
    submitted(azure)
    azure.ml.move(f"{RUN}-attempt-2", "Completed")

    assert jobs.record_ended() == 1

    assert recorded(endpoint, f"{RUN}-attempt-2").tags["mlops.run_id"] == RUN


def test_a_tracking_that_is_away_fails_no_run_and_gets_the_record_later(
    azure: Azure, tls: Tls, mlflow: str, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, "Completed")
    with caplog.at_level(logging.WARNING, "mlops.tracking"):
        assert [jobs.record_ended() for _ in range(3)] == [0, 0, 0]

    assert jobs.get(RUN).status is RunStatus.COMPLETED
    assert caplog.text.count("has no record of") == 1
    assert "names no address of its MLflow tracking" in caplog.text
    with TrackingEndpoint(tls, azure.ml, mlflow) as endpoint:
        assert azure.jobs().record_ended() == 1
        assert recorded(endpoint, RUN).tags["mlops.status"] == "completed"
        endpoint.forget()


def test_a_tracking_that_refuses_is_asked_for_a_week(
    azure: Azure, endpoint: TrackingEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, "Completed")
    endpoint.refuses = True
    moments = iter([NOW + PATIENCE / 2, NOW + PATIENCE + timedelta(days=1)])

    def later() -> datetime:
        return next(moments)

    azure_jobs = azure.jobs(later)
    assert azure_jobs.record_ended() == 0
    assert azure_jobs.record_ended() == 0
    assert "403" in caplog.text
    assert f"the tracking will have no record of {RUN}" in caplog.text
    asked = len(endpoint.requests)
    assert jobs.record_ended() == 0
    assert len(endpoint.requests) == asked


def test_a_repeated_record_writes_the_same_points(azure: Azure, endpoint: TrackingEndpoint) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, "Completed")
    azure.wrote(f"runs/{RUN}/model/metrics.json", b'{"mse": 2.5}')
    endpoint.loses_answers = True
    assert jobs.record_ended() == 0, "MLflow has it, and the app does not know"
    endpoint.loses_answers = False

    assert jobs.record_ended() == 1

    assert recorded(endpoint, RUN).metrics == {"mse": 2.5}
    bodies = [request.json["metrics"] for request in endpoint.requests]
    assert all(body == bodies[0] for body in bodies)


def test_names_that_mlflow_refuses_cost_no_other_figure(
    azure: Azure, endpoint: TrackingEndpoint
) -> None:
    jobs = submitted(azure)
    azure.ml.move(RUN, "Completed")
    azure.wrote(f"runs/{RUN}/model/metrics.json", b'{"mse": 2.5, "a\\nb": 1, "../x": 2, "": 3}')

    assert jobs.record_ended() == 1

    assert recorded(endpoint, RUN).metrics == {"mse": 2.5}
    many = Run(
        run_id=RUN,
        model="diabetes",
        status=RunStatus.COMPLETED,
        dataset_version="",
        output_uri="",
        metrics={f"f{n}": 1.0 for n in range(3000)},
    )
    assert len(figures_of(many)) == 1000
