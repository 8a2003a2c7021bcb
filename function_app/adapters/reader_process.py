"""Runs a process of the platform's jobs that reads a file which anybody may have sent.

The process limits its own memory and CPU time, and knows none of the app's settings and secrets.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from function_app.errors import ContractError, PlatformError

# The exit status of a job that refuses its input.
_REFUSED = 2
# The job limits its own memory and CPU time; this ends one that waits.
TIMEOUT = 300.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


def read_apart(words: Sequence[str], name: Path, file: IO[bytes] | None = None) -> None:
    """Run `python -m platform_jobs WORDS`, which may read an open file as its standard input.

    `name` names the file in texts. ContractError with the reason when the job refuses it, or when
    reading takes longer than TIMEOUT seconds; PlatformError when the job itself fails.
    """
    environ = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "platform_jobs", *words],
            cwd=Path(__file__).parents[2],
            env={**environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL if file is None else file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        text = f"{name.name} takes longer than {TIMEOUT:g} seconds to read. Split it."
        raise ContractError(text) from None
    last = (ended.stderr.strip().splitlines() or ["It printed nothing."])[-1][:1000]
    if ended.returncode == _REFUSED:
        raise ContractError(last.removeprefix("platform_jobs: "))
    if ended.returncode:
        raise PlatformError("app", f"run platform_jobs {words[0]}", last)
