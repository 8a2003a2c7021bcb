"""The whole app in a real host, with a state folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from funchost.commands import warnings
from function_app.settings.settings import read_projects
from mlopsctl.reach.client import Api
from mlopsctl.reach.local_host import LocalHost, ensure_platform
from tests.api_document import check_response
from tests.funchost.conftest import until
from tests.made_once import prepared
from tests.patience import PATIENCE
from tests.sample_project import SAMPLE, sample_projects, sample_text

ROOT = Path(__file__).parents[2]
# A machine that is busy or stalls answers slowly; the limit of latency has tests of its own.
PATIENT_RELEASE = ("max_p95_ms = 500.0", "max_p95_ms = 60000.0")
# Five more trainings would take seconds of CPU in each story; test_demo.py runs the sample with them.
ONE_TRAINING = ("folds = 5", "folds = 1")
DIABETES = sample_text().replace(*PATIENT_RELEASE).replace(*ONE_TRAINING)


def project(name: str, **change: str) -> str:
    """Return the table of the diabetes project under another name, with other values."""
    text = DIABETES.replace("models.diabetes", f"models.{name}").replace("diabetes/", f"{name}/")
    for key, value in change.items():
        lines = [f"{key} = {value}" if x.startswith(f"{key} =") else x for x in text.splitlines()]
        text = "\n".join(lines)
    return text


SECRET = "a secret of the build server"
TOPIC = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventGrid/topics/t"
PROJECTS = "\n".join(
    [
        DIABETES,
        project("crashing", training='"tests.stories.projects.crashing"'),
        project("slow", training='"tests.stories.projects.slow"', timeout_seconds="6"),
        # Each replica takes two seconds of CPU to start; `diabetes` has two of them.
        project("eager", margin="-0.5", replicas="1"),
        project("held", margin="-0.5", replicas="1", training='"tests.stories.projects.held"'),
        project("sick", scoring='"tests/stories/projects/sick_scoring"'),
    ]
)


@pytest.fixture(scope="module", autouse=True)
def no_engine() -> Iterator[None]:
    """Keep to processes: each state folder would take over the base image, half a gigabyte.

    By module, because a worker runs the tests of containers after a file of stories.
    """
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("MLOPS_ENGINE", "")
        yield


class App:
    """Starts, kills and asks the app, and drops data into its inbox."""

    def __init__(self, state: Path, root: Path = ROOT) -> None:
        self.state, self.root, self._holds = state, root, state.parent / "holds"
        state.mkdir(parents=True, exist_ok=True)
        shutil.copy(prepared() / "mlflow.db", state)
        sample = sample_projects()[SAMPLE].data.columns
        projects = read_projects(Path(os.environ["MLOPS_PROJECTS"]), root)
        for model, rules in projects.items():
            kept = state / "datasets" / model / "baseline.csv"
            # A model of other columns gets its own sample from the app.
            if not kept.exists() and rules.data.columns == sample:
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(prepared() / "datasets" / "diabetes" / "baseline.csv", kept)
        self.start()

    def start(self) -> None:
        self.host = LocalHost(self.root, self.state, 0)
        self.host.start()
        self.api = Api(self.host.url, self.state)
        self.api._http.event_hooks["response"].append(check_response)
        ensure_platform(self.api)

    def kill(self) -> None:
        assert self.host.process is not None
        self.host.process.send_signal(signal.SIGKILL)
        self.host.process.wait()
        self.api.close()

    def stop(self) -> None:
        self.api.close()
        self.host.stop()
        self.check_warnings()
        self.check_histories()

    def check_histories(self) -> None:
        """Replay everything that the app did; AssertionError when the code leaves a history."""
        command = [sys.executable, "-m", "funchost", "check", "--app", str(self.root)]
        done = subprocess.run(
            [*command, "--state", str(self.state / "funchost")],
            cwd=self.root,
            env={**os.environ, "MLOPS_STATE": str(self.state), "MLOPS_PLATFORM": "local"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def check_warnings(self) -> None:
        """Check that no story met a trap of Azure, such as a timer that it left open."""
        assert warnings(self.state / "funchost") == []

    def drop(self, name: str, content: str) -> None:
        path = self.state / "inbox" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def hold(self, doing: str) -> None:
        """Let runs of the model `held` wait when they begin to do this: train or predict."""
        (self._holds / "held").write_text(doing)

    def let_go(self) -> None:
        """Let the runs that are held go on."""
        (self._holds / "held").unlink()

    def claimed(self, name: str) -> str:
        """Return the story that an event about this file started."""
        found: list[str] = []

        def is_claimed() -> bool:
            claims = self.api.get("/api/status")["claims"]
            found.extend(c["owner"] for c in claims if c["subject"].endswith(f"/data/{name}"))
            return bool(found)

        until(is_claimed, f"a claim for {name}", 60)
        return found[0]

    def claimed_by(self, kind: str, content: str) -> str:
        """Return the story that an event of this type with this content started."""
        found: list[str] = []

        def is_claimed() -> bool:
            claims = self.api.get("/api/status")["claims"]
            found.extend(
                c["owner"] for c in claims if c["type"].endswith(kind) and c["content"] == content
            )
            return bool(found)

        until(is_claimed, f"a claim of {content}", 120)
        return found[0]

    def ended(self, instance_id: str, seconds: float = 150) -> dict[str, Any]:
        until(lambda: (self.find(instance_id) or {}).get("ended"), f"{instance_id} to end", seconds)
        return self.find(instance_id) or {}

    def at_step(self, instance_id: str, step: str) -> None:
        def is_at_step() -> bool:
            found = self.find(instance_id) or {}
            is_there = bool((found.get("step") or {}).get("step") == step)
            assert is_there or not found.get("ended"), found
            return is_there

        until(is_at_step, f"{instance_id} to be at {step}", 120)

    def started(self) -> list[str]:
        """Return the stories except those that timers start."""
        stories = self.api.get("/api/status")["stories"]
        by_clock = ("reconcile", "watch_production")
        return sorted(s["instance_id"] for s in stories if s["story"] not in by_clock)

    def find(self, instance_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.api.find(f"/api/status/{instance_id}")
        return found

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = httpx.request(method, self.host.url + path, **options)
        check_response(answer)
        return answer


@pytest.fixture(scope="session")
def diabetes() -> str:
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True).frame.rename(columns={"target": "Y"})
    return str(frame.to_csv(index=False))


def make_app(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more_projects: str = ""
) -> Iterator[App]:
    (folder / "holds").mkdir()
    runs = f'\n[runs]\nreadable = ["{folder / "holds"}"]\n'
    (folder / "mlops.toml").write_text(PROJECTS + more_projects + runs)
    monkeypatch.setenv("MLOPS_PROJECTS", str(folder / "mlops.toml"))
    monkeypatch.setenv("MLOPS_WEBHOOK_SECRET_BUILD_SERVER", SECRET)
    monkeypatch.setenv("MLOPS_WEBHOOK_SECRET_AZURE_DEVOPS", SECRET)
    monkeypatch.setenv("MLOPS_TOPICS", f"{TOPIC} eventgrid.azure.net")
    monkeypatch.setenv("FUNCHOST_EVENTGRID_RETRY_SCALE", "0.05")
    app = App(folder / "state")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from make_app(tmp_path_factory.mktemp("app"), monkeypatch)


@pytest.fixture
def fresh_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    yield from make_app(tmp_path, monkeypatch)
