"""Ranks of values among training rows, on a line between the edges of a column."""

import math
from bisect import bisect_left
from collections.abc import Sequence

# With fewer rows, or with ties at the edges, the mean of the ranks is too far from normal.
LEAST_ROWS = 30


def rank(edges: Sequence[float], shares: Sequence[float], value: float, level: int) -> float:
    """Return the share of the training rows under a value, on a line between the edges.

    `shares` are the shares of the rows that are at most each edge; `level` is the number of edges
    under the value.
    """
    if level == 0:
        return 0.0
    if level == len(edges):
        return 1.0
    low, high = edges[level - 1], edges[level]
    least, most = shares[level - 1], shares[level]
    return least + (most - least) * (value - low) / (high - low)


def rank_moments(
    edges: Sequence[float], shares: Sequence[float], values: Sequence[float]
) -> tuple[float, float] | None:
    """Return the mean of the training rows' own ranks and its standard error.

    None for fewer than LEAST_ROWS values, and for edges so far apart that no line joins them.
    """
    if len(values) < LEAST_ROWS or not math.isfinite(edges[-1] - edges[0]):
        return None
    ranks = [rank(edges, shares, value, bisect_left(edges, value)) for value in values]
    mean = math.fsum(ranks) / len(ranks)
    squares = math.fsum([(each - mean) ** 2 for each in ranks])
    return mean, math.sqrt(squares / (len(ranks) - 1) / len(ranks))
