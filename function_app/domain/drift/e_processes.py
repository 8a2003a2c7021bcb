"""The arithmetic of drift.py: intervals around known shares, and bets against them.

Plain floats, no arrays: a comparison has a few hundred numbers, and numpy would be a quarter of the
app's packages and a fifth of its start.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from function_app.domain.drift.observations import ColumnReference

# Shares between an interval's end and 1, closer together near the end: small changes are likelier.
_GRID = tuple((step / 17.0) ** 2 for step in range(1, 17))
# Halvings of an interval of length 1: its end is then exact to a float's precision.
_HALVINGS = 50


@lru_cache(maxsize=1024)
def interval(column: ColumnReference, level: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the lower and upper ends of each F(edge), valid at once with probability 1 - level.

    F(edge) is the share of values at most the edge; both tuples have one number per edge.
    """
    uniform = math.sqrt(math.log(4 / level) / (2 * column.rows))
    radius = math.log(4 * len(column.edges) / level) / column.rows
    lows, highs = [], []
    for below, tied in zip(column.below, column.tied, strict=True):
        share = below / column.rows
        # At a tie the edge's rank is not fixed beforehand, which Chernoff's bound needs.
        reach = math.inf if tied else radius
        lows.append(max(share - uniform, 1 - _farthest(1 - share, reach)))
        highs.append(min(share + uniform, _farthest(share, reach)))
    return tuple(lows), tuple(highs)


def _farthest(share: float, radius: float) -> float:
    """Return the greatest p with a Kullback-Leibler divergence KL(share, p) within the radius.

    It is from `share` to 1.
    """
    low, high = share, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _divergence(share, middle) <= radius:
            low = middle
        else:
            high = middle
    return high


def _divergence(p: float, q: float) -> float:
    """Return KL(p, q) of two coins, in nats; infinity when q excludes a side that p has."""
    hits = p * math.log(p / q) if p > 0 else 0.0
    return hits + (1 - p) * math.log((1 - p) / (1 - q)) if q < 1 else math.inf


@lru_cache(maxsize=8192)
def _bets(most: float) -> tuple[tuple[float, float], ...]:
    """Return, for each share of the grid, the log gain of a hit and of a miss.

    The bets are against shares of at most `most`. It is empty when `most` is 1: nothing is more.
    """
    if most >= 1 - 1e-12:
        return ()
    shares = [most + (1 - most) * step for step in _GRID]
    return tuple(
        (math.log(share / max(most, 1e-300)), math.log((1 - share) / (1 - most)))
        for share in shares
    )


def log_mixture(hits: float, misses: float, most: float) -> float:
    """Return the log of the mixed likelihood ratio of shares over `most` to `most` itself.

    `hits` and `misses` are sums of units' shares and of their complements, of one unit each.
    """
    bets = _bets(most)
    if not bets:
        return 0.0
    return log_sum([hits * won + misses * lost for won, lost in bets]) - math.log(len(bets))


def log_sum(logs: Sequence[float]) -> float:
    """Return the log of the sum of exponentials, without overflow; `logs` has at least one."""
    top = max(logs)
    return top + math.log(math.fsum([math.exp(log - top) for log in logs]))
