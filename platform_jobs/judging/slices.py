"""Slices of the judging rows: the rows of one category, or of one quartile of a column."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

from platform_jobs.errors import ContractError
from platform_jobs.judging.metrics import Given, Metric
from platform_jobs.tables.tables import Table

# A column with at most so many values is categories, also when these are numbers.
MOST_CATEGORIES = 10
OTHER = "other values"
# In no slice may the loss be shown, or left in doubt, to be higher than the champion's by this.
TOLERANCE = 0.25
# Every slice must be shown not to be worse, so that no slice needs a smaller level
# (intersection-union test: Berger 1982).
LEVEL = 0.05

Groups = dict[str, list[int]]


def group_rows(features: Table, columns: Sequence[str]) -> Groups:
    """Return the numbers of the rows of each slice, by the slice's name, such as `sex = 1`.

    A column of numbers with more than MOST_CATEGORIES values has its quartiles as slices, another
    column its most frequent values, and the rest as one. ContractError for an unknown column.
    """
    groups: Groups = {}
    for column in columns:
        if column not in features.columns:
            known = ", ".join(features.columns)
            raise ContractError(
                f"The policy names slices of the column {column}, which the rows do not have. They "
                f"have {known}."
            )
        index = features.columns.index(column)
        groups |= _of_column(column, [row[index].strip() for row in features.rows])
    return groups


def slice_figures(
    metric: Metric[Given],
    groups: Mapping[str, Sequence[int]],
    actual: Sequence[float],
    challenger: Sequence[Given],
    champion: Sequence[Given],
) -> list[dict[str, str | float | None]]:
    """Return the figures of each slice, from true values and both predictions of shape (rows,).

    `reserve` is (1 + TOLERANCE) times the champion's mean loss minus the challenger's, with
    1 - TOLERANCE where a signed metric is below 0; its bounds are one-sided at LEVEL, None for few
    rows.
    """
    figures: list[dict[str, str | float | None]] = []
    for name, rows in groups.items():
        truths = [actual[row] for row in rows]
        ours = metric.losses(truths, [challenger[row] for row in rows])
        theirs = metric.losses(truths, [champion[row] for row in rows])
        # Of losses below 0 the excess is a share of their magnitude.
        below = metric.signed and math.fsum(theirs) < 0.0
        factor = 1.0 - TOLERANCE if below else 1.0 + TOLERANCE
        differences = [factor * b - a for a, b in zip(ours, theirs, strict=True)]
        reserve, low, high = metric.interval(truths, differences, LEVEL)
        figures.append(
            {
                "name": name,
                "rows": len(rows),
                "challenger_loss": math.fsum(ours) / len(ours),
                "champion_loss": math.fsum(theirs) / len(theirs),
                "tolerance": TOLERANCE,
                "reserve": reserve,
                "reserve_low": low,
                "reserve_high": high,
            }
        )
    return figures


def _of_column(column: str, cells: list[str]) -> Groups:
    counts = Counter(cells)
    if len(counts) > MOST_CATEGORIES and (numbers := _numbers(cells)) is not None:
        return _quartiles(column, numbers)
    frequent = {value for value, _ in sorted(counts.items(), key=_by_size)[:MOST_CATEGORIES]}
    groups: Groups = {}
    for row, cell in enumerate(cells):
        value = (cell or "(empty)") if cell in frequent else OTHER
        groups.setdefault(f"{column} = {value}", []).append(row)
    return groups


def _by_size(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _numbers(cells: list[str]) -> list[float] | None:
    """Return the cells as numbers, NaN for an empty one; None when one is other text."""
    try:
        numbers = [float(cell) if cell else math.nan for cell in cells]
    except ValueError:
        return None
    return numbers


def _quartiles(column: str, numbers: list[float]) -> Groups:
    known = sorted(number for number in numbers if not math.isnan(number))
    cuts = [known[math.ceil(len(known) * part / 4) - 1] for part in (1, 2, 3)]
    groups: Groups = {}
    for row, number in enumerate(numbers):
        where = "(empty)" if math.isnan(number) else f"quarter {bisect_left(cuts, number) + 1}"
        groups.setdefault(f"{column}, {where}", []).append(row)
    return groups
