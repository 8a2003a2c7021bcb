"""Runs of this machine in MLflow: recorded once, with figures, tags and files."""

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.clock import SystemClock
from function_app.adapters.local.events import InboxEvents
from function_app.adapters.local.jobs.run_records import RunRecords
from function_app.adapters.local.jobs.run_state import write_cancel, write_result
from function_app.adapters.local.jobs.tracking import LocalTracking
from function_app.adapters.local.registry import LocalRegistry, digest_of_folder
from function_app.adapters.local.rows import LocalRows
from function_app.adapters.run_facts import RUN_ID
from function_app.domain.training import Judged, Run, RunStatus
from function_app.errors import PlatformError
from function_app.records.inbox.inbox import StoredInbox

ROOT = Path(__file__).parents[2]
RUN = Run(
    run_id="train-diabetes-a",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version="d" * 64,
    output_uri="",
    metrics={"mse": 2.5},
    tags={"instance_id": "train-diabetes-a"},
)


def runs(tracking: LocalTracking) -> list[Any]:
    client = tracking.client()
    experiment = client.get_experiment_by_name("diabetes")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_a_run_is_recorded_once_with_what_it_was_and_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / RUN.run_id
    folder.mkdir(parents=True)
    (folder / "run.log").write_text("trained\n")
    tracking = LocalTracking(tmp_path)

    first = tracking.record(RUN, RUN.metrics, folder)
    assert tracking.record(RUN, RUN.metrics, folder) == first

    [found] = runs(tracking)
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"mse": 2.5}
    assert found.data.params == {"model": "diabetes", "dataset_version": "d" * 64}
    assert found.data.tags[RUN_ID] == RUN.run_id
    assert found.data.tags["instance_id"] == RUN.run_id
    assert [file.path for file in tracking.client().list_artifacts(first)] == ["run.log"]


@dataclass
class Folders:
    """Runs whose folders a test makes, as their watchers do."""

    state: Path
    statuses: dict[str, RunStatus] = field(default_factory=dict)

    def read(self, run_id: str) -> Run:
        return replace(RUN, run_id=run_id, status=self.statuses[run_id])

    def begin(self, run_id: str) -> Path:
        self.statuses[run_id] = RunStatus.RUNNING
        folder = self.state / "runs" / run_id
        folder.mkdir(parents=True)
        return folder

    def end(self, run_id: str, status: RunStatus) -> None:
        self.statuses[run_id] = status
        write_result(self.state / "runs" / run_id, status, "")


def recorded(state: Path) -> dict[str, str]:
    return {run.data.tags[RUN_ID]: run.info.status for run in runs(LocalTracking(state))}


def test_the_host_records_each_run_once_when_it_has_ended(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    for name in ("done", "failed", "interrupted", "running"):
        folders.begin(name)
    folders.end("done", RunStatus.COMPLETED)
    folders.end("failed", RunStatus.FAILED)
    folders.end("interrupted", RunStatus.INTERRUPTED)
    records = RunRecords(tmp_path, folders.read)

    assert records.record_ended() == 2
    assert records.record_ended() == 0
    assert recorded(tmp_path) == {"done": "FINISHED", "failed": "FAILED"}

    # The interrupted run began again and ended; a person cancels the other one.
    folders.end("interrupted", RunStatus.COMPLETED)
    write_cancel(tmp_path / "runs" / "running", "wrong data")
    assert records.record_ended() == 1
    folders.statuses["running"] = RunStatus.TIMED_OUT
    assert records.record_ended() == 1
    # The next host reads the records of this host.
    assert RunRecords(tmp_path, folders.read).record_ended() == 0
    assert recorded(tmp_path) == {
        "done": "FINISHED",
        "failed": "FAILED",
        "interrupted": "FINISHED",
        "running": "KILLED",
    }


def test_a_run_that_cannot_be_recorded_holds_up_no_other_and_is_tried_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = Folders(tmp_path)
    for name in ("a", "b"):
        (folders.begin(name) / "run.log").write_text("trained\n")
        folders.end(name, RunStatus.COMPLETED)
    kept = tmp_path / "mlflow-artifacts"
    kept.mkdir()
    (kept / "blocked").write_text("a file where the folder of a model should be")

    def read(run_id: str) -> Run:
        return replace(folders.read(run_id), model="blocked" if run_id == "a" else "diabetes")

    records = RunRecords(tmp_path, read)
    assert [records.record_ended() for _ in range(2)] == [1, 0]
    assert recorded(tmp_path) == {"b": "FINISHED"}
    assert caplog.text.count("MLflow has no record of a") == 1

    (kept / "blocked").unlink()
    assert RunRecords(tmp_path, read).record_ended() == 1


@pytest.mark.parametrize("kind", ["link", "pipe", "link to a folder"])
def test_files_of_a_run_are_not_read_when_it_left_more_than_files(
    tmp_path: Path, kind: str
) -> None:
    folder, secret = tmp_path / "runs" / RUN.run_id, tmp_path / "secret"
    (folder / "model").mkdir(parents=True)
    secret.mkdir()
    (secret / "token").write_text("not for MLflow")
    left = folder / "model" / "weights"
    if kind == "pipe":
        os.mkfifo(left)
    else:
        left.symlink_to(secret if kind == "link to a folder" else secret / "token")
    tracking = LocalTracking(tmp_path)

    kept = tracking.record(RUN, RUN.metrics, folder)

    [found] = runs(tracking)
    assert found.info.status == "FINISHED"
    assert "model/weights is not a regular file" in found.data.tags["mlops.files"]
    assert list(tracking.client().list_artifacts(kept)) == []


def test_a_run_that_a_crash_left_half_recorded_is_completed(tmp_path: Path) -> None:
    tracking = LocalTracking(tmp_path)
    client = tracking.client()
    experiment = client.create_experiment("diabetes", artifact_location=tmp_path.as_uri())
    half = client.create_run(experiment, tags={RUN_ID: RUN.run_id})

    assert tracking.record(RUN, RUN.metrics, tmp_path / "none") == half.info.run_id

    [found] = runs(tracking)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"mse": 2.5})


def test_many_processes_may_be_the_first_to_use_the_database(tmp_path: Path) -> None:
    script = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from function_app.adapters.local.jobs.tracking import LocalTracking\n"
        "from tests.adapters.test_local_tracking import RUN\n"
        "run = replace(RUN, run_id=sys.argv[2])\n"
        "LocalTracking(Path(sys.argv[1])).record(run, {}, Path(sys.argv[1]) / 'none')\n"
    )
    begun = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), f"run-{n}"], cwd=ROOT)
        for n in range(2)
    ]

    assert [process.wait() for process in begun] == [0, 0]
    assert len(runs(LocalTracking(tmp_path))) == 2


def test_the_files_behind_the_evidence_are_artifacts_of_the_version_s_run(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path, InboxEvents(_inbox(tmp_path), SystemClock()))
    output, evaluation = tmp_path / "runs" / RUN.run_id / "model", tmp_path / "runs/e/evaluation"
    for folder in (output, evaluation):
        folder.mkdir(parents=True)
    (output / "model.skops").write_text("weights")
    judged = Judged(evaluation_id="e", digest=digest_of_folder(output), metrics={"mse": 2.5})
    version = registry.register(replace(RUN, output_uri=str(output)), judged)

    card = b"# Model card: diabetes, version 1\n"
    registry.attach(version, {"data-report.html": b"<p>442 rows</p>", "model-card.md": card})
    registry.attach(version, {"data-report.html": b"<p>other</p>", "data-report.json": b"{}"})
    registry.attach(version, {"model-card.md": b"# Another card\n"})

    client = LocalTracking(tmp_path).client()
    [tracked] = runs(LocalTracking(tmp_path))
    shown = client.get_model_version("diabetes", version.version)
    assert (shown.run_id, shown.description) == (tracked.info.run_id, card.decode())
    listed = [file.path for file in client.list_artifacts(tracked.info.run_id, "evidence")]
    names = ("data-report.html", "data-report.json", "model-card.md")
    assert listed == [f"evidence/{name}" for name in names]
    later = b"# Model card: diabetes, version 1, after another judging\n"
    registry.attach(version, {"model-card-vs-4.md": later})
    for name, text in (("model-card-vs-4.md", later), ("model-card.md", card), ("none.md", card)):
        registry.describe(version, name)
        shown = client.get_model_version("diabetes", version.version)
        assert shown.description == text.decode()
    for name, content in (("data-report.html", b"<p>442 rows</p>"), ("model-card.md", card)):
        artifact = client.download_artifacts(tracked.info.run_id, f"evidence/{name}")
        assert Path(artifact).read_bytes() == content


def _inbox(state: Path) -> StoredInbox:
    return StoredInbox(LocalRows(state / "inbox.db"))


def test_a_registry_that_was_deleted_while_the_app_ran_is_named_with_a_way_on(
    tmp_path: Path,
) -> None:
    registry = LocalRegistry(tmp_path, InboxEvents(_inbox(tmp_path), SystemClock()))
    registry.ensure()
    (tmp_path / "mlflow.db").unlink()

    with pytest.raises(PlatformError, match=r"mlflow\.db deleted or replaced.*start it again"):
        registry.register(RUN, Judged(evaluation_id="e", digest="d", metrics={}))
