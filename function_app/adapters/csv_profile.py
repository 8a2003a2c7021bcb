"""Figures of a CSV that is in memory, computed by a process of the platform's jobs."""

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


def profile_csv(content: bytes) -> DataProfile:
    """Return the figures of a file, which a process of the platform's jobs computes.

    Raises ContractError, which names the cause, when the file holds no table.
    """
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="profile-") as private:
        data, figures = Path(private, "data.csv"), Path(private, "profile.json")
        data.write_bytes(content)
        command = [sys.executable, "-m", "platform_jobs", "profile"]
        ended = subprocess.run(
            [*command, "--data", str(data), "--out", str(figures)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        last = (ended.stderr.strip().splitlines() or ["It printed nothing."])[-1]
        if ended.returncode == _REFUSED:
            raise ContractError(last.removeprefix("platform_jobs: "))
        if ended.returncode:
            raise PlatformError("local", "profile the data", last)
        return load(DataProfile, json.loads(figures.read_text(encoding="utf-8")))
