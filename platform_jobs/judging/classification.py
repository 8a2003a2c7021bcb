"""Figures of a classification; the platform computes them, never a model's own code."""

import math
from collections.abc import Sequence

# Least probability that a loss is computed by: the true label may have got none.
LEAST = 1e-15


def classification_figures(
    actual: Sequence[float], probabilities: Sequence[float], right: Sequence[bool]
) -> dict[str, float]:
    """Return accuracy, log_loss, brier and auc of answers with two labels, all without a unit.

    All sequences have shape (rows,). `actual` is 1 where the positive label is true, else 0;
    `probabilities` are those of the positive label; `right` says where the label that the model
    chose is true. log_loss is the mean of -ln p of the true label, with p at least 1e-15; brier is
    the mean of (p - actual)^2 (Brier 1950, for one of two labels); auc is the area under the ROC
    curve, left out when all rows have one label.
    """
    rows = len(actual)
    pairs = list(zip(actual, probabilities, strict=True))
    figures = {
        "accuracy": sum(right) / rows,
        "log_loss": math.fsum(-math.log(max(p if y else 1.0 - p, LEAST)) for y, p in pairs) / rows,
        "brier": math.fsum((p - y) ** 2 for y, p in pairs) / rows,
    }
    area = area_under_curve([y > 0 for y in actual], probabilities)
    return figures if area is None else {**figures, "auc": area}


def area_under_curve(positive: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the probability that a positive row has a higher score than a negative one.

    Equal scores count half (Mann and Whitney 1947, by mid-ranks). None without rows of both kinds.
    """
    order = sorted(range(len(scores)), key=scores.__getitem__)
    count = sum(positive)
    others = len(positive) - count
    if not count or not others:
        return None
    ranks, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        # Ranks from 1; rows of one score share their mean.
        middle = (start + 1 + end) / 2
        ranks += middle * sum(positive[order[index]] for index in range(start, end))
        start = end
    return (ranks - count * (count + 1) / 2) / (count * others)
