"""The design effect: 1 for independent units, the process' own for dependent ones."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.drift.dependence import design_effect, design_effects, rank_variance
from function_app.domain.drift.drift import Block, threshold, weigh
from function_app.domain.drift.e_processes import log_mixture
from function_app.domain.drift.observations import (
    ColumnCounts,
    RankSums,
    Reference,
    Watched,
    describe_column,
)

# The variance of ranks without ties.
USUAL = 1 / 12
Ranks = np.ndarray[tuple[int], np.dtype[np.float64]]
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)


def sums(ranks: Ranks) -> RankSums:
    return RankSums(
        units=len(ranks),
        total=float(ranks.sum()),
        squares=float((ranks**2).sum()),
        pairs=len(ranks) - 1,
        differences=float((np.diff(ranks) ** 2).sum()),
    )


def autoregressive(rng: np.random.Generator, rows: int, correlation: float) -> Ranks:
    """Return ranks of a normal process of order 1: its distribution function, of which rank is."""
    values, last = np.empty(rows), rng.normal()
    for index, noise in enumerate(rng.normal(size=rows) * math.sqrt(1 - correlation**2)):
        last = correlation * last + noise
        values[index] = last
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in values])


def test_independent_units_weigh_about_one_each() -> None:
    rng = np.random.default_rng(0)
    effects = [design_effect(sums(rng.random(1000)), USUAL) for _ in range(50)]

    assert min(effects) == 1.0
    assert np.mean(effects) < 1.1


@pytest.mark.parametrize(("correlation", "least", "most"), [(0.5, 2.2, 3.6), (0.99, 100, 300)])
def test_an_autoregressive_process_has_its_own_factor(
    correlation: float, least: float, most: float
) -> None:
    rng = np.random.default_rng(1)
    ranks = autoregressive(rng, 20_000, correlation)

    assert least < design_effect(sums(ranks), USUAL) < most


def test_a_short_window_of_a_slow_process_does_not_pass_for_independent() -> None:
    rng = np.random.default_rng(5)
    # 200 units that stay among the lowest tenth of the training rows.
    close = 0.1 * autoregressive(rng, 200, 0.9)
    free = 0.1 * rng.random(200)

    assert design_effect(sums(close), USUAL) > 100
    assert design_effect(sums(free), USUAL) < 1.5


@pytest.mark.parametrize(
    ("values", "variance"),
    [(range(1000), 1 / 12), ([0.0] * 500 + [1.0] * 500, 1 / 16), ([3.0] * 10, 0.0)],
)
def test_the_usual_variance_is_that_of_the_training_rows(
    values: Sequence[float], variance: float
) -> None:
    column = describe_column("x", values)
    assert column is not None

    assert rank_variance(column) == pytest.approx(variance, abs=1e-3)


def test_slow_waves_that_neighbours_do_not_show_are_seen_by_blocks() -> None:
    rng = np.random.default_rng(2)
    blocks = [
        sums(np.clip(rng.normal(0.3 + 0.4 * (block % 2), 0.2, 200), 0, 1)) for block in range(20)
    ]

    # A wave of 0.4 has half of the variance; 200 units of a block then weigh as about two.
    assert design_effects(blocks, USUAL)[0] > 50
    assert design_effects([blocks[0]] * 20, USUAL)[0] < 3


def test_one_lasting_change_leaves_the_units_after_it_their_weight() -> None:
    rng = np.random.default_rng(3)
    before = [sums(rng.random(200) * 0.5) for _ in range(10)]
    after = [sums(0.5 + rng.random(200) * 0.5) for _ in range(10)]

    effects = design_effects([*before, *after], USUAL)

    assert max(effects[10:]) < 2


def test_a_start_with_few_pairs_takes_the_factor_of_an_earlier_one() -> None:
    rng = np.random.default_rng(4)
    long, short = sums(autoregressive(rng, 2000, 0.9)), sums(rng.random(5))

    effects = design_effects([long, short], USUAL)

    assert effects[1] == effects[0] > 5
    assert design_effects([], USUAL) == []
    assert design_effects([RankSums()], USUAL) == [1.0]


def test_constant_units_and_few_of_them_show_no_dependence() -> None:
    assert design_effect(sums(np.full(100, 0.5)), USUAL) == 1.0
    assert design_effect(sums(np.linspace(0, 1, 5)), USUAL) == 1.0
    assert design_effect(RankSums(units=30, total=15, squares=10, pairs=29), USUAL) == 30


@given(
    hits=st.floats(0, 200), misses=st.floats(0, 200), factor=st.floats(1, 50),
    spread=st.floats(0.01, 0.3),
)  # fmt: skip
def test_a_design_effect_gives_evidence_nothing(
    hits: float, misses: float, factor: float, spread: float
) -> None:
    column = describe_column("x", list(range(100)))
    assert column is not None
    known = Reference(watched=WATCHED, target="Y", columns=(column,))
    units = hits + misses
    below = tuple(misses for _ in column.edges)
    counts = ColumnCounts(rows=units, below=below)
    ranks = RankSums(
        units=units,
        total=units / 2,
        squares=units * (0.25 + spread**2),
        pairs=100,
        differences=100 * 2 * spread**2 * 2 / (factor + 1),
    )

    def evidence(counts: ColumnCounts) -> float:
        block = Block(start=0, rows=200, columns={"x": counts})
        return weigh(known, (block,), 0.01).e_value

    whole = evidence(counts)
    assert evidence(replace(counts, ranks=ranks)) <= (whole + 1) * (1 + 1e-9)
    assert threshold(0.01) == 201


@given(
    low=st.floats(0, 1),
    high=st.floats(0, 1),
    most=st.floats(0.01, 0.99),
    odds=st.floats(0, 1),
    steps=st.integers(1, 4),
)
def test_shares_within_the_bound_win_nothing_on_average(
    low: float, high: float, most: float, odds: float, steps: int
) -> None:
    """Ville's inequality needs this: the mixture over any number of units is at most 1 on average.

    The units are shares that take two values in [0, 1] and whose mean is at most `most`.
    """
    low, high = min(low, high), max(low, high)
    if low > most:
        return
    # The greatest probability of `high` whose mean is in the bound, or a smaller one.
    chance = odds * (min(1.0, (most - low) / (high - low)) if high > low else 1.0)
    average = 0.0
    for highs in range(steps + 1):
        total = highs * high + (steps - highs) * low
        ways = math.comb(steps, highs) * chance**highs * (1 - chance) ** (steps - highs)
        average += ways * math.exp(log_mixture(total, steps - total, most))

    assert average <= 1 + 1e-9
