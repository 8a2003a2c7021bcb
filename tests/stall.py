"""Runs pytest on a machine that stalls: finds tests whose outcome depends on seconds.

    python -m tests.stall tests/attacks/test_borders.py

At random moments all processes of the run, or only those that the tests started, stand still for
three to six seconds. A test that fails here and passes alone takes a time-out for a result.
"""

import contextlib
import random
import subprocess
import sys
import time

import psutil

PAUSES, STALLS = (1.0, 6.0), (3.0, 6.0)  # seconds


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return the children of a process, their children, and so on."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def stall(run: psutil.Process, seconds: float, *, whole: bool) -> None:
    """Stop the children of a run, and with `whole` the run itself, for so many seconds."""
    stopped: list[psutil.Process] = []
    # A process may start another one before it is stopped: stop until there is no new one.
    while new := [
        one for one in [*([run] if whole else []), *descendants(run)] if one not in stopped
    ]:
        for one in new:
            stopped.append(one)
            with contextlib.suppress(psutil.NoSuchProcess):
                one.suspend()
    time.sleep(seconds)
    for one in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.resume()


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments and return its exit code."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command) as process:
        run, chance = psutil.Process(process.pid), random.Random()
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(*PAUSES))
                break
            stall(run, chance.uniform(*STALLS), whole=chance.random() < 0.5)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
