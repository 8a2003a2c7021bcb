"""The comparison of two models' losses, against SciPy."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from platform_jobs.judging.comparison import LEAST_ROWS, compare
from platform_jobs.judging.intervals import mean_interval as bounds
from platform_jobs.judging.intervals import p_value, slope_interval
from platform_jobs.judging.student import t_quantile, upper_tail

GAINS = st.lists(st.floats(-1e6, 1e6), min_size=LEAST_ROWS, max_size=60)
LEVELS = st.floats(1e-9, 0.49)


@pytest.mark.parametrize("level", [0.4, 0.05, 7.5e-3, 4e-5, 1e-9])
@pytest.mark.parametrize("degrees", [1, 2, 29, 88, 441, 249_999])
def test_the_quantile_is_scipy_s(level: float, degrees: int) -> None:
    quantile = t_quantile(level, degrees)

    assert quantile == pytest.approx(float(stats.t.isf(level, degrees)), rel=1e-8)
    assert upper_tail(quantile, degrees) <= level


def test_a_median_is_zero() -> None:
    assert t_quantile(0.5, 29) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("level", "degrees"), [(0.0, 9), (-0.1, 9), (0.51, 9), (math.nan, 9), (0.05, 0)]
)
def test_an_impossible_quantile_is_refused(level: float, degrees: int) -> None:
    with pytest.raises(ValueError, match=f"level {level}, {degrees} degrees"):
        t_quantile(level, degrees)


def t_interval(values: Any, level: float) -> tuple[float, float]:
    """Return both one-sided bounds of Student's t; an interval has both tails' errors."""
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(1 - 2 * level)
    return float(low), float(high)


def hall_interval(values: Any, level: float) -> tuple[float, float]:
    """Return both bounds of Hall's transformed t, by a numerical inverse."""
    count, skew = values.size, float(stats.skew(values)) / math.sqrt(values.size)
    error, ends = float(stats.sem(values)), []
    for wanted in (stats.t.isf(level, count - 1), stats.t.ppf(level, count - 1)):

        def distance(t: float, wanted: float = float(wanted)) -> float:
            return t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6 - wanted

        ends.append(float(values.mean()) - error * optimize.brentq(distance, -1e4, 1e4))
    return ends[0], ends[1]


@pytest.mark.parametrize("level", [0.05, 4e-5])
@pytest.mark.parametrize("rows", [LEAST_ROWS, 89, 442])
def test_the_bounds_are_the_wider_ones_of_student_and_hall(rows: int, level: float) -> None:
    rng = np.random.default_rng(rows)
    actual, ours, theirs = rng.normal(size=(3, rows))

    found = compare(actual.tolist(), ours.tolist(), theirs.tolist(), level=level, look=7)

    losses, champion = (ours - actual) ** 2, (theirs - actual) ** 2
    gains = champion - losses
    lows, highs = zip(t_interval(gains, level), hall_interval(gains, level), strict=True)
    assert (found["gain_low"], found["gain_high"]) == pytest.approx((min(lows), max(highs)))
    assert found["challenger_loss"] == pytest.approx(float(losses.mean()))
    assert found["champion_loss"] == pytest.approx(float(champion.mean()))
    assert found["gain"] == pytest.approx(float(gains.mean()))
    assert (found["rows"], found["level"], found["look"]) == (rows, level, 7)


@pytest.mark.parametrize("shape", [(0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)])
@pytest.mark.parametrize("level", [0.4, 0.05, 0.004, 4e-5])
def test_the_p_value_is_the_level_at_which_the_lower_bound_is_the_null(
    shape: tuple[float, float], level: float
) -> None:
    # Skewed to the right, to the left, and not at all.
    rng = np.random.default_rng(11)
    skewed, normal = rng.exponential(size=200), rng.normal(size=200)
    values = (shape[0] * skewed + shape[1] * normal).tolist()

    _, low, _ = bounds(values, level)

    assert low is not None
    assert p_value(values, low) == pytest.approx(level, rel=1e-5)


def test_a_p_value_is_a_half_at_the_mean_and_rises_with_the_null() -> None:
    values = np.random.default_rng(12).normal(size=60).tolist()
    mean = math.fsum(values) / 60

    at_mean, near, far, farthest = (
        p_value(values, mean + shift) or 0.0 for shift in (0.0, 0.01, 0.5, 50.0)
    )

    assert at_mean == pytest.approx(0.5, abs=0.01)
    assert at_mean < near < far <= farthest <= 1.0
    assert farthest == pytest.approx(1.0)


def test_equal_values_are_certain_and_few_say_nothing() -> None:
    assert p_value([1.0] * LEAST_ROWS, 0.5) == 0.0
    assert p_value([1.0] * LEAST_ROWS, 1.0) == 1.0
    assert p_value([1.0] * (LEAST_ROWS - 1), 0.5) is None


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
def test_the_p_value_of_a_comparison_is_that_of_the_needed_gain(share: float) -> None:
    rng = np.random.default_rng(13)
    actual, theirs = rng.normal(size=(2, 300))
    ours = 0.8 * theirs + 0.2 * actual

    found = compare(actual.tolist(), ours.tolist(), theirs.tolist(), needed_share=share)

    gains = (theirs - actual) ** 2 - (ours - actual) ** 2
    needed = share * found["champion_loss"]
    assert found["p_value"] == p_value(gains.tolist(), needed)
    assert found["p_value"] >= stats.ttest_1samp(gains, needed, alternative="greater").pvalue * 0.99


def test_a_long_tail_of_losses_moves_the_lower_bound_only() -> None:
    values = -np.random.default_rng(2).lognormal(size=89)

    mean, low, high = bounds(values.tolist(), 0.01)

    student = t_interval(values, 0.01)
    assert low is not None
    assert low < student[0] - 0.1 * (mean - student[0])
    assert high == pytest.approx(student[1])


def test_a_rare_large_loss_is_missed_about_as_often_as_the_level_says() -> None:
    samples = math.exp(0.5) - np.random.default_rng(3).lognormal(size=(1_000, 89))

    missed = sum((bounds(sample.tolist(), 0.05)[1] or 0.0) > 0.0 for sample in samples)

    # Student's t alone misses 110 of them, a percentile bootstrap 190.
    assert missed <= 90


@pytest.mark.parametrize("rows", [1, 2, 5, LEAST_ROWS - 1])
def test_few_rows_have_no_bounds_even_when_all_of_them_agree(rows: int) -> None:
    found = compare([0.0] * rows, [0.1] * rows, [9.0] * rows, level=0.4)

    assert (found["gain_low"], found["gain_high"]) == (None, None)
    assert found["gain"] == pytest.approx(80.99)


def test_the_least_number_of_rows_has_bounds() -> None:
    rows = LEAST_ROWS

    found = compare([0.0] * rows, [1.0] * rows, [2.0] * rows)

    assert (found["gain_low"], found["gain"], found["gain_high"]) == (3.0, 3.0, 3.0)


@given(
    pairs=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=30, max_size=60)
)
def test_a_comparison_with_itself_gains_exactly_nothing(pairs: list[tuple[float, float]]) -> None:
    actual, predicted = zip(*pairs, strict=True)

    found = compare(actual, predicted, predicted)

    assert (found["gain_low"], found["gain_high"]) == (0.0, 0.0)


@given(gains=GAINS, level=LEVELS)
def test_exchanged_models_have_exchanged_bounds(gains: list[float], level: float) -> None:
    _, low, high = bounds(gains, level)
    _, other_low, other_high = bounds([-gain for gain in gains], level)

    assert low is not None
    assert high is not None
    assert (other_low, other_high) == (-high, -low)


@given(gains=GAINS, level=LEVELS, power=st.integers(-60, 60))
def test_the_bounds_have_the_unit_of_the_gains(
    gains: list[float], level: float, power: int
) -> None:
    scaled = bounds([math.ldexp(gain, power) for gain in gains], level)

    assert scaled == pytest.approx(
        tuple(math.ldexp(bound, power) for bound in bounds(gains, level) if bound is not None)
    )


@given(gains=GAINS, level=LEVELS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_bound(gains: list[float], level: float, order) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(gains)
    order.shuffle(shuffled)

    # The last digit of a root of squares depends on their order.
    assert bounds(shuffled, level) == pytest.approx(bounds(gains, level), rel=1e-12, abs=1e-9)


@given(gains=GAINS, levels=st.tuples(LEVELS, LEVELS))
def test_a_smaller_level_has_a_wider_interval(
    gains: list[float], levels: tuple[float, float]
) -> None:
    small, large = sorted(levels)
    mean, low, high = bounds(gains, small)
    _, inner_low, inner_high = bounds(gains, large)

    assert None not in (low, high, inner_low, inner_high)
    assert low <= inner_low <= mean <= inner_high <= high  # type: ignore[operator]


@given(
    pairs=st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=30, max_size=60)
)
def test_the_slope_is_scipy_s(pairs: list[tuple[int, int]]) -> None:
    x, y = (list(map(float, values)) for values in zip(*pairs, strict=True))
    if len(set(x)) == 1:
        assert slope_interval(x, y, 0.001) is None
        return
    if len(set(y)) == 1:
        assert slope_interval(x, y, 0.001) == (0.0, 0.0, 0.0)
        return
    found, line = slope_interval(x, y, 0.001), stats.linregress(x, y)

    reach = float(stats.t.isf(0.001, len(x) - 2)) * line.stderr
    known = (line.slope, line.slope - reach, line.slope + reach)
    # On a perfect line SciPy's error is the root of a rounding error, 1e-8 of the slope, and not 0.
    assert found == pytest.approx(known, abs=1e-6 * max(1.0, abs(line.slope)))


def test_a_champion_that_cannot_be_compared_has_a_fault_and_no_loss() -> None:
    found = compare([0.0, 1.0], [1.0, 2.0], [math.inf, 1.0])

    assert "1 of 2 predictions of the champion are not finite" in found["champion_fault"]
    assert "champion_loss" not in found
    assert found["challenger_loss"] == 1.0


def test_gains_near_the_largest_float_have_bounds() -> None:
    rng = np.random.default_rng(4)
    predicted = (rng.normal(size=90) * 1e153).tolist()

    found = compare([0.0] * 90, predicted, [0.0] * 90)

    assert math.isfinite(found["gain_low"])
    assert found["gain_low"] < found["gain"] < 0


def test_many_rows_are_compared_as_by_scipy() -> None:
    rng = np.random.default_rng(3)
    actual, ours, theirs = rng.normal(size=(3, 50_000))

    found = compare(actual.tolist(), ours.tolist(), theirs.tolist(), level=4e-5)

    interval = t_interval((theirs - actual) ** 2 - (ours - actual) ** 2, 4e-5)
    assert (found["gain_low"], found["gain_high"]) == pytest.approx(interval, rel=0.01)


@pytest.mark.parametrize(
    ("challenger", "champion", "reason"),
    [
        ([], None, "There are no rows"),
        ([1.0, 2.0], [1.0], "other rows"),
        ([1.0, math.nan], None, "1 of 2 predictions of the challenger are not finite"),
        ([1e300, 1.0], None, "too large for a finite number"),
    ],
)
def test_an_impossible_comparison_is_refused_with_its_reason(
    challenger: list[float], champion: list[float] | None, reason: str
) -> None:
    actual = [0.0] * len(challenger)

    assert reason in compare(actual, challenger, champion)["refused"]
