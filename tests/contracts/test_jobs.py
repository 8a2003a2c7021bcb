"""What every platform's runs must do, on this machine and against Azure ML's SDK."""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure.workspace import Workspace
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.adapters.local.jobs import LocalJobs
from function_app.adapters.local.processes import Processes
from function_app.adapters.local.registry import LocalRegistry
from function_app.domain.authorship import Role, make_authors
from function_app.domain.change import Bundle, CheckPlan, CodeVersion
from function_app.domain.gates import GatePolicy
from function_app.domain.training import (
    Dataset,
    Judged,
    ModelVersion,
    Run,
    RunStatus,
    evaluation_id,
    folder_digest,
)
from function_app.errors import MlopsError, NotFoundError, PlatformError
from function_app.ports import Jobs, Registry
from function_app.settings import read_projects
from tests.azure_servers.azure import ROOT, VERSIONS, azure, sdk_warnings
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.compute import Compute

__all__ = ["azure"]
pytestmark = sdk_warnings
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One platform: its runs and models, how a run gets to its end, how bytes get to be data."""

    jobs: Jobs
    registry: Registry
    finish: Callable[[str], None]
    add: Callable[[bytes], Dataset]
    keep: Callable[[bytes], Bundle]
    register_foreign: Callable[[dict[str, str]], str]
    delete_version: Callable[[str], None]
    overwrite: Callable[[str, bytes | None], None]
    folder: Callable[[str], str]

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
def rows(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    command = [sys.executable, "-m", "training", "sample", "--out", str(path)]
    subprocess.run(command, cwd=ROOT, check=True)
    return path.read_bytes()


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "azure":
        yield _azure_bench(request)
        return
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
        blobs = place.blobs.containers[VERSIONS]
        for blob in [each for each in blobs if each == name or each.startswith(f"{name}/")]:
            del blobs[blob]
        if content is not None:
            place.wrote(name, content)

    return Bench(
        jobs=place.jobs(),
        registry=place.registry(),
        finish=lambda run_id: compute.finish(run_id, place.jobs()),
        add=add,
        keep=lambda archive: place.bundles().keep(
            archive, "c0ffee0000000000000000000000000000000000"
        ),
        register_foreign=register_foreign,
        delete_version=lambda version: place.ml.delete_version("diabetes", version),
        overwrite=overwrite,
        folder=lambda run_id: f"azureml://datastores/mlops/paths/runs/{run_id}/model/",
    )


def _local_bench(state: Path, topic: str) -> Bench:
    bundles = LocalBundles(state)
    projects = read_projects(ROOT / "mlops.toml")
    processes = Processes(state / "processes")
    reference = LocalDatasets(state, ROOT, LocalEvents("", "")).reference
    jobs = LocalJobs(state, ROOT, processes, projects, (topic, "key"), bundles, reference)

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
        keep=lambda archive: bundles.keep(archive, "c0ffee0000000000000000000000000000000000"),
        register_foreign=register_foreign,
        delete_version=delete_version,
        overwrite=overwrite,
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


def test_a_run_that_is_submitted_twice_is_one_run(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)

    first = bench.submit("train-diabetes-a", dataset, None, {"instance_id": "i"})
    bench.finish("train-diabetes-a")
    second = bench.submit("train-diabetes-a", dataset, None, {"instance_id": "i"})

    assert first.status is RunStatus.RUNNING
    assert second.status is RunStatus.COMPLETED
    assert second.metrics["training_mse"] > 0
    assert second.dataset_version == dataset.version
    assert second.tags["instance_id"] == "i"
    since = datetime.now(UTC) - DAY
    found = [run.run_id for run in bench.jobs.list_runs(since)]
    assert found == [f"prepare-{dataset.version[:8]}", "train-diabetes-a"]


def test_a_run_that_nobody_submitted_is_unknown(bench: Bench) -> None:
    run = bench.jobs.get("train-diabetes-b")

    assert run.status is RunStatus.UNKNOWN
    assert run.detail
    bench.jobs.cancel("train-diabetes-b")


def test_a_run_whose_code_fails_is_failed_and_says_so(bench: Bench) -> None:
    bench.submit("train-diabetes-c", bench.add(b"a,Y\n1,x\n2,y\n3,z\n4,y\n5,z\n"))
    bench.finish("train-diabetes-c")

    run = bench.jobs.get("train-diabetes-c")

    assert run.status is RunStatus.FAILED
    assert run.detail
    assert run.metrics == {}


def test_the_log_of_a_failed_run_tells_why_it_failed(bench: Bench) -> None:
    bench.submit("train-diabetes-log", bench.add(b"a,Y\n1,x\n2,y\n3,z\n4,y\n5,z\n"))
    bench.finish("train-diabetes-log")

    log = bench.jobs.log("train-diabetes-log", 1_000_000)

    assert bench.jobs.get("train-diabetes-log").status is RunStatus.FAILED
    assert log.strip()
    assert bench.jobs.log("train-diabetes-log", 7) == log[-7:]


def test_a_run_that_printed_nothing_yet_has_an_empty_log(bench: Bench, rows: bytes) -> None:
    bench.submit("train-diabetes-quiet", bench.add(rows))

    assert isinstance(bench.jobs.log("train-diabetes-quiet", 1000), bytes)
    bench.finish("train-diabetes-quiet")


@pytest.mark.parametrize("run_id", ["nothing", "../runs/train-diabetes-x", "", "a" * 300, "ä"])
def test_an_id_that_no_run_has_leads_to_no_file(bench: Bench, rows: bytes, run_id: str) -> None:
    bench.submit("train-diabetes-x", bench.add(rows))
    bench.finish("train-diabetes-x")

    with pytest.raises(NotFoundError):
        bench.jobs.log(run_id, 1000)
    assert bench.jobs.get(run_id).status is RunStatus.UNKNOWN
    with pytest.raises(NotFoundError):
        bench.jobs.report(run_id, "junit.xml")


def test_a_run_that_is_cancelled_is_timed_out_also_when_it_is_cancelled_twice(
    bench: Bench, rows: bytes
) -> None:
    bench.submit("train-diabetes-d", bench.add(rows))

    bench.jobs.cancel("train-diabetes-d")
    bench.jobs.cancel("train-diabetes-d")

    assert bench.jobs.get("train-diabetes-d").status is RunStatus.TIMED_OUT


def test_a_published_version_is_found_and_trains(bench: Bench, rows: bytes) -> None:
    changed = (
        (ROOT / "training" / "train.py").read_bytes().replace(b'"alpha": 0.4', b'"alpha": 0.5')
    )
    bundle = bench.keep(code_archive(train=changed))
    version = bench.jobs.publish("diabetes", bundle)

    assert bench.jobs.publish("diabetes", bundle) == version
    assert bench.jobs.code("diabetes") == version
    assert bench.jobs.code("diabetes", version.version) == version
    bench.submit("train-diabetes-e", bench.add(rows), version)
    bench.finish("train-diabetes-e")
    run = bench.jobs.get("train-diabetes-e")
    assert run.code == version
    assert run.metrics["alpha"] == 0.5


def test_everybody_who_published_the_same_files_is_their_author(bench: Bench) -> None:
    ada, grace = (make_authors([(Role.PUSHED, name)]) for name in ("ada-gh", "grace-gh"))
    bundle = bench.keep(code_archive())
    first = bench.jobs.publish("diabetes", replace(bundle, authors=ada))
    second = bench.jobs.publish("diabetes", replace(bundle, authors=grace))

    assert (first.authors, second.authors) == (ada, (*ada, *grace))
    assert bench.jobs.code("diabetes") == bench.jobs.code("diabetes", first.version) == second


def test_a_version_keeps_its_authors(bench: Bench) -> None:
    authors = make_authors([(Role.STARTED, "grace"), (Role.WROTE, 'O"Ada ü <x>')])
    run, judged = wrote(bench, "train-diabetes-a")

    made = bench.registry.register(run, judged, authors)
    again = bench.registry.register(run, judged, make_authors([(Role.STARTED, "eve")]))

    assert made.authors == again.authors == authors
    assert bench.registry.get("diabetes", made.version).authors == authors
    assert bench.registry.register(*wrote(bench, "train-diabetes-b")).authors == ()


def test_code_that_was_never_published_is_not_found(bench: Bench) -> None:
    assert bench.jobs.code("diabetes") is None
    with pytest.raises(NotFoundError):
        bench.jobs.code("diabetes", "f" * 64)


def test_the_figures_and_rows_of_a_file_are_found_by_its_preparation(
    bench: Bench, rows: bytes
) -> None:
    prepared = bench.jobs.prepared(bench.prepare(bench.add(rows)))

    assert prepared.profile is not None
    assert prepared.profile.rows == prepared.seen + prepared.held_out == 442
    assert [column.name for column in prepared.profile.columns][-1] == "Y"


def test_a_file_that_is_no_table_is_prepared_to_a_reason(bench: Bench) -> None:
    prepared = bench.jobs.prepared(bench.prepare(bench.add(b"")))

    assert (prepared.profile, prepared.seen) == (None, 0)
    assert prepared.refused


def test_a_preparation_that_nobody_submitted_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.jobs.prepared("prepare-nothing")


def test_a_training_gets_the_seen_rows_and_nothing_else(bench: Bench, rows: bytes) -> None:
    spy = b"""
import json, pathlib, sys
data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
rows = len((data / "rows.csv").read_text().splitlines()) - 1
(out / "metrics.json").write_text(json.dumps({"files": len(list(data.iterdir())), "rows": rows}))
"""
    dataset = bench.add(rows)
    version = bench.jobs.publish("diabetes", bench.keep(code_archive(__main__=spy)))
    bench.submit("train-diabetes-h", dataset, version)
    bench.finish("train-diabetes-h")

    seen = bench.jobs.prepared(bench.prepare(dataset)).seen
    assert bench.jobs.get("train-diabetes-h").metrics == {"files": 2, "rows": seen}


def test_challenger_and_champion_predict_the_same_rows(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)
    bench.submit("train-diabetes-f", dataset)
    bench.finish("train-diabetes-f")
    run = bench.jobs.get("train-diabetes-f")
    alone = bench.evaluate(run, dataset)
    champion = bench.registry.register(run, bench.jobs.judged(alone))
    both = bench.evaluate(run, dataset, champion)

    comparison = bench.jobs.comparison(both)

    assert bench.jobs.comparison(alone).champion_mse is None
    assert comparison.challenger_mse == comparison.champion_mse
    assert (comparison.gain_low, comparison.gain_high) == (0.0, 0.0)
    held_out = bench.jobs.prepared(bench.prepare(dataset)).held_out
    assert comparison.rows == held_out
    assert bench.jobs.get(both).metrics == bench.jobs.judged(both).metrics
    assert bench.jobs.judged(both).digest == champion.digest


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        (b"", "train wrote no file into its model folder"),
        (
            b"import pathlib, sys\n"
            b"out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
            b"(out / 'x' if out.is_dir() else out).write_text('prediction\\n1\\n')\n",
            "predict answered 1 rows where",
        ),
    ],
)
def test_a_training_that_breaks_the_contract_is_refused_at_its_evaluation(
    bench: Bench, rows: bytes, main: bytes, reason: str
) -> None:
    dataset = bench.add(rows)
    version = bench.jobs.publish("diabetes", bench.keep(code_archive(__main__=main)))
    bench.submit("train-diabetes-g", dataset, version)
    bench.finish("train-diabetes-g")

    evaluated = bench.evaluate(bench.jobs.get("train-diabetes-g"), dataset)

    assert reason in bench.jobs.comparison(evaluated).refused
    assert bench.jobs.get(evaluated).status is RunStatus.COMPLETED


def test_a_model_that_changed_after_it_was_judged_is_not_registered(
    bench: Bench, rows: bytes
) -> None:
    dataset = bench.add(rows)
    bench.submit("train-diabetes-i", dataset)
    bench.finish("train-diabetes-i")
    run = bench.jobs.get("train-diabetes-i")
    judged = bench.jobs.judged(bench.evaluate(run, dataset))

    with pytest.raises(PlatformError, match="has changed since it was judged"):
        bench.registry.register(run, replace(judged, digest="0" * 64))
    assert bench.registry.list_versions("diabetes") == ()


def test_predictions_of_no_evaluation_are_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.jobs.comparison("nothing-vs-nothing")


def test_runs_are_registered_once_and_listed_in_order(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)
    for name in ("a", "b"):
        bench.submit(f"train-diabetes-{name}", dataset)
        bench.finish(f"train-diabetes-{name}")
    first = bench.register(bench.jobs.get("train-diabetes-a"), dataset)
    second = bench.register(bench.jobs.get("train-diabetes-b"), dataset)

    again = bench.register(bench.jobs.get("train-diabetes-a"), dataset)

    assert (first.version, second.version) == ("1", "2")
    assert again == first
    assert bench.registry.get("diabetes", "1") == first
    assert bench.registry.list_versions("diabetes") == (first, second)
    assert len(first.digest) == 64
    assert first.metrics["mse"] > 0
    bench.registry.mark_champion(first)
    bench.registry.mark_champion(second)


def test_a_version_that_was_never_registered_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.registry.get("diabetes", "7")
    assert bench.registry.list_versions("diabetes") == ()


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


def test_versions_of_other_people_keep_nobody_from_registering(bench: Bench) -> None:
    first = bench.registry.register(*wrote(bench, "train-diabetes-a"))
    foreign = [
        bench.register_foreign(tags)
        for tags in ({}, {"run_id": "somebody"}, {"metric.mse": "much"}, {"code.version": "x"})
    ]

    second = bench.registry.register(*wrote(bench, "train-diabetes-b"))

    assert bench.registry.register(*wrote(bench, "train-diabetes-a")) == first
    listed = {version.version: version for version in bench.registry.list_versions("diabetes")}
    assert set(listed) == {first.version, *foreign, second.version}
    assert len(listed) == 6
    assert [listed[version].run_id for version in foreign] == ["", "somebody", "", ""]
    assert {listed[version].digest for version in foreign} == {""}
    bench.registry.mark_champion(second)


def test_a_deleted_version_is_not_found_and_keeps_nobody_from_registering(bench: Bench) -> None:
    bench.registry.register(*wrote(bench, "train-diabetes-a"))
    second = bench.registry.register(*wrote(bench, "train-diabetes-b"))
    bench.delete_version("1")

    third = bench.registry.register(*wrote(bench, "train-diabetes-c"))

    with pytest.raises(NotFoundError):
        bench.registry.get("diabetes", "1")
    assert (second.version, third.version) == ("2", "3")
    assert bench.registry.list_versions("diabetes") == (second, third)


def test_garbled_files_of_a_run_stop_no_look_at_the_others(bench: Bench, rows: bytes) -> None:
    for name in ("a", "b"):
        bench.submit(f"train-diabetes-{name}", bench.add(rows))
        bench.finish(f"train-diabetes-{name}")
    local = isinstance(bench.jobs, LocalJobs)
    since = datetime.now(UTC) - DAY
    for content in (b"", b"{half", b"[]", b"7", b'{"status": "odd"}'):
        bench.overwrite("runs/train-diabetes-a/model/metrics.json", content)
        bench.overwrite("runs/a-vs-nothing/evaluation/evaluation.json", content)
        if local:
            bench.overwrite("runs/train-diabetes-a/request.json", content)
            bench.overwrite("runs/train-diabetes-a/result.json", content)

        assert "train-diabetes-b" in [run.run_id for run in bench.jobs.list_runs(since)]
        assert bench.jobs.get("train-diabetes-a").metrics == {}
        with pytest.raises(MlopsError, match="a-vs-nothing"):
            bench.jobs.comparison("a-vs-nothing")


def test_a_deleted_folder_of_a_run_is_said_where_its_files_are_asked_for(bench: Bench) -> None:
    run, judged = wrote(bench, "train-diabetes-a")
    bench.overwrite("runs/train-diabetes-a", None)

    with pytest.raises(MlopsError, match="Train again"):
        bench.registry.register(run, judged)
    assert bench.jobs.get("train-diabetes-a").metrics == {}


@pytest.mark.skipif(not (ROOT / "checks").exists(), reason="the package of checks is not here")
def test_checks_of_a_bundle_are_reported_with_their_files(bench: Bench) -> None:
    plan = CheckPlan(
        lint=("ruff", "check", "--no-cache", "--isolated", "--select", "F", "."),
        tests=("pytest", "-q"),
        training="training",
        dry_run=True,
        timeout_seconds=60,
    )
    bundle = bench.keep(code_archive(test_commit=b"def test_it() -> None:\n    assert 1 == 2\n"))

    bench.jobs.submit_checks("checks-diabetes-a", "diabetes", bundle, plan, {})
    bench.jobs.submit_checks("checks-diabetes-a", "diabetes", bundle, plan, {})
    bench.finish("checks-diabetes-a")
    report = bench.jobs.checks("checks-diabetes-a")

    assert bench.jobs.get("checks-diabetes-a").status is RunStatus.COMPLETED
    found = {result.name: result.passed for result in report.results}
    assert found == {"lint": True, "tests": False, "dry run": True}
    assert b"test_it" in bench.jobs.report("checks-diabetes-a", "junit.xml")
    with pytest.raises(NotFoundError):
        bench.jobs.report("checks-diabetes-a", "../request.json")
