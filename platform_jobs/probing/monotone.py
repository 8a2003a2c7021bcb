"""Probes of a model whose predictions must rise, or fall, with a feature.

Each sampled row is asked again with the feature at quantiles of its observed values, while its
other features stay: an individual conditional expectation curve (Goldstein and others 2015,
"Peeking inside the black box").
"""

import math
from collections.abc import Iterator, Sequence

from platform_jobs.errors import ContractError
from platform_jobs.tables.tables import Table

# Rows to vary, and steps between the least and the greatest value of a feature.
ROWS, STEPS = 100, 10
INCREASING, DECREASING = "increasing", "decreasing"


def varied_rows(features: Table, names: Sequence[str]) -> Table:
    """Return the sampled rows with each of the features at its quantiles, in a fixed order.

    The order is that of `names`, of the rows, and of the rising values. ContractError when a
    feature is unknown, or holds text.
    """
    rows: list[tuple[str, ...]] = []
    sampled = _sample(features)
    for name in names:
        index, values = _values(features, name)
        rows += [(*row[:index], value, *row[index + 1 :]) for row in sampled for value in values]
    return Table(columns=features.columns, rows=tuple(rows))


def monotone_figures(
    features: Table,
    directions: Sequence[tuple[str, str]],
    predicted: Sequence[float],
    limit: float,
) -> list[dict[str, str | float]]:
    """Return for each feature how far the predictions move against its declared direction.

    `directions` has pairs of feature and direction; `predicted` are the answers to `varied_rows` of
    these features, finite, shape (varied rows,). `largest` is the longest way back from an earlier
    to a later value of the feature on one of the `rows`, in units of the prediction; `broken` is
    the number of rows on which it is more than `limit`.
    """
    figures: list[dict[str, str | float]] = []
    start, sampled = 0, len(_sample(features))
    for name, direction in directions:
        steps = len(_values(features, name)[1])
        sign = 1.0 if direction == INCREASING else -1.0
        backs = [
            _back([sign * value for value in predicted[first : first + steps]])
            for first in range(start, start + sampled * steps, steps)
        ]
        start += sampled * steps
        figures.append(
            {
                "feature": name,
                "direction": direction,
                "rows": sampled,
                "broken": sum(back > limit for back in backs),
                "largest": max(backs),
                "limit": limit,
            }
        )
    return figures


def _back(values: Sequence[float]) -> float:
    """Return the most by which a later value is below an earlier one, 0 when none is."""
    most, highest = 0.0, -math.inf
    for value in values:
        highest = max(highest, value)
        most = max(most, highest - value)
    return most


def _sample(features: Table) -> tuple[tuple[str, ...], ...]:
    """Return at most ROWS rows at even distances."""
    count = len(features.rows)
    sampled = min(count, ROWS)
    return tuple(features.rows[number * count // sampled] for number in range(sampled))


def _values(features: Table, name: str) -> tuple[int, list[str]]:
    """Return the index of a feature, and its cells at STEPS + 1 quantiles, rising, each once."""
    if name not in features.columns:
        known = ", ".join(features.columns)
        raise ContractError(
            f"The policy declares a direction of {name}, which the rows do not have. They have "
            f"{known}."
        )
    index = features.columns.index(name)
    numbers = dict(_numbers(name, [row[index].strip() for row in features.rows]))
    ordered = sorted(numbers)
    if not ordered:
        return index, [""]
    last = len(ordered) - 1
    chosen = dict.fromkeys(ordered[step * last // STEPS] for step in range(STEPS + 1))
    return index, [numbers[number] for number in chosen]


def _numbers(name: str, cells: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Yield each number with its cell; empty cells are left out."""
    for cell in filter(None, cells):
        try:
            number = float(cell)
        except ValueError:
            raise ContractError(
                f"The policy declares a direction of {name}, which holds the text {cell[:40]!r}. "
                "Only a number can rise."
            ) from None
        if math.isfinite(number):
            yield number, cell
