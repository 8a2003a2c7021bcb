"""Judges predictions against what was seen."""

from typing import Any

from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score


def metrics(actual: Any, predicted: Any) -> dict[str, float]:
    """Return mse (target units squared), mae (target units) and r2 of two (rows,) arrays."""
    return {
        "mse": float(mean_squared_error(actual, predicted)),
        "mae": float(mean_absolute_error(actual, predicted)),
        "r2": float(r2_score(actual, predicted)),
    }
