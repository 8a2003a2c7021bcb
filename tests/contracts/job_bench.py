"""Runs and models on both platforms, for the contracts of jobs and of the registry."""

import hashlib
import io
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.adapters.local.jobs.jobs import LocalJobs
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.registry import LocalRegistry
from function_app.domain.change.change import Bundle, CodeVersion
from function_app.domain.gates import GatePolicy
from function_app.domain.project import ModelProject
from function_app.domain.training import (
    Dataset,
    Judged,
    ModelVersion,
    Run,
    RunStatus,
    evaluation_id,
    folder_digest,
)
from function_app.ports import Jobs, Registry
from tests.azure_servers.azure import ROOT, VERSIONS
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.compute import Compute
from tests.made_once import prepare, sample_rows
from tests.platform_jobs.toys import END, MEAN
from tests.sample_project import sample_projects
from tests.shared_forks import shared_forks

DAY = timedelta(days=1)
# A model that imports no library: for tests in which any model will do.
TOY = MEAN + END


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A platform: its runs and models, and functions that end runs and store data."""

    jobs: Jobs
    registry: Registry
    finish: Callable[[str], None]
    add: Callable[[bytes], Dataset]
    keep: Callable[[bytes], Bundle]
    register_foreign: Callable[[dict[str, str]], str]
    delete_version: Callable[[str], None]
    overwrite: Callable[[str, bytes | None], None]
    folder: Callable[[str], str]
    projects: dict[str, ModelProject]

    def run_by(self, *words: str) -> None:
        """Let these words run the commands of the model, as `command` of mlops.toml does."""
        self.projects["diabetes"] = replace(self.projects["diabetes"], command=words)

    def prepare(self, dataset: Dataset, target: str = "Y") -> str:
        """Prepare a version of the data; return the run's id."""
        run = self.jobs.submit_preparation(f"prepare-{dataset.version[:8]}", dataset, target, {})
        self.finish(run.run_id)
        return run.run_id

    def submit(
        self,
        run_id: str,
        dataset: Dataset,
        code: CodeVersion | None = None,
        tags: dict[str, str] | None = None,
    ) -> Run:
        """Submit a training on the seen rows of the data."""
        return self.jobs.submit(run_id, dataset, self.prepare(dataset), code, tags or {})

    def train(self, run_id: str, dataset: Dataset, main: str = "") -> Run:
        """Train to the end and return the run; `main` is the code where the model counts not."""
        code = None
        if main:
            bundle = self.keep(code_archive(__main__=main.encode()))
            code = self.jobs.publish("diabetes", bundle)
        self.submit(run_id, dataset, code)
        self.finish(run_id)
        return self.jobs.get(run_id)

    def evaluate(self, run: Run, dataset: Dataset, champion: ModelVersion | None = None) -> str:
        """Evaluate the model of a run; return the evaluation's id."""
        name = evaluation_id(run.run_id, champion)
        self.jobs.submit_evaluation(
            name, run, self.prepare(dataset), champion, GatePolicy(bar=1.0), {}
        )
        self.finish(name)
        return name

    def register(self, run: Run, dataset: Dataset) -> ModelVersion:
        """Register the model of a run, as it was judged."""
        return self.registry.register(run, self.jobs.judged(self.evaluate(run, dataset)))


@pytest.fixture(scope="session")
def rows() -> bytes:
    return sample_rows().read_bytes()


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "azure":
        yield _azure_bench(request)
        return
    prepare(tmp_path)
    with Server(lambda _: Answer()) as topic:
        yield _local_bench(tmp_path, topic.url)


def _azure_bench(request: pytest.FixtureRequest) -> Bench:
    place = request.getfixturevalue("azure")
    compute = Compute(place.ml, place.blobs)

    def add(content: bytes) -> Dataset:
        version = hashlib.sha256(content).hexdigest()
        place.wrote(f"datasets/{version}.csv", content)
        uri = f"{place.blobs.url}/{VERSIONS}/datasets/{version}.csv"
        return Dataset(model="diabetes", version=version, uri=uri)

    def register_foreign(tags: dict[str, str]) -> str:
        from azure.ai.ml.entities import Model

        path = "azureml://datastores/mlops/paths/by-hand/"
        # Numbers and words: people name versions as they like.
        label = f"by-hand-{len(tags)}" if "metric.mse" in tags else str(7 + len(place.ml.resources))
        model = Model(name="diabetes", version=label, type="custom_model", path=path, tags=tags)
        Workspace(place.connection()).client.models.create_or_update(model)
        return label

    def overwrite(name: str, content: bytes | None) -> None:
        for blobs in place.blobs.containers.values():
            for blob in [each for each in blobs if each == name or each.startswith(f"{name}/")]:
                del blobs[blob]
        if content is not None:
            place.wrote(name, content)

    return Bench(
        jobs=place.jobs(),
        registry=place.registry(),
        finish=lambda run_id: compute.finish(run_id, place.jobs()),
        add=add,
        keep=lambda archive: place.bundles().store(
            archive, "c0ffee0000000000000000000000000000000000"
        ),
        register_foreign=register_foreign,
        delete_version=lambda version: place.ml.delete_version("diabetes", version),
        overwrite=overwrite,
        projects=place.projects,
        folder=lambda run_id: f"azureml://datastores/mlops_runs/paths/runs/{run_id}/model/",
    )


def _local_bench(state: Path, topic: str) -> Bench:
    bundles = LocalBundles(state)
    projects = sample_projects()
    processes = Processes(state / "processes")
    reference = LocalDatasets(state, ROOT, LocalEvents("", "")).reference
    jobs = LocalJobs(
        *(state, ROOT, processes, projects, (topic, "key"), bundles, reference),
        forks=shared_forks(),
    )

    def finish(run_id: str) -> None:
        while not jobs.get(run_id).status.ended:
            time.sleep(0.05)

    def add(content: bytes) -> Dataset:
        version = hashlib.sha256(content).hexdigest()
        path = state / f"{version}.csv"
        path.write_bytes(content)
        return Dataset(model="diabetes", version=version, uri=str(path))

    uri = f"sqlite:///{state / 'mlflow.db'}"

    def register_foreign(tags: dict[str, str]) -> str:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        made = client.create_model_version("diabetes", source="file:///by-hand", tags=tags)
        return str(made.version)

    def delete_version(version: str) -> None:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.delete_model_version("diabetes", version)

    def overwrite(name: str, content: bytes | None) -> None:
        path = state / name
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return Bench(
        jobs=jobs,
        registry=LocalRegistry(state, LocalEvents(topic, "key")),
        finish=finish,
        add=add,
        keep=lambda archive: bundles.store(archive, "c0ffee0000000000000000000000000000000000"),
        register_foreign=register_foreign,
        delete_version=delete_version,
        overwrite=overwrite,
        projects=projects,
        folder=lambda run_id: str(state / "runs" / run_id / "model"),
    )


def code_archive(**changed: bytes) -> bytes:
    """Return this project's training code as a commit's archive, some modules changed or added."""
    files = {path.name: path.read_bytes() for path in (ROOT / "training").glob("*.*")}
    files |= {f"{name}.py": content for name, content in changed.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"training/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def wrote(bench: Bench, run_id: str) -> tuple[Run, Judged]:
    """Return a run that has written a model and its evaluation, without running them."""
    content, evaluation = run_id.encode(), f"{run_id}-vs-nothing"
    bench.overwrite(f"runs/{run_id}/model/model.skops", content)
    for name in ("evaluation.json", "golden.json", "metrics.json", "model_schema.json"):
        bench.overwrite(f"runs/{evaluation}/evaluation/{name}", b"{}")
    run = Run(
        run_id=run_id,
        model="diabetes",
        status=RunStatus.COMPLETED,
        dataset_version="d" * 64,
        output_uri=bench.folder(run_id),
    )
    digest = folder_digest({"model.skops": hashlib.sha256(content).hexdigest()})
    return run, Judged(evaluation_id=evaluation, digest=digest, metrics={"mse": 1.0})
