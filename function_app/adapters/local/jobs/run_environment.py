"""The record of a training's environment on this machine."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from function_app.adapters.archives import module_digest
from function_app.adapters.local.reach.environ import plain_environ
from function_app.adapters.local.reach.files import read_object, sha256
from function_app.domain.change.program import Program
from function_app.domain.lineage.environment import PINNED, RunEnvironment, read_environment

# The record lies in the run's folder, which the training itself does not see.
ENVIRONMENT = "environment.json"
_RECORDER, _LOCK = "platform_jobs/run_environment.py", "uv.lock"
_ROWS, _SECONDS = "rows.csv", 60.0


def run_environ() -> dict[str, str]:
    """Return the environment of the command of a run."""
    # Otherwise Python writes buffered output after the error, and the last line hides the error.
    return {**plain_environ(), **PINNED, "PYTHONUNBUFFERED": "1"}


def recorder_words(root: Path, seen: Path, program: Program, *, own: bool) -> list[str]:
    """Return the options of the recorder for a training with the packages of this app.

    `seen` is the folder with the training's rows. `own` says that the program is of the app's own
    code, else of a published version.
    """
    words = ["--rows", str(seen / _ROWS), "--command", program.text]
    words += ["--code", module_digest(root, program.module)] if own else []
    lock = root / _LOCK
    if lock.is_file():
        words += ["--lock", sha256(lock.read_bytes())]
    return [str(root / _RECORDER), *words]


class EnvironmentRecorder:
    """Records the environment of one run in a process beside it."""

    def __init__(self, folder: Path, words: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start to record; nothing is recorded without words."""
        self._process = None
        if words:
            # `-I`: no module of the recorder's folder hides one of the standard library.
            command = [sys.executable, "-I", *words, "--out", str(folder / ENVIRONMENT)]
            self._process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

    def finish(self) -> None:
        """Wait for the record; a run without one is still a run."""
        if self._process is None:
            return
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def recorded_environment(folder: Path) -> RunEnvironment | None:
    """Return the environment of the run with this folder; None when none was recorded."""
    return read_environment(read_object(folder / ENVIRONMENT))
