"""Two models with a known difference: power, worse challengers, and a slice that hides.

The target is the population's signal plus its noise. In mode A the better model answers the signal,
so that both models share the noise; in mode B its own deviations have 10 % of the noise's mean
square. The other model's deviations are independent and make its mean squared error as large as the
case wants.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.gates.population import Floats, Places, Rows
from benchmarks.gates.rules import RULES

MODES = {"A": 0.0, "B": 0.1}
# The share of rows in the slice, its error against the champion's, and the other rows'.
SLICE, SLICE_ERROR, OTHER_ERROR = 0.1, 2.0, 0.7


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The target and the answers of both models, each of shape (rows,), and the slice's places."""

    actual: Floats
    challenger: Floats
    champion: Floats
    hidden: Places


def draw_gain(rng: np.random.Generator, pool: Rows, count: int, gain: float, own: float) -> Judged:
    """Return answers on rows of the pool; the challenger's error is lower by the share `gain`.

    A negative gain is a challenger that is worse by that share. `own` is the better model's own
    deviations as a share of the noise.
    """
    actual, signal = _draw(rng, pool, count)
    power = float(np.mean(pool.noise**2))
    better = power * (1 + own)
    worse = better / (1 - gain) if gain >= 0 else better * (1 - gain)
    good = rng.normal(0, np.sqrt(better - power), count)
    bad = rng.normal(0, np.sqrt(worse - power), count)
    challenger, champion = (good, bad) if gain >= 0 else (bad, good)
    return Judged(
        actual=actual,
        challenger=signal + challenger,
        champion=signal + champion,
        hidden=np.empty(0, dtype=np.int64),
    )


def draw_slice(rng: np.random.Generator, pool: Rows, count: int) -> Judged:
    """Return answers of a challenger that is better but in a tenth of the rows twice as bad."""
    actual, signal = _draw(rng, pool, count)
    power = float(np.mean(pool.noise**2))
    champion = rng.normal(0, np.sqrt(power / OTHER_ERROR - power), count)
    hidden = np.arange(count) < round(SLICE * count)
    bad = power / OTHER_ERROR * SLICE_ERROR - power
    challenger = np.where(hidden, rng.normal(0, np.sqrt(bad), count), 0.0)
    return Judged(
        actual=actual,
        challenger=signal + challenger,
        champion=signal + champion,
        hidden=np.flatnonzero(hidden),
    )


def _draw(rng: np.random.Generator, pool: Rows, count: int) -> tuple[Floats, Floats]:
    """Return targets and their signal, each of shape (count,)."""
    places = rng.integers(0, len(pool), count)
    return pool.target[places], pool.target[places] - pool.noise[places]


def count_gains(
    rng: np.random.Generator, pool: Rows, count: int, gain: float, own: float, tries: int, look: int
) -> dict[str, int]:
    """Return the number of promotions by each rule in tries with a known gain."""
    promotions = dict.fromkeys(RULES, 0)
    for _ in range(tries):
        case = draw_gain(rng, pool, count, gain, own)
        for name, rule in RULES.items():
            promotions[name] += rule(case.actual, case.challenger, case.champion, look)
    return promotions


def count_slices(
    rng: np.random.Generator, pool: Rows, count: int, tries: int, *, named: bool
) -> dict[str, int]:
    """Return the number of promotions by each rule of a challenger that fails a slice.

    `named` tells the rules which rows are the slice, as a policy does that names its column.
    """
    promotions = dict.fromkeys(RULES, 0)
    for _ in range(tries):
        case = draw_slice(rng, pool, count)
        slices = {"slice": case.hidden} if named else None
        for name, rule in RULES.items():
            promotions[name] += rule(case.actual, case.challenger, case.champion, 1, slices)
    return promotions
