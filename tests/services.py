"""Scoring services of a state folder on this machine, and a machine on which they are slow."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from function_app.adapters.local.reach.processes import Processes
from tests.funchost.conftest import until

PAUSE = 0.05  # seconds; a service takes at least one before it answers


def services(state: Path) -> set[int]:
    """Return the scoring processes of this state folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            ours = Path(os.readlink(entry / "cwd")).is_relative_to(state)
        except OSError:
            continue
        # The shell that starts a service has the same words behind its own.
        service = words[0] == sys.executable.encode() and b"scoring" in words
        if entry.name.isdigit() and ours and service:
            found.add(int(entry.name))
    return found


@contextmanager
def slow(state: Path) -> Iterator[set[int]]:
    """Stop each new scoring process as soon as it is there, as a busy machine does."""
    before, stopped, over = services(state), set[int](), threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in services(state) - before - stopped:
                _send(process, signal.SIGSTOP)
                stopped.add(process)
            over.wait(PAUSE)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield stopped
    finally:
        over.set()
        watcher.join()
        for process in stopped:
            _send(process, signal.SIGCONT)


def end_production(state: Path, model: str = "diabetes") -> None:
    """End the server of production and all replicas, as a restart of the machine does."""
    processes = Processes(state / "processes")
    record = processes.find(f"production-{model}")
    assert record is not None
    os.killpg(record.pid, signal.SIGKILL)
    until(lambda: processes.find(f"production-{model}") is None, "the end of the group", 60)


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
