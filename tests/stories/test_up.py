"""Runs that end with the app: by way of `mlopsctl up`, as a person starts and stops it."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.reach.client import Api
from mlopsctl.reach.state_folder import running_host
from tests.funchost.conftest import until
from tests.long_stories import long_story
from tests.made_once import prepared
from tests.mlopsctl.conftest import MakeUp, Up, start_up
from tests.processes import read_each
from tests.stories.conftest import DIABETES, project

__all__ = ["start_up"]
StartUp = Callable[..., Up]


class Held:
    """An app of one model whose runs a test can hold, started by `mlopsctl up`."""

    def __init__(self, folder: Path, start: StartUp, monkeypatch: pytest.MonkeyPatch) -> None:
        held = project("held", training='"tests.stories.projects.held"')
        self.holds = folder / "holds"
        self.holds.mkdir()
        runs = f'[runs]\nreadable = ["{self.holds}"]\n'
        (folder / "mlops.toml").write_text(f"{DIABETES}\n{held}\n{runs}")
        monkeypatch.setenv("MLOPS_PROJECTS", str(folder / "mlops.toml"))
        self.state, self._start = folder / "state", start
        self.state.mkdir()
        shutil.copy(prepared() / "mlflow.db", self.state)
        for model in ("diabetes", "held"):
            kept = self.state / "datasets" / model / "baseline.csv"
            kept.parent.mkdir(parents=True)
            shutil.copy(prepared() / "datasets" / "diabetes" / "baseline.csv", kept)
        self._listen(start(self.state))

    def start(self) -> None:
        self.api.close()
        self._listen(self._start(self.state))

    def drop(self, content: str) -> str:
        """Drop data and return the story that it started."""
        path = self.state / "inbox" / "data" / "held" / "data.csv"
        path.write_text(content)
        owners: list[str] = []

        def is_claimed() -> bool:
            claims = self.api.get("/api/status")["claims"]
            owners.extend(c["owner"] for c in claims if c["subject"].endswith("/held/data.csv"))
            return bool(owners)

        until(is_claimed, "a claim", 100)
        return owners[0]

    def hold(self, doing: str) -> None:
        (self.holds / "held").write_text(doing)

    def held(self, doing: str) -> str:
        """Return the run that waits with this."""
        line = f"{doing} is held"

        def waiting() -> list[Path]:
            logs = self.state.glob("runs/*/run.log")
            return [log for log in logs if line in log.read_text()]

        until(lambda: bool(waiting()), f"a run that is held: {doing}", 100)
        return waiting()[0].parent.name

    def start_by_make(self) -> None:
        """Start the app again by `make up`."""
        self.api.close()
        self._listen(MakeUp(self.state))

    def _listen(self, up: Up) -> None:
        self.up = up
        self.api = Api(up.announced()["url"], self.state)

    def kill(self, run_id: str) -> None:
        """End `mlopsctl up`, the host and the run, as a machine does that loses its power."""
        self.up.process.kill()
        self.up.kill_host()
        self.up.ended()
        group = int((self.state / "processes" / f"run-{run_id}.pid").read_text())
        os.killpg(group, signal.SIGKILL)

    def ended(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.api.find(f"/api/status/{instance}") or {})
            return bool(found.get("ended"))

        until(has_ended, f"{instance} to end", 200)
        return found


@pytest.fixture
def app(tmp_path: Path, start_up: StartUp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    started = Held(tmp_path, start_up, monkeypatch)
    yield started
    started.api.close()


def test_runs_that_end_with_the_app_are_submitted_again_at_its_next_start(
    app: Held, diabetes: str
) -> None:
    app.hold("train")
    training = app.drop(diabetes)
    run_id = app.held("train")

    # Ctrl-C in the training.
    app.up.process.send_signal(signal.SIGINT)
    assert app.up.ended()[0] == 0
    assert running_host(app.state) is None
    app.hold("predict")
    app.start()

    # The power is lost in the evaluation.
    app.kill(app.held("predict"))
    (app.holds / "held").unlink()
    app.start()

    result = app.ended(training)["output"]
    assert (result["outcome"], result["run_id"], result["version"]) == ("registered", run_id, "1")
    log = (app.state / "runs" / run_id / "run.log").read_text()
    assert "train is held" in log
    claims = app.api.get("/api/status")["claims"]
    assert [c["owner"] for c in claims if c["subject"].endswith("/held/data.csv")] == [training]


def test_a_training_goes_on_when_the_host_or_up_itself_is_killed(app: Held, diabetes: str) -> None:
    app.hold("train")
    training = app.drop(diabetes)
    run_id = app.held("train")

    app.up.kill_host()
    assert app.up.ended()[0] == 1
    app.start()
    app.up.process.kill()
    assert app.up.ended()[0] == -signal.SIGKILL
    (app.holds / "held").unlink()

    # The host outlives `up`, so the same address still answers.
    assert app.ended(training)["output"]["outcome"] == "registered"
    log = (app.state / "runs" / run_id / "run.log").read_text()
    assert log.count("train is held") == 1


@pytest.mark.parametrize("end", ["Ctrl-C", pytest.param("loss of power", marks=long_story)])
def test_make_up_that_ends_while_the_training_command_runs_trains_again_under_the_same_id(
    app: Held, diabetes: str, end: str
) -> None:
    app.up.interrupt()
    assert app.up.ended()[0] == 0
    app.start_by_make()
    app.hold("train")
    training = app.drop(diabetes)
    run_id = app.held("train")

    if end == "Ctrl-C":
        app.up.interrupt()
        app.up.ended()
    else:
        app.kill(run_id)
    assert running_host(app.state) is None
    until(lambda: not group_of(app.state, run_id), "the training command to end, too")
    (app.holds / "held").unlink()
    app.start()

    result = app.ended(training)["output"]
    assert (result["outcome"], result["run_id"], result["version"]) == ("registered", run_id, "1")
    assert result["reasons"], "the verdict says why the model is good enough"
    run = app.api.get(f"/api/runs/{run_id}")
    assert (run["status"], run["detail"]) == ("completed", "")


def group_of(state: Path, run_id: str) -> list[int]:
    """Return the processes of a run's group that live."""
    group = (state / "processes" / f"run-{run_id}.pid").read_text().strip()
    members = []
    for process, stat in read_each("stat"):
        fields = stat.decode(errors="replace").rpartition(")")[2].split()
        if fields[2] == group and fields[0] != "Z":
            members.append(process)
    return members
