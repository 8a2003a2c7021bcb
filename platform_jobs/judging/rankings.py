"""Losses of AUC, F-beta and calibration, as jackknife pseudo-values of single rows.

The metric of AUC and of F-beta is 1 minus their value, so that less is better. The pseudo-value
of a row is n times the metric of all n rows minus n - 1 times that of the others (Tukey 1958). The
mean of them is the metric, apart from a bias of order 1 / n, and a t test of paired differences of
them is a test of two metrics on the same rows; for AUC it is that of DeLong, DeLong and
Clarke-Pearson 1988 in all but the factors n / (n - 1) (Hanley and Hajian-Tilaki 1997).

The calibration error of a bin of predicted probabilities is their mean minus the share of
label 1; the metric is the mean of its square over the rows. The square of a bin's measured error is
too large by its sampling variance, so that a model of many different predictions would look worse
than a coarse one; without this part the estimate has no bias (Ferro and Fricker 2012, "A
bias-corrected decomposition of the Brier score"; Kumar, Liang and Ma 2019, "Verified uncertainty
calibration", section 4). It may be below 0.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# With fewer rows of a label the distribution of the metric is too far from normal.
LEAST_OF_LABEL = 10
THRESHOLD = 0.5
# Bins of equal width.
BINS = 10


def has_both(actual: Sequence[float]) -> bool:
    """Return whether there are LEAST_OF_LABEL rows of each of the labels 0 and 1."""
    ones = sum(value == 1.0 for value in actual)
    return min(ones, len(actual) - ones) >= LEAST_OF_LABEL


def auc_losses(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    """Return 1 - AUC as pseudo-values of shape (rows,); higher scores are for label 1.

    A tie counts one half. Each is 0.5 when one label has less than two rows.
    """
    ones = sorted(p for a, p in zip(actual, predicted, strict=True) if a == 1.0)
    zeros = sorted(p for a, p in zip(actual, predicted, strict=True) if a != 1.0)
    count, positive, negative = len(actual), len(ones), len(zeros)
    if min(positive, negative) < 2:
        return [0.5] * count
    # The share of the other label's rows that a row is ordered rightly with.
    right = [
        _share(zeros, p) if a == 1.0 else 1.0 - _share(ones, p)
        for a, p in zip(actual, predicted, strict=True)
    ]
    whole = sum(share for a, share in zip(actual, right, strict=True) if a == 1.0) / positive
    losses = []
    for truth, share in zip(actual, right, strict=True):
        own = positive if truth == 1.0 else negative
        others = (own * whole - share) / (own - 1)
        losses.append(1.0 - (count * whole - (count - 1) * others))
    return losses


def f_beta_losses(beta: float, actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    """Return 1 - F-beta as pseudo-values of shape (rows,); THRESHOLD and above is label 1.

    F-beta is 0 when there is neither a label 1 nor a prediction of it (van Rijsbergen 1979).
    """
    weight, count = beta * beta, len(actual)
    kinds = [(a == 1.0, p >= THRESHOLD) for a, p in zip(actual, predicted, strict=True)]
    hits = sum(truth and said for truth, said in kinds)
    misses = sum(truth and not said for truth, said in kinds)
    alarms = sum(said and not truth for truth, said in kinds)

    whole = f_beta(weight, hits, misses, alarms)
    # All rows of one kind leave the same others.
    losses = {
        (truth, said): 1.0
        - (
            count * whole
            - (count - 1)
            * f_beta(
                weight,
                hits - (truth and said),
                misses - (truth and not said),
                alarms - (said and not truth),
            )
        )
        for truth, said in set(kinds)
    }
    return [losses[kind] for kind in kinds]


def f_beta(weight: float, hits: int, misses: int, alarms: int) -> float:
    """Return F-beta for the square of beta and numbers of rows; 0 without a hit."""
    good = (1.0 + weight) * hits
    return good / (good + weight * misses + alarms) if good else 0.0


def _share(ordered: Sequence[float], value: float) -> float:
    """Return the share of the values below this one, a tie counting one half."""
    return (bisect_left(ordered, value) + bisect_right(ordered, value)) / (2 * len(ordered))


def calibration_losses(actual: Sequence[float], predicted: Sequence[float]) -> list[float]:
    """Return pseudo-values of shape (rows,), whose mean is the squared calibration error.

    `actual` are 0 and 1, and `predicted` probabilities of 1. A bin with a single row counts 0.
    """
    errors = [p - a for a, p in zip(actual, predicted, strict=True)]
    bins = [min(int(p * BINS), BINS - 1) for p in predicted]
    counts, sums, squares = [0] * BINS, [0.0] * BINS, [0.0] * BINS
    for number, error in zip(bins, errors, strict=True):
        counts[number] += 1
        sums[number] += error
        squares[number] += error * error
    wholes = [_pairs(*of_bin) for of_bin in zip(counts, sums, squares, strict=True)]
    # The other bins are the same without the row, so that n times the metric of all rows minus
    # n - 1 times that of the others leaves the difference of its own bin.
    return [
        wholes[number]
        - _pairs(counts[number] - 1, sums[number] - error, squares[number] - error * error)
        for number, error in zip(bins, errors, strict=True)
    ]


def _pairs(count: int, total: float, squares: float) -> float:
    """Return the number of rows times the mean product of the errors of two different rows."""
    return (total * total - squares) / (count - 1) if count > 1 else 0.0
