"""Compares a challenger's losses with the champion's on the same rows, as figures for a gate."""

import math
from collections.abc import Sequence
from typing import Any

from platform_jobs.judging.student import t_quantile

# With fewer rows the mean of the gains is too far from normal at the levels of a gate: no bound.
LEAST_ROWS = 30
LEVEL = 0.05


def compare(
    actual: Sequence[float],
    challenger: Sequence[float],
    champion: Sequence[float] | None,
    *,
    level: float = LEVEL,
    look: int = 0,
) -> dict[str, Any]:
    """Return the number of rows, both mean losses, and the mean gain with its bounds.

    All sequences have shape (rows,). A loss is a squared error; the gain is the champion's mean
    loss minus the challenger's. `gain_low` and `gain_high` are each a one-sided bound of the
    expected gain that is wrong with probability `level`, by Student's t of the paired differences
    (Lehmann and Romano 2005, section 11.4), so that rows which are hard for both models cancel out.
    They are None below LEAST_ROWS rows. `look` is the number of this comparison among all of the
    model's, 0 when it was not counted. Without a champion the result has only the challenger's
    loss. `refused` is the reason why the models cannot be compared, "" when they can.
    """
    if not actual or len(challenger) != len(actual):
        return {"refused": "There are no rows to compare on."}
    if champion is not None and len(champion) != len(actual):
        return {"refused": "The champion predicted other rows."}
    losses = _squared(actual, challenger)
    if not _finite(losses):
        return {"refused": _not_finite("challenger", challenger)}
    content: dict[str, Any] = {
        "refused": "",
        "rows": len(actual),
        "challenger_loss": math.fsum(losses) / len(losses),
    }
    if champion is None:
        return content
    champion_losses = _squared(actual, champion)
    if not _finite(champion_losses):
        return {"refused": _not_finite("champion", champion)}
    gains = [theirs - ours for theirs, ours in zip(champion_losses, losses, strict=True)]
    gain, low, high = bounds(gains, level)
    return {
        **content,
        "champion_loss": math.fsum(champion_losses) / len(champion_losses),
        "gain": gain,
        "gain_low": low,
        "gain_high": high,
        "level": level,
        "look": look,
    }


def bounds(gains: Sequence[float], level: float) -> tuple[float, float | None, float | None]:
    """Return the mean of the gains, and its lower and upper bound at a one-sided level.

    Both bounds are None below LEAST_ROWS values.
    """
    count = len(gains)
    mean = math.fsum(gains) / count
    if count < LEAST_ROWS:
        return mean, None, None
    # Squares of very large or small differences would leave the range of floats.
    scale = max(abs(gain - mean) for gain in gains)
    if scale == 0.0:
        return mean, mean, mean
    variance = math.fsum(((gain - mean) / scale) ** 2 for gain in gains) / (count - 1)
    reach = t_quantile(level, count - 1) * scale * math.sqrt(variance / count)
    return mean, mean - reach, mean + reach


def _squared(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    differences = (p - a for a, p in zip(actual, predicted, strict=True))
    # A product, because a power of a large float raises OverflowError.
    return [difference * difference for difference in differences]


def _finite(losses: Sequence[float]) -> bool:
    return math.isfinite(sum(losses))


def _not_finite(model: str, predicted: Sequence[float]) -> str:
    bad = sum(not math.isfinite(value) for value in predicted)
    if not bad:
        return f"The squared errors of the {model} are too large for a finite number."
    return (
        f"{bad} of {len(predicted)} predictions of the {model} are not finite numbers, so they "
        "cannot be compared."
    )
