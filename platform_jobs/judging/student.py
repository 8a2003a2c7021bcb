"""Student's t distribution, without SciPy, because its import takes longer than a comparison."""

import math

_TINY = 1e-300
_STEPS = 10_000


def t_quantile(level: float, degrees: int) -> float:
    """Return the t that is exceeded with probability `level` at `degrees` degrees of freedom.

    ValueError unless the level is above 0 and at most 0.5, and there is a degree of freedom.
    """
    if not (0.0 < level <= 0.5 and degrees >= 1):
        raise ValueError(f"No quantile of Student's t: level {level}, {degrees} degrees.")
    low, high = 0.0, 1.0
    while upper_tail(high, degrees) > level:
        low, high = high, 2.0 * high
    # The tail falls with t, so that bisection ends at neighbouring floats. The upper one is
    # returned, because its tail is not above the level.
    while low < (middle := (low + high) / 2.0) < high:
        if upper_tail(middle, degrees) > level:
            low = middle
        else:
            high = middle
    return high


def upper_tail(t: float, degrees: int) -> float:
    """Return the probability of a value above `t`, which is at least 0.

    It is half of the regularized incomplete beta function I_x(degrees / 2, 1 / 2) at
    x = degrees / (degrees + t^2): Abramowitz and Stegun 1964, 26.7.1 and 26.5.27.
    """
    square = t * t
    return 0.5 * _incomplete_beta(
        0.5 * degrees, 0.5, degrees / (degrees + square), square / (degrees + square)
    )


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """Return I_x(a, b); `rest` is 1 - x, given apart so that no digits are lost.

    The continued fraction of DLMF 8.17.22, evaluated by Lentz's method.
    """
    if x <= 0.0 or rest <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        # The fraction converges fast on the other side only.
        return 1.0 - _incomplete_beta(b, a, rest, x)
    factor = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    )
    return factor * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    upper = 1.0
    lower = value = 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    for step in range(1, _STEPS):
        double = a + 2 * step
        even = step * (b - step) * x / ((double - 1.0) * double)
        odd = -(a + step) * (a + b + step) * x / (double * (double + 1.0))
        change = 1.0
        for term in (even, odd):
            lower = 1.0 / _not_zero(1.0 + term * lower)
            upper = _not_zero(1.0 + term / upper)
            change = upper * lower
            value *= change
        if abs(change - 1.0) < 1e-15:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
