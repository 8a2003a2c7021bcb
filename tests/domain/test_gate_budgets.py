"""The budgets of a challenger: on both sides of each limit, with every reason as a whole."""

import math
from dataclasses import replace

import pytest

from function_app.domain.codec import dump, load
from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from function_app.domain.gating.budgets import TIMED_CALLS, Cost
from platform_jobs.probing.costs import PAIRS
from tests.domain import test_gate_limits
from tests.domain.test_gate_limits import ALONE

POLICY = GatePolicy(bar=10.0)
BYTES, MS = replace(POLICY, max_model_bytes=1_000_000), replace(POLICY, max_predict_ms=100.0)
TWICE, THRICE = replace(POLICY, max_model_ratio=2.0), replace(POLICY, max_predict_ratio=3.0)
PAIR = replace(
    test_gate_limits.PAIR,
    champion_cost=Cost(size_bytes=500_000, milliseconds=40.0, milliseconds_low=30.0),
)
P, R, U = Verdict.PROMOTE, Verdict.REJECT, Verdict.INCONCLUSIVE
TIME = "Its predict takes {} ms longer for 1,000 rows than for 1 row (the median; the least measured time is {} ms)"
UNMEASURED = "was not measured, so that its budget cannot be checked. Train again."


def sized(size: int | None) -> Cost:
    return Cost(size_bytes=size)


def timed(median: float | None, low: float | None) -> Cost:
    return Cost(milliseconds=median, milliseconds_low=low)


@pytest.mark.parametrize(
    ("policy", "comparison", "cost", "verdict", "reason"),
    [
        (BYTES, ALONE, sized(1_000_000), P, ""),
        (BYTES, ALONE, sized(1_000_001), R, "Its model folder has 1,000,001 bytes; `max_model_bytes` allows 1,000,000."),
        (BYTES, PAIR, sized(1_000_001), R, "Its model folder has 1,000,001 bytes; `max_model_bytes` allows 1,000,000."),
        (BYTES, ALONE, None, R, f"The size of the model {UNMEASURED}"),
        (TWICE, PAIR, sized(1_000_000), P, ""),
        (TWICE, PAIR, sized(1_000_001), R, "Its model folder has 1,000,001 bytes; `max_model_ratio` of 2 times the champion's allows 1,000,000."),
        (TWICE, replace(PAIR, champion_cost=None), sized(9), R, f"The size of the champion {UNMEASURED}"),
        # Without a champion there is nothing that a ratio can be of.
        (TWICE, ALONE, sized(10**12), P, ""),
        (MS, ALONE, timed(100.0, 99.0), P, ""),
        (MS, ALONE, timed(101.0, 100.0), U, f"{TIME.format(101, 100)}; `max_predict_ms` allows 100 ms."),
        (MS, ALONE, timed(130.0, 101.0), R, f"{TIME.format(130, 101)}; `max_predict_ms` allows 100 ms."),
        (MS, ALONE, timed(math.nan, math.nan), R, f"{TIME.format('not a number', 'not a number')}; `max_predict_ms` allows 100 ms."),
        (MS, ALONE, timed(None, None), R, f"The time of predict {UNMEASURED}"),
        (MS, ALONE, timed(5.0, None), R, f"The time of predict {UNMEASURED}"),
        (MS, ALONE, timed(None, 5.0), R, f"The time of predict {UNMEASURED}"),
        # The least budgets are budgets.
        (replace(POLICY, max_model_bytes=1), ALONE, sized(2), R, "Its model folder has 2 bytes; `max_model_bytes` allows 1."),
        (replace(POLICY, max_predict_ms=0.5), ALONE, timed(2.0, 1.0), R, f"{TIME.format(2, 1)}; `max_predict_ms` allows 0.5 ms."),
        (replace(POLICY, max_model_ratio=0.5), PAIR, sized(250_001), R, "Its model folder has 250,001 bytes; `max_model_ratio` of 0.5 times the champion's allows 250,000."),
        (replace(POLICY, max_predict_ratio=0.5), PAIR, timed(30.0, 21.0), R, f"{TIME.format(30, 21)}; `max_predict_ratio` of 0.5 times the champion's allows 20 ms."),
        (MS, ALONE, None, R, f"The time of predict {UNMEASURED}"),
        (THRICE, PAIR, timed(120.0, 119.0), P, ""),
        (THRICE, PAIR, timed(130.0, 121.0), R, f"{TIME.format(130, 121)}; `max_predict_ratio` of 3 times the champion's allows 120 ms."),
        (THRICE, PAIR, timed(130.0, 120.0), U, f"{TIME.format(130, 120)}; `max_predict_ratio` of 3 times the champion's allows 120 ms."),
        # A champion whose time is lost in the noise counts as 10 ms.
        (THRICE, replace(PAIR, champion_cost=timed(-4.0, -9.0)), timed(30.0, 29.0), P, ""),
        (THRICE, replace(PAIR, champion_cost=timed(-4.0, -9.0)), timed(32.0, 31.0), R, f"{TIME.format(32, 31)}; `max_predict_ratio` of 3 times the champion's allows 30 ms."),
        (THRICE, replace(PAIR, champion_cost=timed(math.nan, 1.0)), timed(5.0, 4.0), R, f"{TIME.format(5, 4)}; `max_predict_ratio` of 3 times the champion's allows not a number ms."),
        (THRICE, replace(PAIR, champion_cost=None), timed(5.0, 4.0), R, f"The time of the champion's predict {UNMEASURED}"),
        (THRICE, ALONE, timed(10_000.0, 9_999.0), P, ""),
    ],
)  # fmt: skip
def test_a_challenger_keeps_its_budgets(
    policy: GatePolicy, comparison: Comparison, cost: Cost | None, verdict: Verdict, reason: str
) -> None:
    result = judge(replace(comparison, challenger_cost=cost), policy)

    assert result.verdict is verdict
    assert [text for text in result.reasons[1:] if "inconclusive" not in text] == (
        [reason] if reason else []
    )


def test_a_champion_that_counts_as_none_sets_no_budget() -> None:
    broken = replace(PAIR, challenger_loss=9.0, champion_fault="It answers NaN.")

    result = judge(replace(broken, challenger_cost=sized(10**9)), TWICE)

    assert result.verdict is Verdict.PROMOTE


def test_without_budgets_nothing_is_measured_or_refused() -> None:
    cost = Cost(size_bytes=10**12, milliseconds=1e9, milliseconds_low=1e9)

    assert judge(replace(ALONE, challenger_cost=cost), POLICY).verdict is Verdict.PROMOTE
    assert POLICY.probe_words() == ()
    assert POLICY.evaluation_share() == 2


@pytest.mark.parametrize(
    ("policy", "words", "share"),
    [
        (BYTES, ("--size",), 2),
        (TWICE, ("--size",), 2),
        (MS, ("--time",), 24),
        (THRICE, ("--time",), 24),
        (replace(POLICY, max_model_bytes=1), ("--size",), 2),
        (replace(POLICY, max_model_ratio=0.5), ("--size",), 2),
        (replace(POLICY, max_predict_ms=0.5), ("--time",), 24),
        (replace(POLICY, max_predict_ratio=0.5), ("--time",), 24),
        (replace(BYTES, max_predict_ms=1.0, folds=5), ("--size", "--time"), 29),
    ],
)
def test_a_policy_asks_for_what_its_budgets_need(
    policy: GatePolicy, words: tuple[str, ...], share: int
) -> None:
    assert policy.probe_words() == words
    assert policy.evaluation_share() == share


def test_the_evaluation_is_given_time_for_each_timed_call() -> None:
    assert TIMED_CALLS == 1 + 2 * PAIRS


def test_a_stored_comparison_without_costs_is_read() -> None:
    known = replace(ALONE, lowest=0.0, highest=9.0)
    stored = dump(known)
    assert isinstance(stored, dict)
    del stored["challenger_cost"], stored["champion_cost"]

    assert load(Comparison, stored) == known
