"""Figures of a CSV, and the reference data that a model's own training code knows."""

import io
import os
import subprocess
import sys
from pathlib import Path

from function_app.domain.data_quality import ColumnProfile, DataProfile
from function_app.errors import ContractError, PlatformError
from function_app.late_imports import importing

# The training module of the sample model, for models that no project names.
OWN = "training"


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
    """Return the figures of a CSV; ContractError when it is none."""
    with importing():
        import numpy as np
        import pandas as pd

    try:
        frame = pd.read_csv(io.BytesIO(content))
    except pd.errors.EmptyDataError:
        raise ContractError("The file is empty. It needs a header and rows.") from None
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0]
        raise ContractError(f"The file is not a readable CSV: {first}") from error
    columns = []
    for name in frame.columns:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
        finite = values[np.isfinite(values)]
        columns.append(
            ColumnProfile(
                name=str(name),
                missing=int(values.size - finite.size),
                mean=float(finite.mean()) if finite.size else None,
                std=float(finite.std()) if finite.size else None,
            )
        )
    return DataProfile(rows=len(frame), columns=tuple(columns))
