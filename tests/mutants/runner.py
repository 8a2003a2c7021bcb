"""Runs the mutants of one module in copies of the tree; the tree itself is never changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.subjects import ROOT
from tests.mutants.worker import SURVIVED

_LIMITS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MLOPS_ENGINE": ""}


class MutantsError(RuntimeError):
    """The tests fail without a fault, or pytest itself failed, so that nothing is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The outcome of the tests against one content of a file, and their seconds of CPU."""

    outcome: str
    seconds: float
    said: str

    @property
    def survived(self) -> bool:
        """True when no test failed."""
        return self.outcome == SURVIVED


def copy_tree(folder: Path) -> None:
    """Copy the files that git knows or would add into the folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def run_contents(
    module: str, tests: Sequence[str], contents: Sequence[str], folder: Path, workers: int = 1
) -> list[Trial]:
    """Return the trial of each content of the module's file, in order.

    `folder` receives one copy of the tree for each worker. MutantsError when the tests fail with
    the file as it is.
    """
    shares = [contents[number::workers] for number in range(workers)]

    def run(number: int) -> list[Trial]:
        copy = folder / f"worker-{number}"
        if not copy.exists():
            copy_tree(copy)
        return list(_run_share(copy, module, tests, shares[number]))

    trials: list[Trial | None] = [None] * len(contents)
    with ThreadPoolExecutor(workers) as pool:
        for number, found in enumerate(pool.map(run, range(workers))):
            trials[number::workers] = found
    return [trial for trial in trials if trial is not None]


def _run_share(
    copy: Path, module: str, tests: Sequence[str], contents: Sequence[str]
) -> Iterator[Trial]:
    original = (ROOT / module).read_text(encoding="utf-8")
    with _server(copy, module, tests) as server:
        whole = _ask(server, original)
        if not whole.survived:
            text = f"The tests of {module} fail without a fault ({whole.outcome}):\n{whole.said}"
            raise MutantsError(text)
        for content in contents:
            trial = _ask(server, content)
            if trial.outcome.startswith("pytest ended"):
                raise MutantsError(f"{module}: {trial.outcome}.\n{trial.said}")
            yield trial
    (copy / module).write_text(original, encoding="utf-8")


@contextmanager
def _server(copy: Path, module: str, tests: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.mutants.worker", module, *tests]
    environ = {**os.environ, **_LIMITS, "PYTHONPATH": str(copy)}
    server = subprocess.Popen(
        command, cwd=copy, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield server
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def _ask(server: "subprocess.Popen[str]", content: str) -> Trial:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(content) + "\n")
    server.stdin.flush()
    line = server.stdout.readline()
    if not line:
        raise MutantsError(f"The server of the tests ended with {server.wait()}.")
    return Trial(**json.loads(line))
