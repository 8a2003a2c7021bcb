"""Runs pytest on a machine that stalls: finds tests whose outcome depends on seconds (Linux).

    python -m tests.stall tests/attacks/test_borders.py

At random moments all processes of the run, or only those that the tests started, stand still for
three to six seconds. A test that fails here and passes alone takes a time-out for a result.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.processes import read_each

PAUSES, STALLS = (1.0, 6.0), (3.0, 6.0)  # seconds


def children() -> dict[int, list[int]]:
    """Return the ids of the processes that each process of this machine started."""
    found: dict[int, list[int]] = {}
    for process, stat in read_each("stat"):
        parent = stat.decode(errors="replace").rpartition(")")[2].split()[1]
        found.setdefault(int(parent), []).append(process)
    return found


def descendants(process: int) -> Iterator[int]:
    """Yield the processes that this one started, theirs, and so on."""
    known, open_ones = children(), [process]
    while open_ones:
        below = known.get(open_ones.pop(), [])
        open_ones += below
        yield from below


def stall(run: int, seconds: float, *, whole: bool) -> None:
    """Stop the descendants of a run, and with `whole` the run itself, for so many seconds."""
    stopped: list[int] = []
    # A process may start another one before it is stopped: stop until there is no new one.
    while new := ({run} if whole else set()).union(descendants(run)).difference(stopped):
        for process in new:
            send(process, signal.SIGSTOP)
        stopped += new
    time.sleep(seconds)
    for process in stopped:
        send(process, signal.SIGCONT)


def send(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments and return its exit code."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    chance = random.Random()
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(*PAUSES))
                break
            stall(process.pid, chance.uniform(*STALLS), whole=chance.random() < 0.5)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
