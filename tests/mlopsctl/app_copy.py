"""A copy of the app without its tests and documents, as a clone that a person works in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = (
    *("configuration", "function_app", "funchost", "training", "scoring", "checks"),
    *("platform_jobs", "sandbox", "mlopsctl", "migration", "function_app.py", "host.json"),
    *("mlops.toml", "pyproject.toml"),
)


def copy_app(into: Path, parts: tuple[str, ...] = PARTS) -> Path:
    """Copy these parts of the app with their compiled modules; return the folder."""
    into.mkdir(parents=True)
    for part in parts:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, into / part)
        else:
            shutil.copy(ROOT / part, into / part)
    return into


def run(app: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in the folder of an app, without options for the test run around it."""
    command = [sys.executable, "-m", *words]
    environ = {name: text for name, text in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(
        command, cwd=app, env=environ, capture_output=True, text=True, check=False
    )
