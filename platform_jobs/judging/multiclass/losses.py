"""The gate's metrics for a target with more than two labels; predictions are probabilities.

A true value is the number of its label, counted from 0, and a prediction has the probability of
each label. AUC and F-beta are macro averages: means of the values of single labels, each against
all others. The average has only the labels that occur among the true values, which are the same
for both models. A jackknife pseudo-value is linear in the metric, so that a row's pseudo-value of
an average is the average of its pseudo-values.

- log_loss: -ln of the true label's probability.
- brier: the sum over the labels of (probability - truth)^2, from 0 to 2 (Brier 1950,
  "Verification of forecasts expressed in terms of probability"). Of two labels the platform takes
  half of it.
- calibration: the mean over all labels of the squared calibration error of each against the others
  (marginal calibration: Kumar, Liang and Ma 2019, "Verified uncertainty calibration", section 2).
- auc: the unweighted mean of the labels' areas (one-vs-rest: Fawcett 2006, "An introduction to ROC
  analysis", section 9.2, there weighted by the shares of the labels).
- f_beta: the mean of the labels' F-beta, not F-beta of mean precision and recall (Opitz and Burst
  2019, "Macro F1 and Macro F1"). A row's predicted label is the most probable one, of equal ones
  the first.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from platform_jobs.errors import ContractError
from platform_jobs.judging.metrics import F_BETA, Metric, metric_of
from platform_jobs.judging.rankings import (
    LEAST_OF_LABEL,
    auc_losses,
    calibration_losses,
    f_beta,
)
from platform_jobs.models.answers import Prediction

Row = tuple[float, ...]
Losses = Callable[[Sequence[float], Sequence[Row]], list[float]]
# A true label without probability would have an infinite log loss: scikit-learn clips at the same
# distance.
_CLIP = 2.0**-52


def metric_of_target(name: str, quantile: float, beta: float, labels: int) -> Metric[Prediction]:
    """Return the metric of this name for a target with so many labels, 0 for numbers.

    Its predictions have the form that answers about this target have (`Answers.predictions`).
    ContractError when there is no such metric for the target.
    """
    try:
        metric = (
            metric_of_labels(name, labels, beta) if labels > 2 else metric_of(name, quantile, beta)
        )
    except ValueError as error:
        raise ContractError(str(error)) from None
    return cast("Metric[Prediction]", metric)


def metric_of_labels(name: str, count: int, beta: float = 1.0) -> Metric[Row]:
    """Return the metric of this name for `count` labels; `beta` is that of f_beta.

    ValueError for a metric that is not defined for labels, and for a beta out of range.
    """
    truths = (
        f"numbers of {count} labels",
        lambda value: 0.0 <= value < count and value == int(value),
    )
    predictions = (f"{count} probabilities", partial(_are_probabilities, count))

    def metric(
        losses: Losses,
        constant: Callable[[Sequence[float]], Row],
        *,
        average: bool,
        basis: Metric[Row] | None = None,
    ) -> Metric[Row]:
        return Metric(
            losses=losses,
            constant=constant,
            truths=truths,
            predictions=predictions,
            mean=False,
            errors=False,
            enough=has_each if average else lambda actual: True,
            basis=basis,
        )

    if name == F_BETA:
        if not 0.0 < beta < math.inf:
            raise ValueError(f"beta = {beta}: it must be above 0.")
        return metric(
            partial(macro_f_beta_losses, beta), partial(_most_frequent, count), average=True
        )
    shares = partial(_shares, count)
    brier = metric(_brier, shares, average=False)
    known = {
        "log_loss": metric(_log_loss, shares, average=False),
        "brier": brier,
        "calibration": metric(
            partial(marginal_calibration_losses, count), shares, average=True, basis=brier
        ),
        "auc": metric(macro_auc_losses, shares, average=True),
    }
    if name not in known:
        raise ValueError(
            f"metric = {name!r}: for a target with labels it must be one of "
            f"{', '.join((*known, F_BETA))}."
        )
    return known[name]


def has_each(actual: Sequence[float]) -> bool:
    """Return whether each label that occurs has LEAST_OF_LABEL rows, and two labels occur."""
    rows = Counter(actual)
    return len(rows) > 1 and min(rows.values()) >= LEAST_OF_LABEL


def macro_auc_losses(actual: Sequence[float], predicted: Sequence[Row]) -> list[float]:
    """Return 1 minus the mean AUC of the labels as pseudo-values of shape (rows,).

    A label counts when it and the other labels have two rows each; each is 0.5 without such a
    label.
    """
    rows = Counter(actual)
    labels = [label for label, own in sorted(rows.items()) if 2 <= own <= len(actual) - 2]
    if not labels:
        return [0.5] * len(actual)
    return _mean_of_labels(auc_losses, labels, actual, predicted)


def marginal_calibration_losses(
    count: int, actual: Sequence[float], predicted: Sequence[Row]
) -> list[float]:
    """Return pseudo-values, shape (rows,), of the mean squared calibration error of all labels."""
    return _mean_of_labels(calibration_losses, range(count), actual, predicted)


def _mean_of_labels(
    losses: Callable[[Sequence[float], Sequence[float]], list[float]],
    labels: Sequence[float],
    actual: Sequence[float],
    predicted: Sequence[Row],
) -> list[float]:
    """Return the mean over the labels of a row's losses for each label against all others."""
    totals = [0.0] * len(actual)
    for label in labels:
        against = losses(
            [float(truth == label) for truth in actual], [row[int(label)] for row in predicted]
        )
        totals = [total + loss for total, loss in zip(totals, against, strict=True)]
    return [total / len(labels) for total in totals]


def macro_f_beta_losses(
    beta: float, actual: Sequence[float], predicted: Sequence[Row]
) -> list[float]:
    """Return 1 minus the mean F-beta of the labels as pseudo-values of shape (rows,)."""
    weight, count = beta * beta, len(actual)
    pairs = [(int(truth), most_probable(row)) for truth, row in zip(actual, predicted, strict=True)]
    matrix = Counter(pairs)
    hits, truths, said = (Counter[int]() for _ in range(3))
    for (truth, label), rows in matrix.items():
        truths[truth] += rows
        said[label] += rows
        if truth == label:
            hits[truth] += rows

    def of_label(label: int, without: tuple[int, int] | None = None) -> float:
        """Return the F-beta of a label, 0 for one that is never true, without one row."""
        if label not in truths:
            return 0.0
        right, true, alarms = hits[label], truths[label], said[label] - hits[label]
        if without is not None:
            truth, other = without
            right -= truth == other == label
            true -= truth == label
            alarms -= other == label != truth
        return f_beta(weight, right, true - right, alarms)

    whole = math.fsum(map(of_label, truths)) / len(truths)
    # All rows of one pair leave the same others, and change the values of its two labels only.
    losses = {}
    for pair in matrix:
        change = math.fsum(of_label(label, pair) - of_label(label) for label in {*pair})
        others = whole + change / len(truths)
        losses[pair] = 1.0 - (count * whole - (count - 1) * others)
    return [losses[pair] for pair in pairs]


def most_probable(row: Row) -> int:
    """Return the number of the most probable label, of equal ones the first."""
    return max(range(len(row)), key=row.__getitem__)


def _log_loss(actual: Sequence[float], predicted: Sequence[Row]) -> list[float]:
    return [
        -math.log(min(max(row[int(truth)], _CLIP), 1.0))
        for truth, row in zip(actual, predicted, strict=True)
    ]


def _brier(actual: Sequence[float], predicted: Sequence[Row]) -> list[float]:
    return [
        # Rounding of a certain right answer may leave a loss just below 0.
        max(0.0, math.fsum(p * p for p in row) - 2.0 * row[int(truth)] + 1.0)
        for truth, row in zip(actual, predicted, strict=True)
    ]


def _shares(count: int, actual: Sequence[float]) -> Row:
    rows = Counter(actual)
    return tuple(rows[label] / len(actual) for label in range(count))


def _most_frequent(count: int, actual: Sequence[float]) -> Row:
    """Return the certainty of the most frequent label: its F-beta is greater than another's."""
    rows = Counter(actual)
    most = max(range(count), key=lambda label: rows[label])
    return tuple(float(label == most) for label in range(count))


def _are_probabilities(count: int, row: Row) -> bool:
    return len(row) == count and all(0.0 <= value <= 1.0 for value in row)
