"""The arithmetic of the drift test, against a second implementation with arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.drift.e_processes import (
    RANK_BETS,
    interval,
    log_mixture,
    log_rank_mixture,
    log_sum,
    mirrored,
    rank_interval,
)
from function_app.domain.drift.observations import (
    RankSums,
    count_column,
    describe_column,
    describe_errors,
)
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


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=80, unique=True))
def test_the_mean_rank_is_that_of_a_line_through_the_edges(values: list[float]) -> None:
    column = describe_column("x", values)
    assert column is not None
    assert column.mean_rank is not None
    shares = np.array(column.below) / column.rows
    ranks = np.interp(values, column.edges, shares)

    assert column.mean_rank == pytest.approx(ranks.mean(), abs=1e-9)
    expected = ranks.std(ddof=1) / math.sqrt(len(values))
    assert column.rank_error == pytest.approx(expected, abs=1e-9)
    # The normal quantile for 1 % on each side.
    low, high = rank_interval(column, 0.02) or (0.0, 0.0)
    reach = 2.3263478740408408 * expected
    assert (low, high) == pytest.approx(
        (max(ranks.mean() - reach, 0), min(ranks.mean() + reach, 1)), abs=1e-9
    )


def test_few_rows_ties_and_endless_columns_have_no_mean_rank() -> None:
    plain = [float(number) for number in range(30)]
    for values in (plain[:-1], [*plain, 14.0, 14.0], [*plain, -1.7e308, 1.7e308]):
        column = describe_column("x", values)
        assert column is not None
        assert column.mean_rank is None
        assert rank_interval(column, 0.01) is None
    column = describe_column("x", plain)
    assert column is not None
    assert column.mean_rank is not None


@given(ranks=st.lists(st.floats(0, 1), min_size=1, max_size=50), most=st.floats(0.01, 0.99))
def test_bets_on_ranks_win_by_the_sums_of_their_squares(ranks: list[float], most: float) -> None:
    x = np.array(ranks) / most - 1
    wins = [np.exp(b * x.sum() + (np.log1p(-b) + b) * (x**2).sum()) for b in RANK_BETS]

    assert log_rank_mixture(rank_sums(ranks), 1.0, most) == pytest.approx(
        math.log(np.mean(wins)), rel=1e-6, abs=1e-9
    )
    # A bet is never better than one on the mean alone, so that fair ranks do not make it grow.
    alone = [np.prod(1 + b * x) for b in RANK_BETS]
    assert all(ours <= theirs * (1 + 1e-9) for ours, theirs in zip(wins, alone, strict=True))
    halved = [math.sqrt(win) for win in wins]
    assert log_rank_mixture(rank_sums(ranks), 2.0, most) == pytest.approx(
        math.log(np.mean(halved)), rel=1e-6, abs=1e-9
    )
    mirror = rank_sums([1 - each for each in ranks])
    assert log_rank_mixture(mirrored(rank_sums(ranks)), 1.0, most) == pytest.approx(
        log_rank_mixture(mirror, 1.0, most), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_no_bet_on_ranks_is_possible_at_the_ends(most: float) -> None:
    assert log_rank_mixture(rank_sums([0.5, 1.0]), 1.0, most) == 0.0
    assert log_rank_mixture(RankSums(), 1.0, 0.5) == 0.0


def rank_sums(ranks: list[float]) -> RankSums:
    squares = math.fsum(each * each for each in ranks)
    return RankSums(units=len(ranks), total=math.fsum(ranks), squares=squares)


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
