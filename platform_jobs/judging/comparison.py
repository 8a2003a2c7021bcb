"""Compares a challenger's losses with the champion's on the same rows, as figures for a gate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from platform_jobs.errors import ContractError
from platform_jobs.judging.intervals import LEAST_ROWS
from platform_jobs.judging.metrics import Given, Metric, find_invalid, metric_of, own_metric
from platform_jobs.judging.sanity import sanity_figures
from platform_jobs.judging.slices import slice_figures
from platform_jobs.models.answers import Prediction
from platform_jobs.own_metric.measure import OwnFunction

__all__ = ["LEAST_ROWS", "ComparisonRules", "call_metric", "compare", "compare_by"]
LEVEL, METRIC, QUANTILE, BETA = 0.05, "mse", 0.5, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRules:
    """The rules of a comparison: its level, its number among the model's comparisons, its metric.

    `slices` are the columns by whose values the rows are compared once more in groups.
    `needed_share` is the share of the champion's loss that a gain must exceed. `direction` is that
    of a metric which is a function of the model's code (own_metric/function.py).
    """

    level: float = LEVEL
    look: int = 0
    metric: str = METRIC
    quantile: float = QUANTILE
    beta: float = BETA
    slices: tuple[str, ...] = ()
    needed_share: float = 0.0
    direction: str = ""


def call_metric(
    own: OwnFunction,
    actual: Sequence[float],
    predicted: Sequence[Sequence[Prediction]],
    labels: int,
) -> Metric[Prediction]:
    """Return the metric of the model's code from its values of the models' predictions.

    `labels` is the number of labels of the target, 0 for numbers. ContractError and KilledError as
    by `OwnFunction.measure`; ContractError for more than two labels, because the function gets one
    number for each row.
    """
    if labels > 2:
        raise ContractError(
            f"The metric {own.function} is an own function, which judges numbers or two labels. "
            f"The target has {labels}: choose log_loss, brier, calibration, auc or f_beta."
        )
    numbers = cast("Sequence[Sequence[float]]", predicted)
    measured = own.measure(actual, numbers, labels=labels > 0)
    metric = own_metric(measured.losses, measured.constant, labels=labels > 0)
    return cast("Metric[Prediction]", metric)


def compare(
    actual: Sequence[float],
    challenger: Sequence[float],
    champion: Sequence[float] | None,
    *,
    level: float = LEVEL,
    look: int = 0,
    metric: str = METRIC,
    quantile: float = QUANTILE,
    beta: float = BETA,
    needed_share: float = 0.0,
    groups: Mapping[str, Sequence[int]] | None = None,
    own: Metric[float] | None = None,
) -> dict[str, Any]:
    """Return the figures of `compare_by` for predicted numbers.

    The metric is that of this name, or `own`, a metric of the model's code.
    """
    return compare_by(
        own or metric_of(metric, quantile, beta),
        actual,
        challenger,
        champion,
        level=level,
        look=look,
        needed_share=needed_share,
        groups=groups,
    )


def compare_by(
    chosen: Metric[Given],
    actual: Sequence[float],
    challenger: Sequence[Given],
    champion: Sequence[Given] | None,
    *,
    level: float = LEVEL,
    look: int = 0,
    needed_share: float = 0.0,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Return the number of rows, both mean losses, and the mean gain with its bounds.

    All sequences have shape (rows,). `chosen` has the loss of a row; the gain is the champion's
    mean loss minus the challenger's. `gain_low` and `gain_high` are each a one-sided bound of the
    expected gain that is wrong with probability `level`, by Student's t of the paired differences
    (Lehmann and Romano 2005, section 11.4), corrected for skewness where that makes the interval
    wider (intervals.py). Rows which are hard for both models cancel out. The bounds are None below
    LEAST_ROWS rows. `p_value` is that of a gain of at most `needed_share` of the champion's loss,
    None where the bounds are. `look` is the number of this comparison among all of the model's, 0
    when it was not counted. `groups` are slices: numbers of rows by a name. Both models have
    figures for the rules of sanity. Without a champion the result has only the challenger's;
    `champion_fault` says why a champion's predictions cannot be compared. `refused` is the reason
    why nothing can be compared, "" when it can.
    """
    if not actual or len(challenger) != len(actual):
        return {"refused": "There are no rows to compare on."}
    if champion is not None and len(champion) != len(actual):
        return {"refused": "The champion predicted other rows."}
    fault, losses = _losses(chosen, actual, challenger, "challenger")
    if fault:
        return {"refused": fault}
    basis = chosen.basis or chosen
    trivial = basis.losses(actual, [basis.constant(actual)] * len(actual))
    content: dict[str, Any] = {
        "refused": "",
        "rows": len(actual),
        "challenger_loss": math.fsum(losses) / len(losses),
        "challenger": sanity_figures(
            basis, actual, challenger, _basis_losses(chosen, actual, challenger, losses), trivial
        ),
    }
    if not isinstance(challenger[0], tuple):
        # The numbers of labels are no values.
        content |= {"lowest": min(actual), "highest": max(actual)}
    if champion is None:
        return content
    fault, champion_losses = _losses(chosen, actual, champion, "champion")
    if fault:
        return {**content, "champion_fault": fault}
    gains = [theirs - ours for theirs, ours in zip(champion_losses, losses, strict=True)]
    gain, low, high = chosen.interval(actual, gains, level)
    champion_loss = math.fsum(champion_losses) / len(champion_losses)
    whole = abs(champion_loss) if chosen.signed else max(champion_loss, 0.0)
    return {
        **content,
        "champion_loss": champion_loss,
        "p_value": chosen.p_value(actual, gains, needed_share * whole),
        "gain": gain,
        "gain_low": low,
        "gain_high": high,
        "level": level,
        "look": look,
        "champion": sanity_figures(
            basis,
            actual,
            champion,
            _basis_losses(chosen, actual, champion, champion_losses),
            trivial,
        ),
        "slices": slice_figures(chosen, groups or {}, actual, challenger, champion),
    }


def _basis_losses(
    metric: Metric[Given],
    actual: Sequence[float],
    predicted: Sequence[Given],
    losses: Sequence[float],
) -> Sequence[float]:
    """Return the losses by which the rules of sanity judge; `losses` are those of the metric."""
    return metric.basis.losses(actual, predicted) if metric.basis else losses


def _losses(
    metric: Metric[Given], actual: Sequence[float], predicted: Sequence[Given], model: str
) -> tuple[str, list[float]]:
    """Return the fault of the values, "" without any, and the loss of each row."""
    if fault := find_invalid(metric, actual, predicted, model):
        return fault, []
    losses = metric.losses(actual, predicted)
    if not math.isfinite(sum(losses)):
        return f"The losses of the {model} are too large for a finite number.", []
    return "", losses
