"""The sequential test by simulation: false alarms stay within alpha, and shifts are found."""

import math
from dataclasses import replace

import numpy as np
import pytest

from function_app.domain.codec import dump, load
from function_app.domain.drift.drift import (
    BLOCK_ROWS,
    EARLY_LABELS,
    MAX_BLOCKS,
    Block,
    Evidence,
    add_batch,
    allowed_error,
    weigh,
)
from function_app.domain.drift.observations import (
    BETS,
    ErrorReference,
    LabelSums,
    ObservationBatch,
    Reference,
    Watched,
    count_column,
    describe_column,
    describe_errors,
    sum_labels,
)

Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]]
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)


def reference(rows: Rows, errors: ErrorReference | None = None) -> Reference:
    found = [describe_column(f"x{i}", rows[:, i]) for i in range(rows.shape[1])]
    columns = tuple(column for column in found if column is not None)
    return Reference(watched=WATCHED, target="Y", columns=columns, errors=errors)


def batch(known: Reference, rows: Rows, labels: LabelSums | None = None) -> ObservationBatch:
    counts = {c.name: count_column(c, rows[:, i]) for i, c in enumerate(known.columns)}
    return ObservationBatch(cursor="", rows=len(rows), columns=counts, labels=labels or LabelSums())


def watch(known: Reference, rows: Rows, *, alpha: float, size: int) -> tuple[int | None, Evidence]:
    """Return after how many rows drift was seen, looking after each `size` rows."""
    blocks: tuple[Block, ...] = ()
    evidence = weigh(known, blocks, alpha)
    for begin in range(0, len(rows), size):
        blocks = add_batch(blocks, batch(known, rows[begin : begin + size]))
        evidence = weigh(known, blocks, alpha)
        if evidence.drifted:
            return begin + size, evidence
    return None, evidence


def draw(rng: np.random.Generator, rows: int, kind: str) -> Rows:
    """Return rows whose columns are correlated, as columns of real data are."""
    common = rng.normal(size=(rows, 1))
    columns = 0.7 * common + 0.7 * rng.normal(size=(rows, 3))
    if kind == "skewed":
        columns = np.exp(columns)
    if kind == "discrete":
        columns = np.round(columns)
    return np.asarray(columns)


def upper_bound(hits: int, trials: int, level: float = 0.05) -> float:
    """Return Clopper and Pearson's bound: greater shares give so few hits too rarely."""
    low, high = hits / trials, 1.0
    for _ in range(60):
        p = (low + high) / 2
        tail = sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(hits + 1))
        low, high = (p, high) if tail > level else (low, p)
    return high


@pytest.mark.parametrize("kind", ["normal", "skewed", "discrete"])
def test_streams_like_the_training_data_raise_false_alarms_within_alpha(kind: str) -> None:
    alpha, streams = 0.05, 300
    rng = np.random.default_rng(20260101)
    alarms = 0
    for _ in range(streams):
        # The reference is drawn again each time, because the test does not know the distribution.
        known = reference(draw(rng, 442, kind))
        seen, _ = watch(known, draw(rng, 5000, kind), alpha=alpha, size=500)
        alarms += seen is not None

    assert upper_bound(alarms, streams) <= alpha


def test_the_evidence_itself_is_no_greater_than_one_on_average() -> None:
    rng = np.random.default_rng(7)
    values = []
    for _ in range(300):
        known = reference(draw(rng, 442, "normal"))
        values.append(watch(known, draw(rng, 1000, "normal"), alpha=0.05, size=250)[1].e_value)

    assert np.mean(values) + 3 * np.std(values) / math.sqrt(len(values)) <= 1.0


@pytest.mark.parametrize(
    ("training_rows", "shift", "within"),
    [(442, 0.5, 4000), (442, 1.0, 300), (5000, 0.25, 2500), (5000, 0.5, 500)],
)
def test_a_shift_of_one_column_is_found_soon_and_named(
    training_rows: int, shift: float, within: int
) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        known = reference(rng.normal(size=(training_rows, 10)))
        rows = rng.normal(size=(within, 10))
        rows[:, 3] -= shift

        seen, evidence = watch(known, rows, alpha=0.01, size=100)

        assert seen is not None
        assert (evidence.columns[0].name, evidence.columns[0].direction) == ("x3", "down")


def test_a_change_after_long_peace_is_found_about_as_soon() -> None:
    rng = np.random.default_rng(2)
    known = reference(rng.normal(size=(442, 10)))
    rows = rng.normal(size=(23_000, 10))
    rows[20_000:, 0] += 0.7

    seen, evidence = watch(known, rows, alpha=0.01, size=250)

    assert seen is not None
    assert 20_000 < seen <= 22_000
    assert evidence.columns[0].name == "x0"


def test_a_wider_spread_and_values_that_were_never_seen_are_drift_too() -> None:
    rng = np.random.default_rng(3)
    known = reference(rng.normal(size=(442, 2)))

    wider, _ = watch(known, rng.normal(size=(3000, 2)) * 2, alpha=0.01, size=100)
    unseen, _ = watch(known, np.full((300, 2), 40.0), alpha=0.01, size=50)

    assert wider is not None
    assert unseen is not None


def test_a_constant_column_that_stays_constant_is_no_drift_and_one_that_moves_is() -> None:
    known = reference(np.full((442, 1), 3.0))

    assert watch(known, np.full((5000, 1), 3.0), alpha=0.01, size=500)[0] is None
    assert watch(known, np.full((300, 1), 4.0), alpha=0.01, size=100)[0] is not None
    assert watch(known, np.full((300, 1), 2.0), alpha=0.01, size=100)[0] is not None


def test_rows_within_a_block_count_the_same_in_any_order() -> None:
    rng = np.random.default_rng(4)
    known = reference(rng.normal(size=(442, 3)))
    rows = rng.normal(size=(BLOCK_ROWS, 3)) + 0.4
    other = rng.permutation(rows)

    def value(parts: list[Rows]) -> float:
        blocks: tuple[Block, ...] = ()
        for part in parts:
            blocks = add_batch(blocks, batch(known, part))
        return weigh(known, blocks, 0.01).e_value

    assert value(np.split(rows, 10)) == value(np.split(other, 5)) == value([rows])


def test_the_order_of_batches_changes_the_evidence_by_no_more_than_the_weight_of_a_start() -> None:
    rng = np.random.default_rng(5)
    known = reference(rng.normal(size=(5000, 3)))
    parts = np.split(rng.normal(size=(4000, 3)) + 0.3, 16)
    logs = []
    for _ in range(10):
        rng.shuffle(parts)
        blocks: tuple[Block, ...] = ()
        for part in parts:
            blocks = add_batch(blocks, batch(known, part))
        logs.append(math.log10(weigh(known, blocks, 0.01).e_value))

    # The first start has half of all weight and reads every row in each order.
    assert min(logs) > 3
    assert max(logs) - min(logs) < 0.05 * min(logs)


def test_the_state_stays_small_however_long_the_stream() -> None:
    rng = np.random.default_rng(6)
    known = reference(rng.normal(size=(442, 3)))
    blocks: tuple[Block, ...] = ()
    for _ in range(400):
        blocks = add_batch(blocks, batch(known, rng.normal(size=(250, 3))))

    assert len(blocks) == MAX_BLOCKS
    assert sum(block.rows for block in blocks) == 100_000
    assert blocks[0].start == 0
    assert blocks[-1].start == 399
    assert load(tuple[Block, ...], dump(blocks)) == blocks


def test_labels_show_that_errors_grew_and_stay_quiet_while_they_did_not() -> None:
    rng = np.random.default_rng(8)
    held_out = rng.normal(scale=50, size=200)
    errors = describe_errors(held_out, np.zeros(200))
    known = reference(rng.normal(size=(442, 1)), errors)
    allowed = allowed_error(known, margin=0.25, alpha=0.01)
    assert allowed is not None

    def labels(scale: float) -> Evidence:
        blocks: tuple[Block, ...] = ()
        for _ in range(10):
            sums = sum_labels(rng.normal(scale=scale, size=(100, 1)) ** 2, allowed)
            blocks = add_batch(blocks, batch(known, np.zeros((0, 1)), sums))
        return weigh(known, blocks, 0.01)

    assert not labels(50).drifted
    worse = labels(90)
    assert worse.drifted
    assert (worse.columns[0].name, worse.columns[0].rows) == ("labels", 1000)


def test_early_labels_bring_the_allowed_error_closer_to_the_champion_s_own() -> None:
    known = replace(
        reference(np.zeros((9, 1))), errors=ErrorReference(rows=90, mean=1.0, standard_error=0.2)
    )
    few, early = (
        sum_labels([[error] for error in np.random.default_rng(0).exponential(size=size)], 2.0)
        for size in (EARLY_LABELS - 1, 2000)
    )

    alone = allowed_error(known, 0.25, 0.01)
    assert alone == pytest.approx(1.25 * (1 + math.sqrt(2 * math.log(800)) * 0.2))
    assert allowed_error(known, 0.25, 0.01, few) == alone
    closer = allowed_error(known, 0.25, 0.01, early)
    assert closer is not None
    # The standard error of 2,090 errors with deviation 1.06 is 0.023.
    assert closer == pytest.approx(1.25 * (1 + math.sqrt(2 * math.log(800)) * 0.023), rel=0.05)


def test_early_labels_of_errors_that_grew_before_do_not_raise_the_allowed_error() -> None:
    rng = np.random.default_rng(0)
    errors = ErrorReference(rows=90, mean=1.0, standard_error=0.2)
    known = replace(reference(np.zeros((9, 1))), errors=errors)
    grown = sum_labels([[error] for error in 4 * rng.exponential(size=EARLY_LABELS)], 2.0)

    assert allowed_error(known, 0.25, 0.01, grown) == allowed_error(known, 0.25, 0.01)


def test_the_pooled_error_is_that_of_all_errors_at_once() -> None:
    rng = np.random.default_rng(1)
    held_out, labels = rng.exponential(size=80), rng.exponential(size=EARLY_LABELS)
    errors = describe_errors(np.sqrt(held_out), np.zeros(80))
    known = replace(reference(np.zeros((9, 1))), errors=errors)

    allowed = allowed_error(known, 0.0, 0.01, sum_labels([[e] for e in labels], 2.0))

    both = np.concatenate([held_out, labels])
    reach = math.sqrt(2 * math.log(800)) * both.std() / math.sqrt(len(both))
    assert allowed == pytest.approx(both.mean() + reach, rel=0.01)


def test_labels_of_one_request_are_one_unit() -> None:
    one, apart = sum_labels([[1.0, 3.0, 5.0]], 2.0), sum_labels([[1.0], [3.0], [5.0]], 2.0)

    assert (one.rows, one.units, one.squared_error, one.total) == (3, 1, 9.0, 3.0)
    assert (apart.rows, apart.units, apart.squares) == (3, 3, 35.0)
    assert one.winnings == pytest.approx([math.log1p(bet * 0.5) for bet in BETS])


def test_false_alarms_by_labels_with_heavy_tails_stay_within_alpha() -> None:
    rng = np.random.default_rng(9)
    alarms = 0
    for _ in range(300):
        # The mean differs by exactly the allowed distance: the worst case without drift.
        blocks: tuple[Block, ...] = ()
        known = Reference(
            watched=WATCHED,
            target="Y",
            columns=(),
            errors=ErrorReference(rows=100, mean=1.0, standard_error=0.1),
        )
        alarmed = False
        for _ in range(20):
            errors = rng.lognormal(mean=-0.5, sigma=1.0, size=(100, 1))
            sums = sum_labels(errors, 1.0)
            blocks = add_batch(blocks, ObservationBatch(cursor="", columns={}, labels=sums))
            alarmed |= weigh(known, blocks, 0.05).drifted
        alarms += alarmed

    assert upper_bound(alarms, 300) <= 0.05


def test_nothing_seen_is_no_evidence() -> None:
    known = reference(np.arange(100.0).reshape(-1, 1))

    assert weigh(known, (), 0.01).e_value == pytest.approx(1.0)
    assert add_batch((), ObservationBatch(cursor="", columns={})) == ()
    assert describe_column("x", [math.nan]) is None
