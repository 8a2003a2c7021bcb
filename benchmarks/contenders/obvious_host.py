"""The obvious host in a process of its own, asked by the same polling client."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import folder, run
from benchmarks.polling import PollingClient


class ObviousHost(PollingClient):
    """Starts `benchmarks.obvious` and polls it."""

    skips: tuple[str, ...] = ("chain 1000",)  # quadratic: minutes

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.obvious", str(path)]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True)
        assert self._process.stdout is not None
        super().__init__(int(self._process.stdout.readline()), "")

    def close(self) -> None:
        super().close()
        self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    run(ObviousHost(folder()))
