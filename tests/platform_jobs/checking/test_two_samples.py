"""Tests of two samples, against SciPy's where it has the same one."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from platform_jobs.checking import two_samples

Samples = tuple[NDArray[np.float64], NDArray[np.float64]]
DRAWS = np.random.default_rng(3)
SMOOTH = DRAWS.normal(size=150), DRAWS.normal(0.3, 1.3, size=90)
TIED = DRAWS.integers(5, size=150).astype(float), DRAWS.integers(1, 6, size=90).astype(float)
BOTH = pytest.mark.parametrize("samples", [SMOOTH, TIED], ids=["smooth", "tied"])


@BOTH
def test_ranks_share_their_mean_where_values_are_equal(samples: Samples) -> None:
    values = np.concatenate(samples)

    assert two_samples.ranks(values).tolist() == stats.rankdata(values).tolist()


@BOTH
def test_location_is_the_test_of_mann_and_whitney(samples: Samples) -> None:
    expected = stats.mannwhitneyu(*samples, method="asymptotic", use_continuity=False).pvalue

    assert math.isclose(two_samples.location(*samples), expected, rel_tol=1e-9)


@BOTH
def test_spread_is_the_test_of_fligner_and_killeen(samples: Samples) -> None:
    # SciPy's centre is the median; that of mirrored samples is the mean of the middle half as well.
    mirrored = [np.concatenate([x, -x]) for x in samples]
    expected = stats.fligner(*mirrored, center="median").pvalue

    assert math.isclose(two_samples.spread(*mirrored), expected, rel_tol=1e-6)


def test_two_groups_of_equal_size_have_no_other_spread_when_their_middle_falls_otherwise() -> None:
    first, second = (np.repeat([0.0, 1.0], counts) for counts in ((225, 217), (217, 225)))

    assert two_samples.spread(first, second) > 0.1


@BOTH
def test_the_distance_of_distributions_is_that_of_kolmogorov_and_smirnov(samples: Samples) -> None:
    distance, p = two_samples.kolmogorov_smirnov(*samples)

    assert math.isclose(distance, stats.ks_2samp(*samples).statistic)
    size = 150 * 90 / 240
    assert math.isclose(p, stats.kstwobign.sf(math.sqrt(size) * distance))


@pytest.mark.parametrize("table", [(0, 442, 22, 442), (5, 100, 5, 50), (7, 10, 0, 9), (3, 3, 4, 4)])
def test_a_greater_share_is_found_by_fishers_exact_test(table: tuple[int, int, int, int]) -> None:
    first, rows_first, second, rows_second = table
    expected = stats.fisher_exact(
        [[second, rows_second - second], [first, rows_first - first]], alternative="greater"
    ).pvalue

    assert math.isclose(two_samples.more_often(*table), expected, rel_tol=1e-9)


def test_shares_of_categories_are_compared_by_chi_square_and_rare_ones_pooled() -> None:
    first = np.array([1] * 60 + [2] * 40 + [3, 4])
    second = np.array([1] * 30 + [2] * 60 + [5] * 8)
    expected = stats.chi2_contingency([[60, 40, 2], [30, 60, 8]], correction=False).pvalue

    assert math.isclose(two_samples.categories(first, second), expected, rel_tol=1e-9)
    assert two_samples.categories(first[:60], first[:30]) == 1.0


def test_correlations_are_spearmans_and_a_constant_column_has_none() -> None:
    noise = np.random.default_rng(4).normal(size=150)
    rows = np.column_stack([SMOOTH[0], SMOOTH[0] ** 3 + noise, np.ones(150)])

    first, second, p = two_samples.correlations(rows, rows[:90])

    assert math.isclose(first[0, 1], stats.spearmanr(rows[:, 0], rows[:, 1]).statistic)
    assert first[0, 2] == second[1, 2] == 0.0
    assert p[0, 1] > 0.05


def test_welchs_t_and_its_tail_are_scipys() -> None:
    t, freedom = two_samples.mean_difference(*SMOOTH)
    expected = stats.ttest_ind(SMOOTH[1], SMOOTH[0], equal_var=False)

    assert math.isclose(t, expected.statistic)
    assert math.isclose(freedom, expected.df)
    assert math.isclose(2 * two_samples.lower_tail(-abs(t), freedom), expected.pvalue)


def test_the_energy_distance_is_the_share_of_permutations_that_are_as_far() -> None:
    rng = np.random.default_rng(5)
    near, far = rng.normal(size=(60, 3)), rng.normal(1.0, 1.0, size=(50, 3))

    assert two_samples.energy(near, far, 99, seed=0) == 0.01
    assert two_samples.energy(near[:30], near[30:], 99, seed=0) > 0.01


def test_a_value_that_became_frequent_is_found_with_its_counts() -> None:
    first, second = np.random.default_rng(6).normal(size=(2, 442))
    second[:30] = -9.0

    value, p, before, now = two_samples.atom(first, second)

    assert (value, before, now) == (-9.0, 0, 30)
    assert math.isclose(p, two_samples.more_often(0, 442, 30, 442))


def test_values_that_occur_as_often_as_before_are_no_atoms() -> None:
    first = np.repeat([0.0, 1.0, 2.0], 100)

    assert two_samples.atom(first, first[::-1])[1] == 1.0
