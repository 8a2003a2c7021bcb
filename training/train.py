"""Fits the model; another model replaces this module."""

import json
import math
from pathlib import Path
from typing import Any

from sklearn.linear_model import Ridge

from .data import DataError

__all__ = ["read_parameters", "train"]

DEFAULTS = {"alpha": 0.4}


def read_parameters(path: Path | None) -> dict[str, float]:
    """Return the parameters in `{"training": {"alpha": …}}`, or the defaults without a file."""
    if path is None:
        return dict(DEFAULTS)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        given = dict(content.get("training", {}))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not a parameters file: {error}") from error
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise DataError(f"{path}: unknown parameter {', '.join(unknown)}; only alpha is known.")
    alpha = given.get("alpha", DEFAULTS["alpha"])
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 <= alpha < math.inf:
        raise DataError(f"{path}: alpha must be a number of at least 0, not {alpha!r}.")
    return {"alpha": float(alpha)}


def train(x: Any, y: Any, parameters: dict[str, float]) -> Ridge:
    """Return Ridge(alpha) fitted on x (rows, features) and y (rows,)."""
    return Ridge(alpha=parameters["alpha"]).fit(x, y)
