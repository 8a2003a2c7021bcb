"""The comparison of two models' errors, against a second implementation with arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_jobs.judging.comparison import compare


def bounds(gains: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> tuple[float, float]:
    """Return the one-sided 95 % bounds of a paired bootstrap of 4,000 resamples."""
    rng = np.random.default_rng(1)
    means = gains[rng.integers(0, gains.size, size=(4000, gains.size))].mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    return float(low), float(high)


@pytest.mark.parametrize("rows", [40, 89, 442])
def test_the_bounds_are_those_of_the_second_implementation(rows: int) -> None:
    rng = np.random.default_rng(rows)
    actual, ours, theirs = rng.normal(size=(3, rows))

    found = compare(actual.tolist(), ours.tolist(), theirs.tolist(), resamples=4000)

    gains = (theirs - actual) ** 2 - (ours - actual) ** 2
    low, high = bounds(gains)
    # The error of a quantile of 4,000 draws is about 2 % of the distribution's spread.
    near = 0.15 * float(gains.std()) / math.sqrt(rows)
    assert found["gain_low"] == pytest.approx(low, abs=near)
    assert found["gain_high"] == pytest.approx(high, abs=near)
    assert found["challenger_mse"] == pytest.approx(float(((ours - actual) ** 2).mean()))
    assert found["champion_mse"] == pytest.approx(float(((theirs - actual) ** 2).mean()))


@given(
    pairs=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=20)
)
def test_a_comparison_with_itself_gains_exactly_nothing(pairs: list[tuple[float, float]]) -> None:
    actual, predicted = zip(*pairs, strict=True)

    found = compare(actual, predicted, predicted, resamples=50)

    assert (found["gain_low"], found["gain_high"]) == (0.0, 0.0)


def test_the_same_seed_gives_the_same_bounds() -> None:
    rng = np.random.default_rng(3)
    rows = [values.tolist() for values in rng.normal(size=(3, 50))]

    first, again, other = (compare(*rows, seed=seed) for seed in (7, 7, 8))

    assert first == again
    assert first["gain_low"] != other["gain_low"]


@pytest.mark.parametrize(
    ("challenger", "champion", "reason"),
    [
        ([], None, "There are no rows"),
        ([1.0, 2.0], [1.0], "other rows"),
        ([1.0, math.nan], None, "1 of 2 predictions of the challenger are not finite"),
        ([1.0, 2.0], [math.inf, 1.0], "1 of 2 predictions of the champion are not finite"),
        ([1e300, 1.0], None, "too large for a finite number"),
    ],
)
def test_an_impossible_comparison_is_refused_with_its_reason(
    challenger: list[float], champion: list[float] | None, reason: str
) -> None:
    actual = [0.0] * len(challenger)

    assert reason in compare(actual, challenger, champion)["refused"]
