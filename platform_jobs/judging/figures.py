"""Figures of predictions; the platform computes them, never a model's own code."""

import math
from collections.abc import Sequence


def regression_figures(actual: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """Return mse (target units squared), mae (target units) and r2.

    r2 is left out when all actual values are equal: it is undefined then.
    """
    pairs = list(zip(actual, predicted, strict=True))
    squared = math.fsum((a - p) ** 2 for a, p in pairs)
    figures = {
        "mse": squared / len(pairs),
        "mae": math.fsum(abs(a - p) for a, p in pairs) / len(pairs),
    }
    mean = math.fsum(actual) / len(pairs)
    total = math.fsum((a - mean) ** 2 for a in actual)
    if total > 0:
        figures["r2"] = 1 - squared / total
    return figures
