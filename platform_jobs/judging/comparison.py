"""Compares a challenger's squared errors with the champion's, as figures for a gate."""

import math
import random
from collections.abc import Sequence
from typing import Any


def compare(
    actual: Sequence[float],
    challenger: Sequence[float],
    champion: Sequence[float] | None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the number of rows, both mean squared errors and the bounds of the gain.

    All sequences have shape (rows,). The gain is the champion's mean squared error minus the
    challenger's; its bounds are one-sided percentiles of a paired bootstrap at the confidence
    (Efron and Tibshirani 1993, chapter 13): rows are drawn once for both models, so that rows which
    are hard for both cancel out. Without a champion the result has only the challenger's error.
    `refused` is the reason why the models cannot be compared, "" when they can.
    """
    if not actual or len(challenger) != len(actual):
        return {"refused": "There are no rows to compare on."}
    if champion is not None and len(champion) != len(actual):
        return {"refused": "The champion predicted other rows."}
    errors = _squared(actual, challenger)
    if not _finite(errors):
        return {"refused": _not_finite("challenger", challenger)}
    content: dict[str, Any] = {
        "refused": "",
        "rows": len(actual),
        "challenger_mse": math.fsum(errors) / len(errors),
    }
    if champion is None:
        return content
    champion_errors = _squared(actual, champion)
    if not _finite(champion_errors):
        return {"refused": _not_finite("champion", champion)}
    gains = [theirs - ours for theirs, ours in zip(champion_errors, errors, strict=True)]
    draw, count = random.Random(seed), len(gains)
    means = sorted(math.fsum(draw.choices(gains, k=count)) / count for _ in range(resamples))
    tail = 1.0 - confidence
    return {
        **content,
        "champion_mse": math.fsum(champion_errors) / count,
        "gain_low": _quantile(means, tail),
        "gain_high": _quantile(means, 1.0 - tail),
    }


def _squared(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    differences = (p - a for a, p in zip(actual, predicted, strict=True))
    # A product, because a power of a large float raises OverflowError.
    return [difference * difference for difference in differences]


def _finite(errors: Sequence[float]) -> bool:
    return math.isfinite(sum(errors))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation between the two nearest values."""
    place = min(max(share, 0.0), 1.0) * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _not_finite(model: str, predicted: Sequence[float]) -> str:
    bad = sum(not math.isfinite(value) for value in predicted)
    if not bad:
        return f"The squared errors of the {model} are too large for a finite number."
    return (
        f"{bad} of {len(predicted)} predictions of the {model} are not finite numbers, so they "
        "cannot be compared."
    )
