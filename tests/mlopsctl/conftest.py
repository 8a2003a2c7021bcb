"""`mlopsctl up` as a real process, on a state folder of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.reach.state_folder import running_host
from tests.funchost.conftest import until
from tests.mlopsctl import invocation
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


class Up:
    """A running `mlopsctl up` and its output; it leads a process group, as in a terminal."""

    COMMAND: tuple[str, ...] = (sys.executable, "-m", "mlopsctl", "up", "--json")

    def __init__(self, state: Path, *options: str) -> None:
        environ = {**os.environ, "MLOPS_STATE": str(state), "MLOPS_URL": "", "MLOPS_ENGINE": ""}
        self.state = state
        self.process = subprocess.Popen(
            [*self.COMMAND, *options],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def announced(self) -> dict[str, Any]:
        """Return its output once the app runs."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        content: dict[str, Any] = json.loads(line)
        return content

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal sends SIGINT to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int, str]:
        """Return its exit code and its stderr."""
        said = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, said

    def kill_host(self) -> None:
        """End the host with SIGKILL and wait until it is gone."""
        found = running_host(self.state)
        assert found is not None
        os.kill(found["pid"], signal.SIGKILL)
        until(lambda: running_host(self.state) is None, "the host to be gone")


class MakeUp(Up):
    """`make up`, as the README has it: make and `mlopsctl up` are one process group."""

    COMMAND = ("make", "--silent", "--no-print-directory", "up")

    def announced(self) -> dict[str, Any]:
        """Return the address of the app, once `make up` prints that it runs."""
        assert self.process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = self.process.stdout.readline()
            assert line, said + self.process.communicate()[1]
            said += line
        found = running_host(self.state)
        assert found is not None
        return found


@pytest.fixture
def start_up() -> Iterator[Callable[..., Up]]:
    """Start `mlopsctl up`; every process on its state is stopped at the end."""
    started: list[Up] = []

    def start(state: Path, *options: str) -> Up:
        started.append(Up(state, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
    for state in {one.state for one in started}:
        invocation.run("down", "--state", str(state), environ={})
