"""Figures of a CSV, and the reference data that a model's own training code knows."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from function_app.codec import load
from function_app.domain.data_quality import DataProfile
from function_app.errors import ContractError, PlatformError

# The training module of the sample model, for models that no project names.
OWN = "training"
# The exit status of a job that refuses its input.
_REFUSED = 2


def again(model: str) -> str:
    """Return how a model is trained when a version of its data is gone."""
    return f"POST /api/models/{model}/train with a data_uri names the file to train on."


def write_sample(root: Path, training: str, path: Path, platform: str) -> None:
    """Let a training module of the app in `root` write its reference data."""
    command = [sys.executable, "-m", training, "sample", "--out", str(path)]
    # Azure's worker has the app's packages on its own path only, not in the environment.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        command, cwd=root, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    if ended.returncode or not path.exists():
        said = (ended.stderr.strip().splitlines() or ["It wrote nothing."])[-1][-200:]
        text = f"`python -m {training} sample` failed: {said} Mend it, or put the data in place."
        raise PlatformError(platform, "write the baseline dataset", text)


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
