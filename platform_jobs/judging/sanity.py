"""Figures of one model's predictions by which a gate sees that the model cannot be right."""

import math
from collections.abc import Sequence
from typing import cast

from platform_jobs.judging.intervals import LEAST_ROWS, mean_interval, slope_interval
from platform_jobs.judging.metrics import Given, Metric

# Errors of the bounds: a right model fails a rule in so few of its trainings.
SKILL_LEVEL, BIAS_LEVEL = 0.01, 0.001
TAIL = 0.95


def sanity_figures(
    metric: Metric[Given],
    actual: Sequence[float],
    predicted: Sequence[Given],
    losses: Sequence[float],
    trivial: Sequence[float],
) -> dict[str, float | None]:
    """Return the figures of valid predictions of shape (rows,).

    `losses` are those of the predictions and `trivial` those of the best constant one. `skill` is
    the mean loss of the best constant prediction minus the model's, with bounds; `constant` says
    whether all predictions are equal though the true values differ. For metrics of the mean, `bias`
    is the mean of prediction minus truth in units of the target, and `slope` that of the truth on
    the prediction, each with bounds; 0 and 1 are right. `rms` is the root of the mean squared
    error. For metrics of errors, `largest` and `tail` are the largest absolute error and the TAIL
    quantile of them, in units of the target, and `lowest` and `highest` the extreme predictions.
    Extremes of less than LEAST_ROWS rows say nothing and are left out.
    """
    gains = [theirs - ours for theirs, ours in zip(trivial, losses, strict=True)]
    skill, skill_low, skill_high = metric.interval(actual, gains, SKILL_LEVEL)
    figures: dict[str, float | None] = {
        "skill": skill,
        "skill_low": skill_low,
        "skill_high": skill_high,
        "constant": all(each == predicted[0] for each in predicted) and min(actual) < max(actual),
    }
    if metric.mean or metric.errors:
        # Such metrics are of numbers.
        figures |= _error_figures(metric, actual, cast("Sequence[float]", predicted))
    return figures


def _error_figures(
    metric: Metric[Given], actual: Sequence[float], predicted: Sequence[float]
) -> dict[str, float | None]:
    """Return the figures of `sanity_figures` that are of predicted numbers."""
    figures: dict[str, float | None] = {}
    errors = [p - a for a, p in zip(actual, predicted, strict=True)]
    if metric.mean:
        bias, bias_low, bias_high = mean_interval(errors, BIAS_LEVEL)
        figures |= {"bias": bias, "bias_low": bias_low, "bias_high": bias_high}
        figures["rms"] = math.hypot(*errors) / math.sqrt(len(errors))
    if metric.mean and (slope := slope_interval(predicted, actual, BIAS_LEVEL)) is not None:
        figures |= dict(zip(("slope", "slope_low", "slope_high"), slope, strict=True))
    if metric.errors and len(errors) >= LEAST_ROWS:
        sizes = sorted(map(abs, errors))
        figures |= {
            "largest": sizes[-1],
            "tail": sizes[math.ceil(TAIL * len(sizes)) - 1],
            "lowest": min(predicted),
            "highest": max(predicted),
        }
    return figures
