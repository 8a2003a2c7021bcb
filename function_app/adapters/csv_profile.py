"""Figures of a CSV file, computed by a process of the platform's jobs."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from function_app.codec import load
from function_app.domain.data_quality import DataProfile
from function_app.errors import ContractError, PlatformError

# The exit status of a job that refuses its input.
_REFUSED = 2
# The job limits its own memory and CPU time; this ends one that waits.
TIMEOUT = 300.0


def profile_csv(data: Path | bytes) -> DataProfile:
    """Return the figures of a file, or of its content: a process of the platform's jobs has them.

    Raises ContractError, which names the cause, when the file holds no table.
    """
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="profile-") as private:
        if isinstance(data, bytes):
            content, data = data, Path(private, "data.csv")
            data.write_bytes(content)
        figures = Path(private, "profile.json")
        command = [sys.executable, "-m", "platform_jobs", "profile"]
        try:
            ended = subprocess.run(
                [*command, "--data", str(data.resolve()), "--out", str(figures)],
                cwd=root,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            text = f"{data.name} takes longer than {TIMEOUT:g} seconds to read. Split it."
            raise ContractError(text) from None
        last = (ended.stderr.strip().splitlines() or ["It printed nothing."])[-1]
        if ended.returncode == _REFUSED:
            raise ContractError(last.removeprefix("platform_jobs: "))
        if ended.returncode:
            raise PlatformError("local", "profile the data", last)
        return load(DataProfile, json.loads(figures.read_text(encoding="utf-8")))
