"""The floor of HTTP and two commits, in a process of its own, asked by the same polling client."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import CROWD, folder, run
from benchmarks.polling import PollingClient


class HttpFloor(PollingClient):
    """Starts `benchmarks.floor_server` and polls it."""

    skips: tuple[str, ...] = (CROWD,)  # one connection at a time

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.floor_server", str(path)]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True)
        assert self._process.stdout is not None
        super().__init__(int(self._process.stdout.readline()), "")

    def close(self) -> None:
        super().close()
        self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    run(HttpFloor(folder()))
