"""Runs a short job of the platform and waits for it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.environ import plain_environ
from function_app.errors import PlatformError

TIMEOUT = 120.0


def run_job(containment: Containment, words: Sequence[str], out: Path) -> None:
    """Run `python -m platform_jobs WORDS`, which writes into `out`; PlatformError when it fails."""
    operation, root = f"run platform_jobs {words[0]}", containment.root
    containment.check(operation)
    access = containment.training([], out)
    command = containment.wrap([sys.executable, "-m", "platform_jobs", *words], root, access)
    try:
        ended = subprocess.run(
            command,
            cwd=root,
            env=plain_environ(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        text = f"It ran longer than {TIMEOUT:g} seconds. Make the sample smaller."
        raise PlatformError("local", operation, text) from None
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or ["It wrote nothing."]
        raise PlatformError("local", operation, lines[-1][-300:])
