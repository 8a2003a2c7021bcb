"""Outputs of runs are read in the container of their identity, those of old runs in `versions`."""

import json

from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.run_specs import EVALUATION, PREPARATION, TRAINING
from function_app.adapters.azure.reach.blobs import Blobs
from tests.azure_servers.azure import EVALUATIONS, RUNS, VERSIONS, Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings
OLD = "azureml://datastores/mlops/paths/runs"


def containers(azure: Azure) -> RunContainers:
    return RunContainers(Blobs(azure.connection()))


def test_outputs_of_runs_of_an_earlier_version_are_read_in_versions(
    azure: Azure,
) -> None:
    azure.wrote("runs/a/model/model.skops", b"x", VERSIONS)
    azure.wrote("runs/a/log/run.log", b"lines", VERSIONS)
    for name in ("evaluation.json", "metrics.json"):
        content = json.dumps({"digest": "d" * 64, "mse": 1.5}).encode()
        azure.wrote(f"runs/a-vs-1/evaluation/{name}", content, VERSIONS)
    found = containers(azure)

    assert found.files("a", TRAINING) == ("model.skops",)
    assert found.uri("a", TRAINING) == f"{OLD}/a/model/"
    assert found.log("a", TRAINING, 100) == b"lines"
    assert found.evaluation_with("a", "metrics.json") == "a-vs-1"
    assert found.evaluation_with("a", "golden.json") is None
    assert azure.jobs().judged("a-vs-1").digest == "d" * 64


def test_before_the_platform_has_the_newer_containers_the_former_is_read(azure: Azure) -> None:
    del azure.blobs.containers[RUNS], azure.blobs.containers[EVALUATIONS]
    azure.wrote("runs/a/model/model.skops", b"x", VERSIONS)

    assert containers(azure).files("a", TRAINING) == ("model.skops",)
    assert containers(azure).files("b", TRAINING) == ()
    assert containers(azure).read("a-vs-1", EVALUATION, "metrics.json") is None


def test_an_output_in_the_container_of_its_kind_counts_before_a_former_one(azure: Azure) -> None:
    azure.wrote("runs/a-vs-1/evaluation/metrics.json", b'{"mse": 2}', VERSIONS)
    azure.wrote("runs/a-vs-1/evaluation/metrics.json", b'{"mse": 1}', EVALUATIONS)
    azure.wrote("runs/a-vs-1/evaluation/golden.json", b"forged", RUNS)

    found = containers(azure)

    assert found.read_record("a-vs-1", EVALUATION, "metrics.json") == {"mse": 1}
    assert found.read("a-vs-1", EVALUATION, "golden.json") is None


def test_a_run_takes_what_a_preparation_of_an_earlier_version_wrote(azure: Azure) -> None:
    azure.wrote("runs/prepare-a/prepared/seen/rows.csv", b"x", VERSIONS)

    assert containers(azure).uri("prepare-a", PREPARATION) == f"{OLD}/prepare-a/prepared/"
    assert containers(azure).uri("prepare-b", PREPARATION) == (
        "azureml://datastores/mlops_evaluations/paths/runs/prepare-b/prepared/"
    )


def test_runs_find_the_files_of_each_container_by_its_datastore(azure: Azure) -> None:
    found = containers(azure)
    blobs = Blobs(azure.connection())

    assert (
        found.address(blobs.url("bundles/a.tar"))
        == "azureml://datastores/mlops/paths/bundles/a.tar"
    )
    assert found.address(blobs.beside(RUNS).url("a")) == "azureml://datastores/mlops_runs/paths/a"
    assert found.address("https://elsewhere.example/a") == "https://elsewhere.example/a"
