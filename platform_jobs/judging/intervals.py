"""Intervals of means and slopes by Student's t."""

import math
from collections.abc import Sequence
from operator import mul

from platform_jobs.judging.student import t_quantile, upper_tail

# With fewer rows a mean is too far from normal at the levels of a gate: no bound.
LEAST_ROWS = 30
Interval = tuple[float, float | None, float | None]


def mean_interval(values: Sequence[float], level: float) -> Interval:
    """Return the mean of the values, and its lower and upper bound at a one-sided level.

    Each bound is that of Student's t or that of Hall's transformed t, whichever is farther from the
    mean. Student's alone is too near to the mean on the side of a long tail: rare large losses are
    missing in most samples. Hall 1992, "On the removal of skewness by transformation", Journal of
    the Royal Statistical Society B 54. Both bounds are None below LEAST_ROWS values.
    """
    count = len(values)
    mean, error, skew = _moments(values)
    if count < LEAST_ROWS:
        return mean, None, None
    if error == 0.0:
        return mean, mean, mean
    quantile = t_quantile(level, count - 1)
    low = error * max(quantile, _hall(quantile, skew))
    high = error * max(quantile, _hall(quantile, -skew))
    return mean, mean - low, mean + high


def p_value(values: Sequence[float], null: float) -> float | None:
    """Return the p-value of the hypothesis that the expected value is at most `null`.

    It is the level at which `null` is the lower bound of `mean_interval`; None below LEAST_ROWS
    values.
    """
    count = len(values)
    if count < LEAST_ROWS:
        return None
    mean, error, skew = _moments(values)
    if error == 0.0:
        return 0.0 if mean > null else 1.0
    distance = (mean - null) / error
    quantile = min(distance, _unhall(distance, skew))
    tail = upper_tail(abs(quantile), count - 1)
    return tail if quantile >= 0.0 else 1.0 - tail


def _moments(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, its standard error, and the skewness over the root of the number of values.

    The last two are 0 when all values are equal.
    """
    count = len(values)
    mean = math.fsum(values) / count
    differences = [value - mean for value in values]
    # hypot, because it neither overflows nor rounds small values to 0, and is written in C.
    spread = math.hypot(*differences)
    if spread == 0.0:
        return mean, 0.0, 0.0
    skew = math.fsum([(part := value / spread) * part * part for value in differences])
    return mean, spread / math.sqrt((count - 1) * count), skew


def _hall(quantile: float, skew: float) -> float:
    """Return the quantile of t that Hall's transformation maps to this one.

    `skew` is the skewness divided by the root of the number of values.
    """
    if abs(skew) < 1e-9:
        return quantile
    inner = 1.0 + skew * (quantile - skew / 6.0)
    return 3.0 / skew * (math.copysign(abs(inner) ** (1.0 / 3.0), inner) - 1.0)


def _unhall(distance: float, skew: float) -> float:
    """Return the quantile that `_hall` transforms into this distance."""
    if abs(skew) < 1e-9:
        return distance
    return ((1.0 + skew * distance / 3.0) ** 3 - 1.0) / skew + skew / 6.0


def slope_interval(x: Sequence[float], y: Sequence[float], level: float) -> Interval | None:
    """Return the least-squares slope of `y` on `x` and its bounds at a one-sided level.

    None when all of `x` are equal. The standard error is the ordinary one (Draper and Smith 1998,
    section 1.4). Both bounds are None below LEAST_ROWS values.
    """
    count = len(x)
    mean_x, mean_y = math.fsum(x) / count, math.fsum(y) / count
    scale_x = max(max(x) - mean_x, mean_x - min(x))
    scale_y = max(max(y) - mean_y, mean_y - min(y))
    if scale_x == 0.0:
        return None
    if scale_y == 0.0:
        return 0.0, 0.0, 0.0
    # Scaled, because products of large or small differences would leave the range of floats.
    across = [(value - mean_x) / scale_x for value in x]
    above = [(value - mean_y) / scale_y for value in y]
    spread = math.hypot(*across) ** 2
    slope = math.fsum(map(mul, across, above)) / spread
    unit = scale_y / scale_x
    if count < LEAST_ROWS:
        return slope * unit, None, None
    rest = math.hypot(*[b - slope * a for a, b in zip(across, above, strict=True)])
    reach = t_quantile(level, count - 2) * rest / math.sqrt((count - 2) * spread)
    return slope * unit, (slope - reach) * unit, (slope + reach) * unit
