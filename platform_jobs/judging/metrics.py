"""The metrics that a gate can compare models by: each is a mean of losses of single rows.

A smaller loss is better, so that one paired test serves all metrics. AUC, F-beta and calibration
are no means of losses; their losses are jackknife pseudo-values, whose mean is the metric
(judging/rankings.py).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from platform_jobs.judging.intervals import Interval, mean_interval, p_value
from platform_jobs.judging.rankings import auc_losses, calibration_losses, f_beta_losses, has_both

# A model's answer to a row: a number, or the probability of each label.
Given = TypeVar("Given")
_FINITE: tuple[str, Callable[..., bool]] = ("finite numbers", math.isfinite)
# A probability of exactly 0 or 1 that is wrong would have an infinite log loss: scikit-learn clips
# at the same distance.
_CLIP = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[Given]):
    """A metric: its losses, its best constant prediction, and the values that it can take.

    `losses` maps true and predicted values of shape (rows,) to losses of shape (rows,). `constant`
    returns the constant prediction with the least loss for true values of shape (rows,).
    `truths` and `predictions` say which values are valid, as a sentence's end and a rule. `mean`
    is True when the least loss belongs to the conditional mean: then bias and slope mean something.
    `errors` is True when the distance of prediction and truth is an error in units of the target.
    `enough` returns whether the true values allow a bound of the metric. `signed` is True
    when losses may be below 0, so that a share of one is a share of its magnitude. `basis` is the
    metric by which the rules of sanity judge, None for this one: the best constant prediction is
    well calibrated, so that no model is better than it by calibration.
    """

    losses: Callable[[Sequence[float], Sequence[Given]], list[float]]
    constant: Callable[[Sequence[float]], Given]
    truths: tuple[str, Callable[[float], bool]] = _FINITE
    predictions: tuple[str, Callable[[Given], bool]] = _FINITE
    mean: bool = True
    errors: bool = True
    enough: Callable[[Sequence[float]], bool] = lambda actual: True
    signed: bool = False
    basis: "Metric[Given] | None" = None

    def interval(
        self, actual: Sequence[float], differences: Sequence[float], level: float
    ) -> Interval:
        """Return the mean of differences of losses with its one-sided bounds, None for few rows."""
        mean, low, high = mean_interval(differences, level)
        return (mean, low, high) if self.enough(actual) else (mean, None, None)

    def p_value(
        self, actual: Sequence[float], differences: Sequence[float], null: float
    ) -> float | None:
        """Return the p-value of a mean difference of at most `null`, None for few rows."""
        return p_value(differences, null) if self.enough(actual) else None


def metric_of(name: str, quantile: float = 0.5, beta: float = 1.0) -> Metric[float]:
    """Return the metric of this name; `quantile` is that of pinball, `beta` that of f_beta.

    ValueError for an unknown name, and for a quantile or a beta out of range.
    """
    if name == PINBALL:
        # Written so that NaN is refused.
        if not 0.0 < quantile < 1.0:
            raise ValueError(f"quantile = {quantile}: it must be above 0 and below 1.")
        return Metric(
            losses=partial(_pinball, quantile),
            constant=partial(_quantile_of, quantile),
            mean=False,
        )
    if name == F_BETA:
        if not 0.0 < beta < math.inf:
            raise ValueError(f"beta = {beta}: it must be above 0.")
        return Metric(
            losses=partial(f_beta_losses, beta),
            # The answer "yes" to everything: "no" has the greatest loss of all.
            constant=lambda actual: 1.0,
            truths=_LABELS,
            predictions=_PROBABILITIES,
            mean=False,
            errors=False,
            enough=has_both,
        )
    if name not in _METRICS:
        raise ValueError(f"metric = {name!r}: it must be one of {', '.join(NAMES)}.")
    return _METRICS[name]


def own_metric(
    losses: Callable[[Sequence[float], Sequence[float]], list[float]],
    constant: Callable[[Sequence[float]], float],
    *,
    labels: bool,
) -> Metric[float]:
    """Return the metric of a function of the model's code, which may give losses below 0.

    `labels` says that the true values are 0 and 1.
    """
    return Metric(losses=losses, constant=constant, mean=False, errors=not labels, signed=True)


def find_invalid(
    metric: Metric[Given], actual: Sequence[float], predicted: Sequence[Given], model: str
) -> str:
    """Return the sentence that says which values the metric cannot take, "" when it takes all."""
    return _invalid("true values", actual, metric.truths) or _invalid(
        f"predictions of the {model}", predicted, metric.predictions
    )


def _invalid(noun: str, values: Sequence[Given], rule: tuple[str, Callable[[Given], bool]]) -> str:
    allowed, valid = rule
    if all(map(valid, values)):
        return ""
    bad = sum(not valid(value) for value in values)
    return f"{bad} of {len(values)} {noun} are not {allowed}, so they cannot be compared."


def _squared(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    differences = (p - a for a, p in zip(actual, predicted, strict=True))
    # A product, because a power of a large float raises OverflowError.
    return [difference * difference for difference in differences]


def _absolute(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    return [abs(p - a) for a, p in zip(actual, predicted, strict=True)]


def _poisson(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    """Return unit deviances 2 (a log(a / p) - a + p): McCullagh and Nelder 1989, section 2.3."""
    return [
        # Rounding of equal values may leave a deviance just below 0.
        max(0.0, 2.0 * ((a * math.log(a / p) if a > 0.0 else 0.0) - a + p))
        for a, p in zip(actual, predicted, strict=True)
    ]


def _pinball(quantile: float, actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    """Return the losses of Koenker and Bassett 1978."""
    return [
        (a - p) * quantile if a >= p else (p - a) * (1.0 - quantile)
        for a, p in zip(actual, predicted, strict=True)
    ]


def _log_loss(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    return [
        -math.log(min(max(p if a == 1.0 else 1.0 - p, _CLIP), 1.0))
        for a, p in zip(actual, predicted, strict=True)
    ]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _quantile_of(quantile: float, values: Sequence[float]) -> float:
    """Return the least value with at least this share of the values at or below it."""
    return sorted(values)[max(math.ceil(quantile * len(values)) - 1, 0)]


_COUNTS = ("finite numbers of at least 0", lambda value: 0.0 <= value < math.inf)
_RATES = ("finite numbers above 0", lambda value: 0.0 < value < math.inf)
_LABELS = ("0 or 1", lambda value: value in (0.0, 1.0))
_PROBABILITIES = ("probabilities from 0 to 1", lambda value: 0.0 <= value <= 1.0)

PINBALL, F_BETA = "pinball", "f_beta"
_BRIER = Metric(
    losses=_squared,
    constant=_mean,
    truths=_LABELS,
    predictions=_PROBABILITIES,
    errors=False,
)
_METRICS = {
    "mse": Metric(losses=_squared, constant=_mean),
    "mae": Metric(losses=_absolute, constant=partial(_quantile_of, 0.5), mean=False),
    "poisson_deviance": Metric(losses=_poisson, constant=_mean, truths=_COUNTS, predictions=_RATES),
    "log_loss": Metric(
        losses=_log_loss,
        constant=_mean,
        truths=_LABELS,
        predictions=_PROBABILITIES,
        errors=False,
    ),
    "brier": _BRIER,
    "calibration": Metric(
        losses=calibration_losses,
        constant=_mean,
        truths=_LABELS,
        predictions=_PROBABILITIES,
        errors=False,
        enough=has_both,
        basis=_BRIER,
    ),
    "auc": Metric(
        losses=auc_losses,
        constant=lambda actual: 0.5,
        truths=_LABELS,
        mean=False,
        errors=False,
        enough=has_both,
    ),
}
NAMES = (*_METRICS, PINBALL, F_BETA)
