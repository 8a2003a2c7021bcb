"""The evidence of drift figure by figure: once more from its definition, and at each boundary."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from function_app.domain.drift.dependence import design_effects, rank_variance
from function_app.domain.drift.drift import (
    Block,
    ColumnEvidence,
    Evidence,
    add_batch,
    allowed_error,
    describe_evidence,
    threshold,
    weigh,
)
from function_app.domain.drift.e_processes import RANK_BETS
from function_app.domain.drift.observations import (
    BETS,
    ColumnCounts,
    ColumnReference,
    ErrorReference,
    LabelSums,
    ObservationBatch,
    RankSums,
    Reference,
    Watched,
)
from function_app.domain.text.figures import figure, figures
from tests.domain import vectorised_e_processes as arrays

WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)
COLUMNS = tuple(
    ColumnReference(name=name, rows=400, edges=(0.0, 1.0, 2.0), below=below, tied=tied)
    for name, below, tied in (
        ("calm", (40, 200, 360), (False, False, False)),
        ("tied", (80, 280, 400), (True, False, False)),
    )
)
ERRORS = ErrorReference(rows=90, mean=1.0, standard_error=0.2)
KNOWN = Reference(watched=WATCHED, target="Y", columns=COLUMNS)


def counts(rng: np.random.Generator, rows: int, *, up: float) -> ColumnCounts:
    """Return the counts of units, of which a share `up` exceeds each edge more than usual."""
    below = np.sort(rng.uniform(0, 1 - up, size=3)) * rows
    ranks = rng.uniform(size=rows)
    sums = RankSums(
        units=float(rows),
        total=float(ranks.sum()),
        squares=float((ranks**2).sum()),
        pairs=rows,
        differences=0.05 * rows,
    )
    return ColumnCounts(rows=float(rows), below=tuple(below.tolist()), ranks=sums)


def stream(seed: int, *, labels: bool = False, up: float = 0.3) -> tuple[Block, ...]:
    """Return blocks whose starts have gaps, as they have after some were dropped."""
    rng = np.random.default_rng(seed)
    blocks = []
    for start in (0, 1, 4, 9):
        rows = int(rng.integers(20, 60))
        won = rng.normal(scale=3, size=len(BETS)).tolist()
        sums = LabelSums(rows=rows, units=rows, winnings=tuple(won)) if labels else LabelSums()
        columns = {c.name: counts(rng, rows, up=up) for c in COLUMNS}
        blocks.append(Block(start=start, rows=rows, columns=columns, labels=sums))
    return tuple(blocks)


def log_evidence(column: ColumnReference, blocks: tuple[Block, ...], level: float) -> np.ndarray:
    """Return the logs of the e-values of both directions, up first, and that of later starts."""
    low, high = arrays.interval(column, level)
    effects = design_effects([b.columns[column.name].ranks for b in blocks], rank_variance(column))
    ups, downs = [], []
    for index, block in enumerate(blocks):
        later = [each.columns[column.name] for each in blocks[index:]]
        units = sum(each.rows for each in later) / effects[index]
        under = np.sum([each.below for each in later], axis=0) / effects[index]
        prior = 1 / ((block.start + 1) * (block.start + 2)) / (2 * len(column.edges))
        up = arrays.log_mixture((units - under)[None], under[None], 1 - low)
        down = arrays.log_mixture(under[None], (units - under)[None], high)
        ups.append(np.exp(up).sum() * prior)
        downs.append(np.exp(down).sum() * prior)
    return np.array([sum(ups), sum(downs), 1 / (blocks[-1].start + 2)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("up", [0.0, 0.4])
def test_evidence_of_columns_is_that_of_its_definition(seed: int, up: float) -> None:
    blocks = stream(seed, up=up)
    expected = {c.name: log_evidence(c, blocks, 0.05 / 4 / 2) for c in COLUMNS}

    evidence = weigh(KNOWN, blocks, 0.05)

    values = {name: float(parts.sum()) for name, parts in expected.items()}
    assert {c.name: c.e_value for c in evidence.columns} == pytest.approx(values, rel=1e-7)
    assert evidence.e_value == pytest.approx(np.mean(list(values.values())), rel=1e-7)
    assert [c.name for c in evidence.columns] == sorted(values, key=lambda name: -values[name])
    for column in evidence.columns:
        ups, downs, _ = expected[column.name]
        assert column.direction == ("up" if ups >= downs else "down")
        assert column.rows == evidence.rows == sum(block.rows for block in blocks)
    assert evidence.threshold == 41.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("up", [0.0, 0.4])
def test_half_of_the_evidence_of_a_column_with_a_mean_rank_bets_on_it(seed: int, up: float) -> None:
    column = replace(COLUMNS[0], mean_rank=0.48, rank_error=0.004)
    blocks, level = stream(seed, up=up), 0.05 / 4
    later = (blocks[-1].start + 2) ** -1
    shares = (log_evidence(column, blocks, level / 2)[:2]) / 2
    # The normal quantile at a quarter of the level: half is for the ranks, half for each side.
    reach = float(norm.isf(level / 4)) * 0.004
    effects = design_effects([b.columns["calm"].ranks for b in blocks], rank_variance(column))
    means = np.zeros(2)
    for index, block in enumerate(blocks):
        ranks = [b.columns["calm"].ranks for b in blocks[index:]]
        units, total, squares = (
            sum(getattr(each, name) for each in ranks) for name in ("units", "total", "squares")
        )
        turned = (units - total, units - 2 * total + squares)
        ends = (0.48 + reach, total, squares), (1 - 0.48 + reach, *turned)
        prior = 1 / ((block.start + 1) * (block.start + 2)) / 4
        for side, (most, first, second) in enumerate(ends):
            x, x2 = first / most - units, second / most**2 - 2 * first / most + units
            bets = np.array(RANK_BETS)
            won = np.exp((bets * x + (np.log1p(-bets) + bets) * x2) / effects[index])
            means[side] += won.mean() * prior

    (only,) = weigh(replace(KNOWN, columns=(column,)), blocks, 0.05).columns

    assert only.e_value == pytest.approx(float((shares + means).sum()) + later, rel=1e-7)
    ups, downs = shares + means
    assert only.direction == ("up" if ups >= downs else "down")


@pytest.mark.parametrize("seed", range(4))
def test_evidence_of_labels_is_that_of_its_definition(seed: int) -> None:
    blocks = stream(seed, labels=True)
    won = np.array([block.labels.winnings for block in blocks])
    later = won[::-1].cumsum(axis=0)[::-1]
    prior = np.array([1 / ((b.start + 1) * (b.start + 2)) for b in blocks])
    value = float((np.exp(later).mean(axis=1) * prior).sum() + 1 / (blocks[-1].start + 2))

    alone = weigh(replace(KNOWN, columns=(), errors=ERRORS), blocks, 0.05)
    both = weigh(replace(KNOWN, errors=ERRORS), blocks, 0.05)

    rows = sum(block.rows for block in blocks)
    assert alone.columns == (
        ColumnEvidence(name="labels", rows=rows, e_value=alone.e_value, direction="up"),
    )
    assert alone.e_value == pytest.approx(value, rel=1e-9)
    columns = weigh(KNOWN, blocks, 0.05).e_value
    assert both.e_value == pytest.approx((columns + value) / 2, rel=1e-9)
    assert len(both.columns) == 3


def test_columns_and_labels_without_a_unit_stand_at_their_later_starts() -> None:
    blocks = (Block(start=3, rows=5, columns={}),)

    evidence = weigh(replace(KNOWN, errors=ERRORS), blocks, 0.05)

    shown = [(c.name, c.rows, c.direction) for c in evidence.columns]
    assert shown == [("calm", 0, ""), ("labels", 0, ""), ("tied", 0, "")]
    assert [c.e_value for c in evidence.columns] == pytest.approx([0.2] * 3)
    assert weigh(replace(KNOWN, columns=()), blocks, 0.05).e_value == 1.0
    assert weigh(KNOWN, (), 0.05).e_value == 1.0


def test_as_much_evidence_for_both_directions_is_shown_as_up() -> None:
    column = ColumnReference(name="x", rows=400, edges=(0.0,), below=(200,), tied=(False,))
    seen = ColumnCounts(rows=10.0, below=(5.0,))
    blocks = (Block(start=0, rows=10, columns={"x": seen}),)

    (only,) = weigh(replace(KNOWN, columns=(column,)), blocks, 0.05).columns

    assert only.direction == "up"


def test_no_value_overflows() -> None:
    sums = LabelSums(rows=1, units=1, winnings=(9000.0,) * len(BETS))
    blocks = (Block(start=0, rows=1, columns={}, labels=sums),)

    evidence = weigh(replace(KNOWN, columns=(), errors=ERRORS), blocks, 0.05)

    assert evidence.e_value == math.exp(690.0)


def test_evidence_that_reaches_the_threshold_is_drift() -> None:
    evidence = Evidence(e_value=41.0, threshold=threshold(0.05), rows=1, columns=())

    assert threshold(0.05) == 41.0
    assert evidence.drifted
    assert not replace(evidence, e_value=math.nextafter(41.0, 0)).drifted
    assert not replace(evidence, e_value=math.nan).drifted


def test_texts_of_evidence_are_those_of_its_figures() -> None:
    columns = tuple(
        ColumnEvidence(name=name, rows=9, e_value=value, direction="up")
        for name, value in (("a", 40.96), ("b", 7.5), ("c", 0.25))
    )

    texts = describe_evidence(columns, 40.99, 41.0)
    none = describe_evidence((), 1.0, 41.0)

    strongest, together, needed = figures(40.96, 40.99, 41.0)
    assert len({strongest, together, needed}) == 3
    assert (texts.e_value, texts.threshold) == (together, needed)
    assert texts.columns == (strongest, figure(7.5), figure(0.25))
    assert (none.e_value, none.threshold, none.columns) == (*figures(1.0, 41.0), ())


def test_the_allowed_error_is_that_of_its_definition() -> None:
    known = replace(KNOWN, errors=ERRORS)
    reach = math.sqrt(2 * math.log(8 / 0.01))
    early = LabelSums(rows=200, units=200, total=300.0, squares=700.0)
    mean = (90 * 1.0 + 300.0) / 290
    squares = (0.2**2 * 90 + 1.0**2) * 90 + 700.0
    error = math.sqrt((squares / 290 - mean**2) / 290)
    constant = LabelSums(rows=200, units=200, total=200.0, squares=200.0)

    assert allowed_error(KNOWN, 0.25, 0.01) is None
    assert allowed_error(known, 0.25, 0.01) == pytest.approx((1 + reach * 0.2) * 1.25)
    assert allowed_error(known, 0.25, 0.01, early) == pytest.approx((mean + reach * error) * 1.25)
    before = replace(early, units=199)
    assert allowed_error(known, 0.25, 0.01, before) == allowed_error(known, 0.25, 0.01)
    same = replace(known, errors=replace(ERRORS, standard_error=0.0))
    assert allowed_error(same, 0.25, 0.01, constant) == 1.25


def batch(rows: int, labels: int = 0) -> ObservationBatch:
    sums = LabelSums(rows=labels, units=labels)
    return ObservationBatch(cursor="", rows=rows, columns={}, labels=sums)


def test_a_block_is_full_at_200_rows() -> None:
    first = add_batch((), batch(199))
    full = add_batch(first, batch(1))
    second = add_batch(full, batch(0, labels=3))

    assert [(b.start, b.rows) for b in first] == [(0, 199)]
    assert [(b.start, b.rows) for b in full] == [(0, 200)]
    assert [(b.start, b.rows, b.labels.rows) for b in second] == [(0, 200, 0), (1, 0, 3)]
    assert add_batch(second, batch(0)) == second


@given(sizes=st.lists(st.integers(200, 3000), min_size=24, max_size=60))
def test_the_start_that_is_dropped_is_the_closest_to_the_next_for_its_age(
    sizes: list[int],
) -> None:
    blocks: tuple[Block, ...] = ()
    expected: list[tuple[int, int]] = []
    for number, size in enumerate(sizes):
        blocks = add_batch(blocks, batch(size))
        expected.append((number, size))
        if len(expected) > 24:
            sums = [sum(rows for _, rows in expected[i + 1 :]) for i in range(len(expected))]
            distances = [
                (expected[i][1] + expected[i + 1][1]) / (1 + sums[i])
                for i in range(len(expected) - 2)
            ]
            i = distances.index(min(distances))
            (start, rows), (_, more) = expected[i : i + 2]
            expected[i : i + 2] = [(start, rows + more)]

        assert [(block.start, block.rows) for block in blocks] == expected
