"""Places where a hostile training runs: this machine, and a node of an Azure ML of this machine."""

import io
import json
import shutil
import tarfile
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from function_app.adapters.archives import sha256
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.adapters.local.jobs.jobs import LocalJobs
from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.processes import Processes
from function_app.domain.change.isolation import Isolation
from function_app.domain.training import Dataset, RunStatus
from function_app.ports import Jobs
from function_app.settings.settings import read_projects
from tests.azure_servers.azure import EVALUATIONS, ROOT, RUNS, VERSIONS, Azure
from tests.azure_servers.compute import Compute
from tests.funchost.conftest import until
from tests.made_once import sample_rows
from tests.shared_forks import shared_forks

MODEL, PREPARED = "thief", "prepare-thief-a"
COMMIT = "a" * 40
PROJECTS = {
    "diabetes": (SAMPLE := read_projects(ROOT / "mlops.toml")["diabetes"]),
    MODEL: replace(SAMPLE, training="trainer"),
}
HEAD = """\
import json, os, pathlib, subprocess, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
answers = {}
def attempt(name, do):
    try:
        answers[name] = do()
    except OSError as error:
        answers[name] = f"refused: {type(error).__name__}"
"""
TAIL = "\n(out / 'answers.json').write_text(json.dumps(answers))\n"


def archive(**modules: str) -> bytes:
    """Return these modules as a commit's archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as files:
        for name, text in sorted(modules.items()):
            entry = tarfile.TarInfo(f"{name}.py")
            entry.size = len(text.encode())
            files.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class Machine(ABC):
    """A platform with prepared data and another run's model, and a model whose training is hostile.

    `other` is the name of the other run's model below the platform's own folder.
    """

    other = "runs/other/model/model.skops"
    jobs: Jobs

    def __init__(self) -> None:
        self._count = 0

    @property
    def run(self) -> str:
        """Return the id of the run that trains next."""
        return f"train-thief-{self._count}"

    def train(self, body: str) -> dict[str, Any]:
        """Run a training with this code; return its attempts, each with its result."""
        answers: dict[str, Any] = json.loads(self._train(self.run, HEAD + body + TAIL))
        self._count += 1
        return answers

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Return the files of runs by their names below the platform's own folder."""

    @abstractmethod
    def foreign(self) -> list[str]:
        """Return places, as Python code, that the next training may not change."""

    @abstractmethod
    def _train(self, run_id: str, code: str) -> bytes:
        """Run this code to its end; return the file of answers."""


class LocalMachine(Machine):
    """A state folder of this machine with secrets in it."""

    def __init__(self, state: Path) -> None:
        super().__init__()
        self.state, self.processes = state, Processes(state / "processes")
        self._bundles = LocalBundles(state)
        self._reference = LocalDatasets(state, ROOT, LocalEvents("", "")).reference
        data = state / "datasets" / MODEL / "rows.csv"
        data.parent.mkdir(parents=True)
        shutil.copy(sample_rows(), data)
        self.data = Dataset(model=MODEL, version=sha256(data.read_bytes()), uri=str(data))
        self.isolate(Isolation())
        for name in ("approvers/ada.token", "ledger.db", self.other):
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text("s3cret")
        self.jobs.submit_preparation(PREPARED, self.data, "Y", {})
        self._end(PREPARED)

    def isolate(self, isolation: Isolation) -> None:
        """Run later submissions with this isolation, as mlops.toml would set it."""
        containment = Containment(state=self.state, root=ROOT, isolation=isolation, chosen=None)
        topic = ("", "topic-s3cret")
        self.jobs = LocalJobs(
            *(self.state, ROOT, self.processes, PROJECTS, topic, self._bundles),
            *(self._reference, containment, shared_forks()),
        )

    def files(self) -> dict[str, bytes]:
        found = (path for path in (self.state / "runs").rglob("*") if path.is_file())
        return {str(path.relative_to(self.state)): path.read_bytes() for path in found}

    def foreign(self) -> list[str]:
        own = (self.other, f"runs/{self.run}/result.json")
        paths = [self.state / name for name in own]
        paths += [ROOT / "training" / "written.py", Path("/written")]
        return [f"pathlib.Path({str(path)!r})" for path in paths]

    def close(self) -> None:
        for path in (self.state / "processes").glob("*.lock"):
            self.processes.stop(path.stem)

    def _train(self, run_id: str, code: str) -> bytes:
        version = self.jobs.publish(MODEL, self._bundles.store(archive(trainer=code), COMMIT))
        self.jobs.submit(run_id, self.data, PREPARED, version, {})
        self._end(run_id)
        return (self.state / "runs" / run_id / "model" / "answers.json").read_bytes()

    def _end(self, run_id: str) -> None:
        until(lambda: self.jobs.get(run_id).status.ended, f"{run_id} to end", 200)
        log = self.state / "runs" / run_id / "run.log"
        assert self.jobs.get(run_id).status is RunStatus.COMPLETED, log.read_text()


class CloudMachine(Machine):
    """The runs of the Azure adapters, on nodes that have the inputs of their jobs."""

    def __init__(self, azure: Azure) -> None:
        super().__init__()
        self.azure = replace(azure, projects=PROJECTS)
        self.jobs = self.azure.jobs()
        self.compute = Compute(azure.ml, azure.blobs)
        rows = sample_rows().read_bytes()
        self.data = dataset(azure, rows)
        azure.wrote(self.other, b"s3cret")
        self.jobs.submit_preparation(PREPARED, self.data, "Y", {})
        self._end(PREPARED)

    def files(self) -> dict[str, bytes]:
        written = (self.azure.blobs.containers[name] for name in (VERSIONS, RUNS, EVALUATIONS))
        return {
            n: content for blobs in written for n, content in blobs.items() if n.startswith("runs/")
        }

    def foreign(self) -> list[str]:
        # Files that would be beside the output of a run on its node, as in the container of versions.
        return [f'out.parent / "{name}"' for name in (self.other, "evaluation/evaluation.json")]

    def _train(self, run_id: str, code: str) -> bytes:
        bundle = self.azure.bundles().store(archive(trainer=code), COMMIT)
        version = self.jobs.publish(MODEL, bundle)
        self.jobs.submit(run_id, self.data, PREPARED, version, {})
        self._end(run_id)
        return self.files()[f"runs/{run_id}/model/answers.json"]

    def _end(self, run_id: str) -> None:
        log = self.compute.run(run_id)
        assert self.jobs.get(run_id).status is RunStatus.COMPLETED, log


def dataset(azure: Azure, rows: bytes) -> Dataset:
    """Let a file be a version of the hostile model's data."""
    version = sha256(rows)
    azure.wrote(f"datasets/{version}.csv", rows)
    uri = f"{azure.blobs.url}/{VERSIONS}/datasets/{version}.csv"
    return Dataset(model=MODEL, version=version, uri=uri)
