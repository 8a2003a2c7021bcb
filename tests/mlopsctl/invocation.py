"""Runs mlopsctl in a process forked from one that has imported it: 0.1 s of CPU instead of 0.7 s."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from mlopsctl.__main__ import main
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
# The process of the fork server has one thread, so that a fork copies no lock that is held.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", __name__])


def run(*words: str, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command in the root of the clone, without input, and return its code and output.

    The process has the variables of this one and those of `environ`.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "stdout"), Path(folder, "stderr")
        variables = {**os.environ, **environ}
        process = FORKS.Process(target=_command, args=(words, variables, *files))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        return subprocess.CompletedProcess(words, code, *(path.read_text() for path in files))


def run_apart(
    *words: str, environ: Mapping[str, str], terminal: IO[str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command in an interpreter of its own, at a terminal or without input."""
    return subprocess.run(
        [sys.executable, "-m", "mlopsctl", *words],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=terminal or subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _command(words: tuple[str, ...], environ: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    sys.argv = ["mlopsctl", *words]
    sys.exit(main())
