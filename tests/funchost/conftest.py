"""A real host process over the app in apps/small."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlopsctl.reach.local_host import LISTENS
from tests.patience import PATIENCE
from tests.quiet_clock import QuietClock, ticking

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25  # seconds


class Host:
    """Starts, kills and asks one host."""

    def __init__(
        self, state: Path, app: Path = APPS / "small", *options: str, **environ: str
    ) -> None:
        self.state, self.app, self.options, self.environ = state, app, options, environ
        self.log = state / "small.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        state = self.state
        state.mkdir(parents=True, exist_ok=True)
        environ = {
            **os.environ,
            "SMALL_LOG": str(self.log),
            "PYTHONPATH": str(ROOT),
            "FUNCHOST_EVENTGRID_RETRY_SCALE": "0.02",
            **self.environ,
        }
        arguments = ["start", "--port", "0", "--app", str(self.app), "--state", str(state)]
        arguments += self.options
        log = state / "host.log"
        with log.open("ab") as output:
            begin = output.tell()
            self.process = process = subprocess.Popen(
                [sys.executable, "-m", "funchost", *arguments],
                env=environ,
                stdout=output,
                stderr=output,
            )

        def listens() -> bool:
            said = log.read_bytes()[begin:].decode(errors="replace")
            if found := LISTENS.search(said):
                self.url = found[1]
            assert found or process.poll() is None, f"the host ended: {said}"
            return bool(found)

        until(listens, f"the host to listen: {log}")

    def is_up(self) -> bool:
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def post(self, path: str, content: Any = None) -> httpx.Response:
        return httpx.post(self.url + path, json=content)

    def begin(self, story: str, instance: str, value: Any = None) -> httpx.Response:
        return self.post(f"/api/start/{story}/{instance}", value)

    def status(self, instance: str) -> dict[str, Any]:
        answer = self.manage("GET", f"/instances/{instance}")
        return answer.json() if answer.content else {}

    def manage(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the Durable management API with its key."""
        url = f"{self.url}/runtime/webhooks/durabletask{path}"
        query = {"code": self.keys()["systemKey"], **options.pop("params", {})}
        return httpx.request(method, url, params=query, **options)

    def finished(self, instance: str) -> dict[str, Any]:
        ended = ("Completed", "Failed", "Terminated")
        until(lambda: self.status(instance).get("runtimeStatus") in ended, f"{instance} to end")
        return self.status(instance)

    def keys(self) -> dict[str, str]:
        return dict(json.loads((self.state / "host.json").read_text()))


def until(condition: Any, what: str, seconds: float = 60.0) -> None:
    """Return once the condition holds; AssertionError after so many seconds of a quiet machine.

    A condition is mostly a request to the host under test. The pauses grow, because workers that
    ask 30 times a second take the cores from the work that they wait for.
    """
    if condition():
        return
    pause = FIRST_PAUSE
    with ticking(QuietClock()) as clock:
        while not condition():
            assert clock.seconds() < seconds, f"waited {seconds} s of a quiet machine for {what}"
            time.sleep(pause)
            pause = min(1.2 * pause, LONGEST_PAUSE)


@pytest.fixture(scope="module", params=["never", "always"], ids=["resident", "replayed"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Both ways to run an orchestrator are held to one contract."""
    host = Host(tmp_path_factory.mktemp("host"), FUNCHOST_REPLAY=request.param)
    host.start()
    yield host
    host.stop()


@pytest.fixture
def fresh_host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "state", SMALL_SLOW="0.5")
    host.start()
    yield host
    host.stop()
