"""Rules that every right model keeps: their limits, their words, and models that break them."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from function_app.domain.codec import load
from function_app.domain.gates import (
    Comparison,
    Figures,
    GatePolicy,
    GateResult,
    Slice,
    Verdict,
    judge,
)
from platform_jobs.judging.comparison import compare

POLICY = GatePolicy(bar=4500.0)
RIGHT = Figures(
    skill=3000.0,
    skill_low=2000.0,
    skill_high=4000.0,
    bias=1.0,
    bias_low=-10.0,
    bias_high=12.0,
    rms=50.0,
    slope=1.0,
    slope_low=0.8,
    slope_high=1.2,
    largest=150.0,
    tail=100.0,
    lowest=60.0,
    highest=280.0,
)
FIRST = Comparison(rows=442, challenger_loss=2500.0, lowest=25.0, highest=346.0, challenger=RIGHT)
BOTH = replace(
    FIRST,
    champion_loss=3500.0,
    champion=RIGHT,
    gain=1000.0,
    gain_low=700.0,
    gain_high=1300.0,
    level=4e-5,
    look=9,
)


def just_above(value: float) -> float:
    return math.nextafter(value, math.inf)


def just_below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def verdict_on(**change: Any) -> Verdict | None:
    result = judge(replace(FIRST, challenger=replace(RIGHT, **change)), POLICY)

    assert result.passed is (result.verdict is Verdict.PROMOTE)
    return result.verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.PROMOTE),
        ({"constant": True}, Verdict.REJECT),
        ({"skill_low": 0.0}, Verdict.INCONCLUSIVE),
        ({"skill_low": just_above(0.0)}, Verdict.PROMOTE),
        ({"skill": 0.0, "skill_low": -1.0}, Verdict.REJECT),
        ({"skill_low": None, "skill_high": None}, Verdict.INCONCLUSIVE),
        ({"skill_low": math.nan}, Verdict.INCONCLUSIVE),
        ({"skill": math.nan, "skill_low": math.nan}, Verdict.REJECT),
        # A bias counts when it is shown, and when it is large.
        ({"bias": 12.5, "bias_low": 1.0, "bias_high": 24.0}, Verdict.PROMOTE),
        ({"bias": just_above(12.5), "bias_low": 1.0, "bias_high": 24.0}, Verdict.REJECT),
        ({"bias": -13.0, "bias_low": -24.0, "bias_high": -1.0}, Verdict.REJECT),
        ({"bias": 13.0, "bias_low": 0.0, "bias_high": 26.0}, Verdict.PROMOTE),
        ({"bias": math.nan, "bias_low": 1.0, "bias_high": 2.0}, Verdict.REJECT),
        ({"bias": 13.0, "bias_low": math.nan, "bias_high": math.nan}, Verdict.REJECT),
        ({"slope": 2.5, "slope_low": 2.0, "slope_high": 3.0}, Verdict.PROMOTE),
        ({"slope": 2.5, "slope_low": just_above(2.0), "slope_high": 3.0}, Verdict.REJECT),
        ({"slope": 0.4, "slope_low": 0.3, "slope_high": 0.5}, Verdict.PROMOTE),
        ({"slope": 0.4, "slope_low": 0.3, "slope_high": just_below(0.5)}, Verdict.REJECT),
        ({"slope_low": math.nan, "slope_high": math.nan}, Verdict.REJECT),
        ({"lowest": 25.0 - 321.0}, Verdict.PROMOTE),
        ({"lowest": just_below(25.0 - 321.0)}, Verdict.REJECT),
        ({"highest": 346.0 + 321.0}, Verdict.PROMOTE),
        ({"highest": just_above(346.0 + 321.0)}, Verdict.REJECT),
        ({"highest": math.nan}, Verdict.REJECT),
    ],
)
def test_a_first_model_keeps_the_rules_of_sanity(change: dict[str, Any], verdict: Verdict) -> None:
    assert verdict_on(**change) is verdict


BIASED = {"bias": 13.0, "bias_low": 1.0, "bias_high": 25.0}
STEEP = {"slope": 2.5, "slope_low": 2.1, "slope_high": 2.9}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (BIASED, Verdict.REJECT),
        *(({**BIASED, each: None}, Verdict.PROMOTE) for each in (*BIASED, "rms")),
        (STEEP, Verdict.REJECT),
        *(({**STEEP, each: None}, Verdict.PROMOTE) for each in STEEP),
        ({"lowest": -9e9, "highest": None}, Verdict.PROMOTE),
        ({"lowest": None, "highest": 9e9}, Verdict.PROMOTE),
        ({"skill": None, "skill_low": -1.0}, Verdict.PROMOTE),
        ({"skill": 0.5, "skill_low": -1.0}, Verdict.INCONCLUSIVE),
        ({"bias": -13.0, "bias_low": -26.0, "bias_high": 0.0}, Verdict.PROMOTE),
    ],
)
def test_a_figure_that_the_metric_does_not_have_breaks_no_rule(
    change: dict[str, Any], verdict: Verdict
) -> None:
    assert verdict_on(**change) is verdict


def test_the_words_of_the_verdicts_are_those_of_stored_results() -> None:
    words = [verdict.value for verdict in Verdict]

    assert words == ["pass", "promote", "reject", "inconclusive"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"constant": True}, "It predicts the same value for every row."),
        (
            {"skill": -2.0, "skill_low": -5.0},
            "It is not shown to be better than the best constant prediction: its gain is -2, at "
            "least -5 at 99 % confidence.",
        ),
        (
            {"skill_low": None},
            "The rows are too few to show that it is better than the best constant prediction.",
        ),
        (
            {"bias": -31.0, "bias_low": -40.0, "bias_high": -22.0},
            "Its predictions are biased by -31 on average; 12.5 is allowed either way.",
        ),
        (
            {"slope": 3.3, "slope_low": 3.0, "slope_high": 3.6},
            "Its predictions are not calibrated: the true value changes by 3.3 for each 1 of the "
            "prediction; 0.5 to 2 is allowed.",
        ),
        (
            {"highest": 9000.0},
            "Its predictions go from 60 to 9000, and the true values from 25 to 346: they may "
            "leave this range by its width at most.",
        ),
    ],
)
def test_a_broken_rule_has_its_figures_in_its_reason(change: dict[str, Any], reason: str) -> None:
    result = judge(replace(FIRST, challenger=replace(RIGHT, **change)), POLICY)

    assert result.reasons[1] == reason


@pytest.mark.parametrize(
    ("change", "margin", "passed"),
    [
        ({"tail": 125.0, "largest": 300.0}, 0.0, True),
        ({"tail": just_above(125.0)}, 0.0, False),
        ({"largest": just_above(300.0)}, 0.0, False),
        ({"tail": math.nan}, 0.0, False),
        ({"largest": math.nan}, 0.0, False),
        # A policy that lets the mean be worse lets the tail be worse by the same share.
        ({"tail": 187.5, "largest": 450.0}, -0.5, True),
        ({"tail": just_above(187.5)}, -0.5, False),
        ({"tail": None, "largest": None}, 0.0, True),
    ],
)
def test_the_tail_of_the_errors_is_not_much_worse_than_the_champion_s(
    change: dict[str, Any], margin: float, passed: bool
) -> None:
    comparison = replace(BOTH, challenger=replace(RIGHT, **change))

    result = judge(comparison, replace(POLICY, margin=margin))

    assert result.passed is passed
    assert result.verdict is (Verdict.PROMOTE if passed else Verdict.REJECT)


@pytest.mark.parametrize("other", ["challenger", "champion"])
def test_a_tail_that_one_model_does_not_have_hides_no_largest_error(other: str) -> None:
    change: dict[str, Any] = {"challenger": replace(RIGHT, largest=301.0)}
    change[other] = replace(change.get(other, RIGHT), tail=None)

    result = judge(replace(BOTH, **change), POLICY)

    assert result.verdict is Verdict.REJECT
    assert result.reasons[1].startswith("Its largest absolute error is 301")


def test_a_tail_has_both_figures_in_its_reason() -> None:
    worse = replace(RIGHT, tail=126.0, largest=301.0)

    assert judge(replace(BOTH, challenger=worse), POLICY).reasons[1:3] == (
        "Its 95 % quantile of the absolute errors is 126 against 100 of the champion; 125 is "
        "allowed.",
        "Its largest absolute error is 301 against 150 of the champion; 300 is allowed.",
    )


SLICE = Slice(
    name="sex = 2",
    rows=100,
    challenger_loss=3000.0,
    champion_loss=2900.0,
    tolerance=0.25,
    reserve=625.0,
    reserve_low=10.0,
    reserve_high=1240.0,
)


@pytest.mark.parametrize(
    ("change", "verdict", "end"),
    [
        ({}, Verdict.PROMOTE, ""),
        ({"rows": 99}, Verdict.INCONCLUSIVE, "a slice needs 100 rows to be judged."),
        ({"reserve_low": 0.0}, Verdict.INCONCLUSIVE, "it may be worse by more than 25 %."),
        ({"reserve_low": 0.5}, Verdict.PROMOTE, ""),
        ({"reserve_low": None}, Verdict.INCONCLUSIVE, "a slice needs 100 rows to be judged."),
        ({"reserve_high": None}, Verdict.INCONCLUSIVE, "a slice needs 100 rows to be judged."),
        ({"reserve_low": -5.0, "reserve_high": 0.0}, Verdict.INCONCLUSIVE, "more than 25 %."),
        (
            {"reserve_low": -5.0, "reserve_high": just_below(0.0)},
            Verdict.REJECT,
            "it is shown to be worse by more than 25 %.",
        ),
        ({"reserve_low": math.nan}, Verdict.INCONCLUSIVE, "more than 25 %."),
        ({"reserve_high": math.nan}, Verdict.REJECT, "more than 25 %."),
    ],
)
def test_a_slice_must_be_shown_not_to_be_worse(
    change: dict[str, Any], verdict: Verdict, end: str
) -> None:
    one = replace(SLICE, **change)

    result = judge(replace(BOTH, slices=(SLICE, one)), POLICY)

    assert result.verdict is verdict
    if end:
        begin = f"On the {one.rows} rows with sex = 2 its loss is 3000 against 2900: "
        assert result.reasons[1].startswith(begin)
        assert result.reasons[1].endswith(end)


INCONCLUSIVE = replace(BOTH, gain=100.0, gain_low=-50.0, gain_high=250.0)


@pytest.mark.parametrize(
    ("answer", "comparison", "passed", "reason"),
    [
        ("keep", INCONCLUSIVE, False, "The result is inconclusive, so that nothing changes."),
        (
            "ask",
            INCONCLUSIVE,
            True,
            "The result is inconclusive. The approvers decide by these figures.",
        ),
        (
            "ask",
            replace(INCONCLUSIVE, gain=70.0),
            False,
            "The result is inconclusive. No approver is asked, because the measured gain of 70 is "
            "not above 70.",
        ),
        ("ask", replace(INCONCLUSIVE, gain=just_above(70.0)), True, "by these figures."),
    ],
)
def test_the_policy_answers_an_inconclusive_result(
    answer: str, comparison: Comparison, passed: bool, reason: str
) -> None:
    result = judge(comparison, replace(POLICY, inconclusive=answer))

    assert (result.passed, result.verdict) == (passed, Verdict.INCONCLUSIVE)
    assert result.reasons[-1].endswith(reason)


def test_approvers_are_not_asked_about_a_model_that_breaks_a_rule() -> None:
    comparison = replace(INCONCLUSIVE, challenger=replace(RIGHT, constant=True))

    result = judge(comparison, replace(POLICY, inconclusive="ask"))

    assert (result.passed, result.verdict) == (False, Verdict.REJECT)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"champion": replace(RIGHT, constant=True)},
            "The champion counts as none: it predicts the same value for every row; mse "
            "2500 is within the bar of 4500.",
        ),
        (
            {"champion": replace(RIGHT, skill_high=-1.0)},
            "The champion counts as none: it is shown to be worse than the best constant "
            "prediction; mse 2500 is within the bar of 4500.",
        ),
        (
            {
                "champion": None,
                "champion_loss": None,
                "champion_fault": "3 of 9 predictions of the champion are not finite numbers.",
            },
            "The champion counts as none: 3 of 9 predictions of the champion are not "
            "finite numbers; mse 2500 is within the bar of 4500.",
        ),
    ],
)
def test_a_champion_that_cannot_be_right_counts_as_none(
    change: dict[str, Any], reason: str
) -> None:
    worse = replace(BOTH, gain=-10.0, gain_low=-20.0, gain_high=-1.0, **change)

    result = judge(worse, POLICY)

    assert (result.passed, result.reasons[0]) == (True, reason)
    assert not judge(worse, replace(POLICY, bar=2499.0)).passed
    assert not judge(replace(worse, challenger=replace(RIGHT, constant=True)), POLICY).passed


@pytest.mark.parametrize("high", [0.0, None])
def test_a_champion_that_may_be_right_counts(high: float | None) -> None:
    unlucky = replace(RIGHT, skill=-9.0, skill_low=-99.0, skill_high=high)

    assert judge(replace(BOTH, champion=unlucky), POLICY).reasons[0].startswith("The challenger")


def rows_like_diabetes(seed: int, number: int) -> "tuple[Any, Any]":
    """Return true values and right predictions: mse 2828 of a variance of 5915."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(152.0, math.sqrt(5915 - 2828), number)
    return signal + rng.normal(0.0, math.sqrt(2828), number), signal


def judged(actual: Any, predicted: Any, champion: Any = None) -> GateResult:
    others = None if champion is None else champion.tolist()
    return judge(load(Comparison, compare(actual.tolist(), predicted.tolist(), others)), POLICY)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: p - 31.0, "biased by -3"),
        (lambda p: 152.0 + 0.3 * (p - 152.0), "not calibrated"),
        (lambda p: p * 0.0 + 152.0, "the same value"),
        (lambda p: np.random.default_rng(1).normal(152.0, 1.0, p.size), "best constant"),
        (lambda p: np.where(np.arange(p.size) == 7, 2000.0, p), "Its predictions go from"),
    ],
)
def test_a_first_model_that_is_spoilt_does_not_pass(spoil: Any, reason: str) -> None:
    actual, right = rows_like_diabetes(3, 442)

    assert judged(actual, right).passed
    result = judged(actual, spoil(right))
    assert not result.passed
    assert reason in " ".join(result.reasons)


def test_a_right_first_model_passes_on_89_rows_in_nearly_every_world() -> None:
    passed = sum(judged(*rows_like_diabetes(seed, 89)).passed for seed in range(100))

    assert passed >= 95


def test_rare_catastrophes_are_no_better_mean() -> None:
    actual, right = rows_like_diabetes(5, 442)
    champion = actual + 1.3 * (right - actual)
    rare = np.where(np.arange(442) % 200 == 9, right + 500.0, right)

    assert judged(actual, right, champion).passed
    result = judged(actual, rare, champion)
    assert not result.passed
    assert "Its largest absolute error is" in " ".join(result.reasons)
