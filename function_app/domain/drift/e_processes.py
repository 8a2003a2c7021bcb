"""The arithmetic of drift.py: intervals around known shares, and bets against them.

Plain floats, no arrays: a comparison has a few hundred numbers, and numpy would be a quarter of the
app's packages and a fifth of its start.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from function_app.domain.drift.observations import ColumnReference, RankSums

# Shares between an interval's end and 1, closer together near the end: small changes are likelier.
_GRID = tuple((step / 17.0) ** 2 for step in range(1, 17))
# Shares of the capital that the test of the mean rank bets.
RANK_BETS = (0.04, 0.1, 0.25, 0.5)
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


@lru_cache(maxsize=1024)
def rank_interval(column: ColumnReference, level: float) -> tuple[float, float] | None:
    """Return the ends between which the expected rank lies with probability 1 - level.

    They are normal quantiles of the mean over the training rows: ranks are nearly uniform, and the
    mean of uniform variables has lighter tails than the normal (Edgeworth: its kurtosis is
    negative). None for a column without a mean rank.
    """
    if column.mean_rank is None:
        return None
    reach = _normal_quantile(level / 2) * column.rank_error
    return max(column.mean_rank - reach, 0.0), min(column.mean_rank + reach, 1.0)


def _normal_quantile(tail: float) -> float:
    """Return the number that a standard normal variable exceeds with probability `tail` <= 1/2."""
    low, high = 0.0, 40.0
    for _ in range(2 * _HALVINGS):
        middle = (low + high) / 2
        if math.erfc(middle / math.sqrt(2)) / 2 >= tail:
            low = middle
        else:
            high = middle
    return low


def log_rank_mixture(ranks: RankSums, effect: float, most: float) -> float:
    """Return the log of mixed bets that the expected rank is over `most`.

    `effect` divides the number of units. With x = rank / most - 1, which is at least -1, each bet b
    of RANK_BETS wins the product of exp(b x - (-log(1 - b) - b) x^2), at most that of 1 + b x (Fan,
    Grama and Liu 2015, "Exponential inequalities for martingales with applications", lemma 4.1):
    a supermartingale as long as the expected rank is at most `most`. Unlike a bet on the mean alone
    it gains by ranks of a small variance.
    """
    if not 0.0 < most < 1.0 - 1e-12 or ranks.units <= 0:
        return 0.0
    first = (ranks.total / most - ranks.units) / effect
    second = (ranks.squares / most - 2 * ranks.total) / most + ranks.units
    second = max(0.0, second) / effect
    logs = [bet * first + (math.log1p(-bet) + bet) * second for bet in RANK_BETS]
    return log_sum(logs) - math.log(len(logs))


def mirrored(ranks: RankSums) -> RankSums:
    """Return the sums of 1 minus each rank."""
    return RankSums(
        units=ranks.units,
        total=ranks.units - ranks.total,
        squares=ranks.units - 2 * ranks.total + ranks.squares,
    )


def log_sum(logs: Sequence[float]) -> float:
    """Return the log of the sum of exponentials, without overflow; `logs` has at least one."""
    top = max(logs)
    return top + math.log(math.fsum([math.exp(log - top) for log in logs]))
