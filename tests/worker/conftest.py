"""The app with the shipped settings, below Microsoft's worker library, with Azurite as storage."""

import json
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

from mlopsctl.reach.client import Api
from mlopsctl.reach.state_folder import stop_processes
from tests.azure_servers.azurite import development_storage
from tests.funchost.conftest import until
from tests.npm import NotInstalledError
from tests.patience import PATIENCE
from tests.sample_project import sample_text

ROOT = Path(__file__).parents[2]
# The files and folders of a clone that `func start` uses.
PARTS = (
    "configuration",
    "function_app",
    "training",
    "scoring",
    "checks",
    "platform_jobs",
    "sandbox",
)
FILES = ("function_app.py", "host.json", "local.settings.json")


class WorkerApp:
    """The app in a folder of its own; its state is where the shipped settings have it."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self._python = folder / "app", python
        self._host_state = folder / "host"
        self._host_state.mkdir(parents=True)
        self.state = self.folder / ".mlops"
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, self.folder / part, ignore=ignored)
        for file in FILES:
            shutil.copy(ROOT / file, self.folder / file)
        (self.folder / "mlops.toml").write_text(sample_text(), encoding="utf-8")
        self._log = folder / "host.log"

    def start(self) -> None:
        arguments = [str(self.folder), str(self._host_state), self._python]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.worker.host", *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        ready = self._host_state / "host.json"
        until(lambda: ready.exists() or self._process.poll() is not None, "the host to listen", 120)
        assert self._process.poll() is None, self.log()[-3000:]
        self.url = str(json.loads(ready.read_text())["url"])
        self.api = Api(self.url, self.state)

    def log(self) -> str:
        """Return the output of host and worker."""
        return self._log.read_text(errors="replace")

    def fire_timers(self) -> None:
        self._process.send_signal(signal.SIGUSR1)

    def post(self, path: str, content: bytes | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.api.token('ada')}"}
        return httpx.post(self.url + path, content=content, headers=headers)

    def find(self, instance_id: str) -> dict[str, Any]:
        return self.api.find(f"/api/status/{instance_id}") or {}

    def ended(self, instance_id: str) -> dict[str, Any]:
        until(lambda: self.find(instance_id).get("ended"), f"{instance_id} to end", 300)
        return self.find(instance_id)

    def stop(self) -> None:
        self.api.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
        stop_processes(self.state)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerApp]:
    python = os.environ.get("MLOPS_WORKER_PYTHON", "")
    if not python or not Path(python).exists():
        pytest.skip(
            "`make test-worker` runs this where Python 3.13 and azure-functions-runtime are"
        )
    folder = tmp_path_factory.mktemp("worker")
    try:
        with development_storage(folder / "azurite"):
            made = WorkerApp(folder, str(Path(python).absolute()))
            made.start()
            yield made
            made.stop()
    except NotInstalledError as reason:
        pytest.skip(str(reason))
