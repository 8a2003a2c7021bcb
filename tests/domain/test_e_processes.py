"""The arithmetic of the drift test, against a second implementation with arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.drift.e_processes import interval, log_mixture, log_sum
from function_app.domain.drift.observations import count_column, describe_column, describe_errors
from tests.domain import vectorised_e_processes as arrays

VALUES = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=60
)


@given(values=VALUES, level=st.floats(1e-9, 0.5))
def test_intervals_are_those_of_the_second_implementation(
    values: list[float], level: float
) -> None:
    column = describe_column("x", values)
    assert column is not None

    low, high = interval(column, level)
    expected_low, expected_high = arrays.interval(column, level)

    assert low == pytest.approx(expected_low, rel=1e-9, abs=1e-9)
    assert high == pytest.approx(expected_high, rel=1e-9, abs=1e-9)
    assert all(0 <= least <= most <= 1 for least, most in zip(low, high, strict=True))


@given(
    hits=st.integers(0, 10**7),
    misses=st.integers(0, 10**7),
    most=st.one_of(st.sampled_from([0.0, 1.0, 1 - 1e-13, 1 - 1.5e-12]), st.floats(0.0, 1.0)),
)
def test_mixtures_are_those_of_the_second_implementation(
    hits: int, misses: int, most: float
) -> None:
    expected = arrays.log_mixture(
        np.array([[float(hits)]]), np.array([[float(misses)]]), np.array([most])
    )

    assert log_mixture(hits, misses, most) == pytest.approx(expected[0, 0], rel=1e-9, abs=1e-7)


def test_a_sum_of_logs_does_not_overflow() -> None:
    assert log_sum([5000.0, 5000.0]) == pytest.approx(5000 + math.log(2))
    assert log_sum([-5000.0]) == -5000


@given(values=VALUES, more=VALUES)
def test_counts_are_those_of_a_comparison_with_each_edge(
    values: list[float], more: list[float]
) -> None:
    column = describe_column("x", values)
    assert column is not None

    counted = count_column(column, [*more, math.nan, math.inf])

    assert counted.rows == len(more)
    assert counted.below == tuple(sum(v <= edge for v in more) for edge in column.edges)
    assert column.below == tuple(sum(v <= edge for v in values) for edge in column.edges)


@given(pairs=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2))
def test_errors_are_described_by_their_mean_and_its_standard_error(
    pairs: list[tuple[float, float]],
) -> None:
    actual, predicted = zip(*pairs, strict=True)
    errors = (np.array(predicted) - np.array(actual)) ** 2

    known = describe_errors(actual, predicted)

    assert known is not None
    assert known.mean == pytest.approx(errors.mean())
    expected = errors.std(ddof=1) / math.sqrt(len(pairs))
    assert known.standard_error == pytest.approx(expected, abs=1e-6)


def test_errors_of_too_few_or_infinite_answers_are_not_described() -> None:
    assert describe_errors([1.0], [1.0]) is None
    assert describe_errors([1.0, 2.0], [1.0, math.nan]) is None
