"""Runs a short job of the platform and waits for it."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.environ import plain_environ
from function_app.errors import PlatformError
from sandbox.forkserver import Forked, SharedForks

TIMEOUT = 120.0
_END_SECONDS = 5.0  # for the output of a command that was killed


def run_job(
    containment: Containment, words: Sequence[str], out: Path, forks: Path | None = None
) -> None:
    """Run `python -m platform_jobs WORDS`, which writes into `out`; PlatformError when it fails.

    `forks` is the socket of a fork server that has imported the libraries; where none listens, the
    job imports its own.
    """
    operation, root = f"run platform_jobs {words[0]}", containment.root
    containment.check(operation)
    access = containment.training([], out)
    command = containment.wrap([sys.executable, "-m", "platform_jobs", *words], root, access)
    forked = SharedForks(forks).start(command) if forks else None
    try:
        code, text = _finish(forked) if forked else _run(command, root)
    except subprocess.TimeoutExpired:
        text = f"It ran longer than {TIMEOUT:g} seconds. Make the sample smaller."
        raise PlatformError("local", operation, text) from None
    if code:
        lines = text.strip().splitlines() or ["It wrote nothing."]
        raise PlatformError("local", operation, lines[-1][-300:])


def _run(command: Sequence[str], root: Path) -> tuple[int, str]:
    """Return the exit code and the errors of a command."""
    ended = subprocess.run(
        command,
        cwd=root,
        env=plain_environ(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return ended.returncode, ended.stderr


def _finish(forked: Forked) -> tuple[int, str]:
    """Return the exit code and the output of a fork; kill it when its time is over."""
    output, pieces = forked.stdout, list[bytes]()
    assert output is not None
    reader = threading.Thread(target=lambda: pieces.append(output.read()), daemon=True)
    reader.start()
    try:
        code = forked.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        forked.kill()
        forked.wait()
        raise
    finally:
        # Without a sandbox a process that the command left behind may hold the pipe open.
        reader.join(_END_SECONDS)
        if not reader.is_alive():
            output.close()
    return code, b"".join(pieces).decode(errors="replace")
