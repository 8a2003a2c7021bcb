"""The design effect of a column: the number of units of production that weigh as one.

Evidence for drift takes its units as independent; consecutive requests often are not. Kish, "Survey
Sampling", 1965, section 5.4, divides the number of units by the factor by which dependence
inflates the variance of their mean. Two estimates of the factor, of which the larger holds:

1. Neighbours: with the correlation r of the ranks of consecutive units of one caller, the factor of
   an autoregressive process of order 1 is (1 + r) / (1 - r). 1 - r is half of von Neumann's
   ratio ("Distribution of the ratio of the mean square successive difference to the variance",
   1941).
   The units of a short window of a slow process are close together, so that their own variance is
   too small: where they are shown to be dependent, the variance is at least the training rows'.
2. Blocks: the mean of squared differences of neighbouring blocks' means, divided by its expectation
   for independent units (batch means: Law and Kelton, "Simulation Modeling and Analysis").
   Differences of neighbours pass over one lasting change, which a variance would count.

The factor is 1 or more, so that it only lowers evidence: the bound on false alarms of drift.py
holds for independent units whatever the estimates are. For dependent ones it is an approximation,
measured in benchmarks/drift.py.
"""

import math
from collections.abc import Sequence

from function_app.domain.drift.observations import ColumnReference, RankSums

# The fewest pairs that a start's own estimate needs, and that any estimate needs.
PAIRS, LEAST_PAIRS = 50, 8
# The fewest differences of blocks, and the fewest units of such a block.
STEPS, STEP_UNITS = 8, 50.0
_NO_VARIANCE = 1e-12
# Standard errors of a correlation of independent units over which units are dependent.
_SHOWN = 3.0


def rank_variance(column: ColumnReference) -> float:
    """Return the variance of the training rows' ranks: 1/12 for a column without ties."""
    mean = squares = last = 0.0
    for below, tied in zip(column.below, column.tied, strict=True):
        share = below / column.rows
        # Between two edges the ranks are a line; at a tie they are taken as that of the edge.
        middle, spread = (share, 0.0) if tied else ((share + last) / 2, (share - last) ** 2 / 12)
        mean += (share - last) * middle
        squares += (share - last) * (middle * middle + spread)
        last = share
    return max(0.0, squares - mean * mean)


def design_effects(ranks: Sequence[RankSums], usual: float) -> list[float]:
    """Return, for each block, the factor of the units from this block to the last, at least 1.

    `usual` is the variance of the training rows' ranks. A block after which too few pairs come
    gets the factor of the nearest earlier one.
    """
    factors: list[float | None] = []
    total, squares, steps = RankSums(), 0.0, 0
    for index in range(len(ranks) - 1, -1, -1):
        total = total + ranks[index]
        if index + 1 < len(ranks):
            step = _squared_step(ranks[index], ranks[index + 1])
            if step is not None:
                squares, steps = squares + step, steps + 1
        factor = _factor(total, usual, squares, steps) if total.pairs >= PAIRS else None
        factors.append(factor)
    factors.reverse()
    return _filled(factors, _factor(total, usual, squares, steps))


def design_effect(ranks: RankSums, usual: float) -> float:
    """Return the factor of these units by their neighbours only, at least 1."""
    return _factor(ranks, usual, 0.0, 0)


def _filled(factors: list[float | None], whole: float) -> list[float]:
    filled, last = [], whole
    for factor in factors:
        last = last if factor is None else factor
        filled.append(last)
    return filled


def _factor(total: RankSums, usual: float, squares: float, steps: int) -> float:
    if total.units <= 0:
        return 1.0
    mean = total.total / total.units
    variance = total.squares / total.units - mean * mean
    if variance <= _NO_VARIANCE:
        # Constant values show no dependence; a repeated row does not count anyway.
        return 1.0
    factor = 1.0
    if total.pairs >= LEAST_PAIRS:
        change = total.differences / total.pairs / 2
        if 1 - change / variance > _SHOWN / math.sqrt(total.pairs):
            factor = _by_neighbours(change / max(variance, usual), total.units)
        else:
            factor = _by_neighbours(change / variance, total.units)
    if steps >= STEPS:
        factor = max(factor, squares / steps / variance)
    return max(1.0, min(factor, total.units))


def _by_neighbours(ratio: float, most: float) -> float:
    """Return (1 + r) / (1 - r) for 1 - r; a negative r gives no unit more weight."""
    if ratio >= 1:
        return 1.0
    return (2 - ratio) / ratio if ratio > 0 else most


def _squared_step(older: RankSums, newer: RankSums) -> float | None:
    """Return the squared difference of the means by its expectation per variance; None if small."""
    if min(older.units, newer.units) < STEP_UNITS:
        return None
    step = newer.total / newer.units - older.total / older.units
    return step * step / (1 / older.units + 1 / newer.units)
