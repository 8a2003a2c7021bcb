"""Runs tests against mutants of one file: a server that forks a prepared process for each mutant.

It runs in a copy of the tree. The process has the libraries of the tests imported, which takes
seconds, and none of the app's modules, so that each fork imports the mutated file.
"""

import ast
import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import hypothesis

LIBRARIES = (
    *("pytest", "hypothesis", "hypothesis.strategies", "_hypothesis_pytestplugin", "numpy"),
    *("pytest_timeout", "hypothesis.internal.conjecture.engine", "hypothesis.extra", "uuid"),
)
SAID = Path("pytest-output.txt")
_OPTIONS = (
    *("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--hypothesis-seed=0"),
    # Only these plugins, and no conftest.py: what it starts takes more time than the tests.
    *("-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout", "--noconftest"),
    # Libraries that are imported already, whose asserts pytest cannot rewrite.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
# Address space of a mutant: a loop that only appends ends with MemoryError.
_MEMORY = 8 * 2**30
# A mutant may wait for something that never comes, which uses no CPU.
_WALL = 300.0
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "time limit"


def serve(path: Path, tests: Sequence[str]) -> None:
    """Answer each line of stdin, a JSON text of a file's content, with a line of JSON on stdout.

    The first content is the file without a fault: the CPU seconds of its tests set the limit of the
    others. An answer has `outcome`, `seconds` of CPU, and the end of pytest's output.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in LIBRARIES:
        importlib.import_module(name)
    hypothesis.settings.register_profile("mutants", deadline=None, database=None)
    hypothesis.settings.load_profile("mutants")
    for name in _imports(path):
        importlib.import_module(name)
    gc.freeze()
    limit = 600.0
    for number, line in enumerate(sys.stdin):
        _write(path, json.loads(line), number)
        status, used = _run(tests, limit)
        said = SAID.read_text(encoding="utf-8", errors="replace")[-2000:]
        if not number:
            limit = 5 + 10 * used
        print(json.dumps({"outcome": _outcome(status), "seconds": used, "said": said}), flush=True)


def _imports(path: Path) -> set[str]:
    """Return the modules that a file of the tree imports: none of them imports the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return {name for name in named if Path(*name.split(".")).with_suffix(".py").is_file()}


def _write(path: Path, content: str, number: int) -> None:
    path.write_text(content, encoding="utf-8")
    # Python compiles a file again when its time in seconds or its size has changed.
    moment = time.time() + number
    os.utime(path, (moment, moment))


def _run(tests: Sequence[str], limit: float) -> tuple[int, float]:
    """Return the wait status of a fork that ran the tests, and its seconds of CPU."""
    child = os.fork()
    if not child:
        _test(tests, limit)
    end = time.monotonic() + _WALL + limit
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        # Processes that the tests started and left.
        os.killpg(child, signal.SIGKILL)
    return status, usage.ru_utime + usage.ru_stime


def _test(tests: Sequence[str], limit: float) -> None:
    os.setsid()
    seconds = int(limit) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    said = os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    status = 3
    try:
        import pytest

        status = int(pytest.main([*_OPTIONS, *tests]))
        sys.stdout.flush()
    finally:
        os._exit(status)


def _outcome(status: int) -> str:
    """Return the outcome of a wait status; an error of pytest itself is none of the three."""
    if os.WIFSIGNALED(status):
        return TIMED_OUT
    code = os.WEXITSTATUS(status)
    # 2: a test module could not be imported.
    return {0: SURVIVED, 1: KILLED, 2: KILLED}.get(code, f"pytest ended with {code}")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2:])
