"""Folders that take seconds of CPU to make: once per test run, for all workers of pytest-xdist."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from function_app.adapters.local.reach.files import locked
from tests.conftest import SHARED

ROOT = Path(__file__).parents[1]
# All that an app makes of itself at its first start, which takes long: tests/mlopsctl does it for real.
_PREPARE = """
import sys
from pathlib import Path
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.adapters.local.registry import LocalRegistry
from function_app.domain.change.program import Program

state, events = Path(sys.argv[1]), LocalEvents("", "")
LocalRegistry(state, events).ensure()
programs = {"diabetes": Program(module="training")}
LocalDatasets(state, Path.cwd(), events, programs).ensure_reference("diabetes")
"""


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of this name, filled by `make`; copy it before you change it.

    A lock keeps the workers that ask at the same moment from making it twice.
    """
    folder, unfinished = SHARED / name, SHARED / f"{name}.unfinished"
    with locked(SHARED / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def sample_rows() -> Path:
    """Return the CSV file of the sample data of this project's model."""

    def make(folder: Path) -> None:
        _python("-m", "training", "sample", "--out", str(folder / "data.csv"))

    return made_once("sample", make) / "data.csv"


def trained() -> Path:
    """Return a folder with a model and its evaluation, made as the platform makes them."""

    def make(folder: Path) -> None:
        rows, out = folder / "rows", folder / "model"
        words = ["--data", str(sample_rows()), "--target", "Y", "--key", "m", "--out", str(rows)]
        _python("-m", "platform_jobs", "prepare", *words)
        _python("-m", "training", "train", "--data", str(rows / "seen"), "--out", str(out))
        words = ["--held-out", str(rows / "held_out"), "--module", "training"]
        words += ["--challenger", str(out), "--out", str(folder / "evaluation")]
        _python("-m", "platform_jobs", "evaluate", *words)

    return made_once("trained", make)


def prepared() -> Path:
    """Return a state folder with an empty registry and the sample's reference data."""
    return made_once("prepared", lambda folder: _python("-c", _PREPARE, str(folder)))


def prepare(state: Path) -> None:
    """Put an empty registry and the sample's baseline into a state folder.

    An app finds both at its start, and saves three seconds of CPU for MLflow's migrations and for
    scikit-learn.
    """
    baseline = Path("datasets", "diabetes", "baseline.csv")
    (state / baseline).parent.mkdir(parents=True, exist_ok=True)
    for file in (Path("mlflow.db"), baseline):
        shutil.copy(prepared() / file, state / file)


def _python(*words: str) -> None:
    command = [sys.executable, "-W", "ignore", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
