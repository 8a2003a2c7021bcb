"""Properties of the comparison and its verdict that hold for all rows."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, GateResult, Verdict, judge
from platform_jobs.judging.comparison import compare

NUMBER = st.integers(-60, 60).map(float)
# True value, error of the challenger, error of the champion.
ROWS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=28, max_size=40)
SHARES = st.floats(-0.9, 0.9)
LEVELS = st.floats(1e-6, 0.4)
Rows = list[tuple[float, float, float]]
FEW = settings(max_examples=60, deadline=None)


def judged(rows: Rows, *, level: float = 0.01, unit: float = 1.0, **policy: Any) -> GateResult:
    actual = [unit * truth for truth, _, _ in rows]
    challenger = [unit * (truth + error) for truth, error, _ in rows]
    champion = [unit * (truth + error) for truth, _, error in rows]
    comparison = load(Comparison, compare(actual, challenger, champion, level=level))
    return judge(comparison, GatePolicy(bar=1e300, **policy))


@FEW
@given(rows=ROWS, shares=st.tuples(SHARES, SHARES))
def test_a_larger_margin_lets_no_more_through(rows: Rows, shares: tuple[float, float]) -> None:
    small, large = sorted(shares)

    if judged(rows, margin=large).passed:
        assert judged(rows, margin=small).passed


@FEW
@given(rows=ROWS, effects=st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)))
def test_a_larger_minimum_effect_lets_no_more_through(
    rows: Rows, effects: tuple[float, float]
) -> None:
    small, large = sorted(effects)

    if judged(rows, minimum_effect=large).passed:
        assert judged(rows, minimum_effect=small).passed


@FEW
@given(rows=ROWS, levels=st.tuples(LEVELS, LEVELS))
def test_a_smaller_level_lets_no_more_through(rows: Rows, levels: tuple[float, float]) -> None:
    small, large = sorted(levels)

    if judged(rows, level=small).passed:
        assert judged(rows, level=large).passed


@FEW
@given(rows=ROWS, power=st.integers(-20, 20))
def test_the_unit_of_the_target_changes_no_verdict(rows: Rows, power: int) -> None:
    assert judged(rows, unit=math.ldexp(1.0, power)).verdict is judged(rows).verdict


@FEW
@given(rows=ROWS)
def test_of_two_models_that_exchange_their_parts_one_is_promoted_at_most(rows: Rows) -> None:
    exchanged = [(truth, theirs, ours) for truth, ours, theirs in rows]
    results = (judged(rows), judged(exchanged))

    # A champion that counts as none is not compared.
    if not any("counts as none" in result.reasons[0] for result in results):
        assert [result.verdict for result in results].count(Verdict.PROMOTE) <= 1


@FEW
@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_verdict(rows: Rows, order: Any) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)

    assert judged(shuffled).verdict is judged(rows).verdict


@FEW
@given(rows=ROWS, row=st.integers(0, 27), value=st.sampled_from([math.nan, math.inf, -math.inf]))
def test_one_prediction_that_is_no_number_is_enough_to_reject(
    rows: Rows, row: int, value: float
) -> None:
    truth, _, theirs = rows[row]
    rows[row] = (truth, value, theirs)

    result = judged(rows, margin=-0.9, inconclusive="ask")

    assert (result.passed, result.verdict) == (False, Verdict.REJECT)
