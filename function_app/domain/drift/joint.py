"""The joint channel: a row's distance from the training rows, over all features at once.

The distance is Mahalanobis's ("On the generalized distance in statistics", 1936): two features that
stay as they were each, and lose their relation, change it. Half of the training rows give means and
covariance, the other half gives the reference of the distance. These rows have no part in the rule,
so that rows of production are exchangeable with them while nothing has changed; distances of
the rows of the first half would be too small.
"""

import math
from collections.abc import Iterator, Sequence

from function_app.domain.drift.observations import (
    JOINT,
    ColumnReference,
    JointScore,
    describe_column,
)

# Of more rows some are taken at even steps, because their product is formed without arrays.
MOST_ROWS, LEAST_ROWS = 4000, 40
# Rows of one request that count; they are similar.
ROWS_PER_REQUEST = 10
# Added to the correlation of a feature with itself, so that features may depend on each other.
_RIDGE = 0.01
_FARTHEST = 8.0  # standard deviations


def describe_joint(
    features: Sequence[str], columns: Sequence[Sequence[float]]
) -> tuple[JointScore, ColumnReference] | None:
    """Return the rule of the distance and its reference; None without two features that vary.

    `columns` has the training rows' values of each feature. None also with under LEAST_ROWS rows.
    """
    if JOINT in features or not columns:
        return None
    rows = len(columns[0])
    step = max(1, math.ceil(rows / MOST_ROWS))
    chosen = [
        row
        for index in range(0, rows, step)
        if all(map(math.isfinite, row := tuple(column[index] for column in columns)))
    ]
    if len(chosen) < LEAST_ROWS:
        return None
    rule = _fit(features, chosen[::2])
    if rule is None:
        return None
    positions = [features.index(name) for name in rule.features]
    distances = [distance(rule, [row[i] for i in positions]) for row in chosen[1::2]]
    reference = describe_column(JOINT, distances)
    return None if reference is None else (rule, reference)


def distance(rule: JointScore, values: Sequence[float]) -> float:
    """Return the squared distance of a row from the mean, by the number of features."""
    solved: list[float] = []
    for value, mean, scale, line in zip(values, rule.means, rule.scales, rule.factor, strict=True):
        scaled = max(-_FARTHEST, min(_FARTHEST, (value - mean) / scale))
        solved.append((scaled - _product(line, solved)) / line[-1])
    return sum(part * part for part in solved) / len(solved)


def _product(line: Sequence[float], solved: Sequence[float]) -> float:
    return sum(factor * part for factor, part in zip(line, solved, strict=False))


def _fit(features: Sequence[str], rows: Sequence[Sequence[float]]) -> JointScore | None:
    names, means, scales, scaled = [], [], [], []
    for name, column in zip(features, zip(*rows, strict=True), strict=True):
        mean = math.fsum(column) / len(column)
        variance = math.fsum([(value - mean) ** 2 for value in column]) / len(column)
        if variance > 0 and math.isfinite(variance):
            scale = math.sqrt(variance)
            names.append(name)
            means.append(mean)
            scales.append(scale)
            scaled.append([max(-_FARTHEST, min(_FARTHEST, (v - mean) / scale)) for v in column])
    if len(names) < 2:
        return None
    return JointScore(
        features=tuple(names),
        means=tuple(means),
        scales=tuple(scales),
        factor=tuple(_cholesky(scaled, len(rows))),
    )


def _cholesky(scaled: Sequence[Sequence[float]], rows: int) -> Iterator[tuple[float, ...]]:
    """Yield the rows of the lower triangle of the correlation matrix, each up to its diagonal."""
    lines: list[tuple[float, ...]] = []
    for index, column in enumerate(scaled):
        line: list[float] = []
        for other in range(index + 1):
            product = sum(a * b for a, b in zip(column, scaled[other], strict=True)) / rows
            if other < index:
                line.append((product - _product(lines[other], line)) / lines[other][-1])
            else:
                rest = product + _RIDGE - sum(part * part for part in line)
                line.append(math.sqrt(max(rest, _RIDGE / 2)))
        lines.append(tuple(line))
        yield lines[-1]
