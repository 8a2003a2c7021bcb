"""The gate at its limits: figures equal to them, on both sides, and every reason as a whole."""

import math
from dataclasses import replace

import pytest

from function_app.domain.gates import Comparison, GatePolicy, GateResult, Verdict, judge

POLICY = GatePolicy(bar=10.0)
ASKING = GatePolicy(bar=10.0, inconclusive="ask")
# The champion's loss is 100, so that a gain of more than 2 is needed.
PAIR = Comparison(
    rows=442,
    challenger_loss=90.0,
    champion_loss=100.0,
    gain=10.0,
    gain_low=4.0,
    gain_high=16.0,
    level=0.001,
)
ALONE = Comparison(rows=442, challenger_loss=9.0)
WORDS = "mse 90 against 100 on 442 rows. The gain is between"
ENDING = "each bound at 99.9 % confidence; more than 2 is needed."
BETTER, UNSURE, WORSE = (
    "The challenger is shown to be better",
    "The rows do not show whether the challenger is better by enough",
    "The challenger is shown not to be better by enough",
)
KEPT = "The result is inconclusive, so that nothing changes."
ASKED = "The result is inconclusive. The approvers decide by these figures."


@pytest.mark.parametrize(
    ("low", "high", "verdict", "text"),
    [
        (4.0, 16.0, Verdict.PROMOTE, f"{BETTER}: {WORDS} 4 and 16, {ENDING}"),
        (2.5, 3.0, Verdict.PROMOTE, f"{BETTER}: {WORDS} 2.5 and 3, {ENDING}"),
        # A bound equal to the needed gain shows nothing.
        (2.0, 16.0, Verdict.INCONCLUSIVE, f"{UNSURE}: {WORDS} 2 and 16, {ENDING}"),
        (-4.0, 2.5, Verdict.INCONCLUSIVE, f"{UNSURE}: {WORDS} -4 and 2.5, {ENDING}"),
        (-4.0, 2.0, Verdict.REJECT, f"{WORSE}: {WORDS} -4 and 2, {ENDING}"),
        (-9.0, -5.0, Verdict.REJECT, f"{WORSE}: {WORDS} -9 and -5, {ENDING}"),
    ],
)
def test_the_bounds_of_the_gain_decide(
    low: float, high: float, verdict: Verdict, text: str
) -> None:
    result = judge(replace(PAIR, gain_low=low, gain_high=high), POLICY)

    assert (result.verdict, result.passed) == (verdict, verdict is Verdict.PROMOTE)
    assert result.reasons == (text, *([KEPT] if verdict is Verdict.INCONCLUSIVE else []))


@pytest.mark.parametrize(
    ("policy", "share"),
    [
        (POLICY, 0.02),
        (replace(POLICY, minimum_effect=0.05), 0.05),
        (replace(POLICY, margin=0.01), 0.02),
        (replace(POLICY, margin=0.03), 0.03),
        (replace(POLICY, margin=0.0, minimum_effect=0.0), 0.0),
        # A negative margin lets a model through that is worse by less.
        (replace(POLICY, margin=-0.1), -0.1),
    ],
)
def test_the_needed_share_is_the_larger_of_margin_and_minimum_effect(
    policy: GatePolicy, share: float
) -> None:
    assert policy.needed_share() == share


@pytest.mark.parametrize(("loss", "needed"), [(100.0, 2.0), (0.0, 0.0), (-0.001, 0.0)])
def test_an_estimated_loss_below_0_needs_no_negative_gain(loss: float, needed: float) -> None:
    assert POLICY.needed_gain(loss) == needed
    estimate = replace(PAIR, champion_loss=loss, gain_low=needed, gain_high=needed + 1.0)
    assert judge(estimate, POLICY).verdict is Verdict.INCONCLUSIVE


def test_the_loss_of_calibration_has_its_unit_in_its_name() -> None:
    assert GatePolicy(bar=1.0, metric="calibration").loss == "squared calibration error"


def test_a_gain_within_a_negative_margin_says_so() -> None:
    policy = replace(POLICY, margin=-0.1)

    within = judge(replace(PAIR, gain=-2.0, gain_low=-4.0, gain_high=1.0), policy)
    none = judge(replace(PAIR, gain=1.0, gain_low=0.0, gain_high=1.0), policy)

    assert within.verdict is none.verdict is Verdict.PROMOTE
    assert within.reasons[0].startswith("The challenger is within the margin: ")
    assert none.reasons[0].startswith("The challenger is within the margin: ")


@pytest.mark.parametrize(
    ("loss", "passed", "word"), [(10.0, True, "within"), (10.5, False, "over")]
)
def test_without_a_champion_an_error_equal_to_the_bar_passes(
    loss: float, passed: bool, word: str
) -> None:
    shown = "10" if passed else "10.5"

    assert judge(replace(ALONE, challenger_loss=loss), POLICY) == GateResult(
        passed=passed,
        reasons=(f"There is no champion; mse {shown} is {word} the bar of 10.",),
        verdict=Verdict.PROMOTE if passed else Verdict.REJECT,
        challenger_loss=loss,
        rows=442,
    )


@pytest.mark.parametrize(("rows", "loss"), [(0, 9.0), (-1, 9.0), (442, None)])
def test_a_comparison_without_rows_or_figures_is_rejected(rows: int, loss: float | None) -> None:
    result = judge(replace(ALONE, rows=rows, challenger_loss=loss), POLICY)

    assert result == GateResult(
        passed=False, reasons=("There are no rows to compare on.",), verdict=Verdict.REJECT
    )


def test_a_single_row_is_a_comparison_without_a_champion() -> None:
    assert judge(replace(ALONE, rows=1), POLICY).passed


FIGURES = ("challenger_loss", "champion_loss", "level", "gain", "gain_low", "gain_high")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_rejected(name: str, value: float) -> None:
    assert judge(replace(PAIR, **{name: value}), ASKING) == GateResult(  # type: ignore[arg-type]
        passed=False,
        reasons=("A figure of the comparison is not a finite number. Train again.",),
        verdict=Verdict.REJECT,
    )


@pytest.mark.parametrize("name", ["level", "gain_low", "gain_high"])
def test_without_bounds_the_rows_are_too_few(name: str) -> None:
    result = judge(replace(PAIR, **{name: None}), POLICY)  # type: ignore[arg-type]

    assert (result.verdict, result.passed) == (Verdict.INCONCLUSIVE, False)
    assert result.reasons == (
        "The rows are too few to show which model is better: mse 90 against 100 on 442 rows.",
        KEPT,
    )


@pytest.mark.parametrize(
    ("gain", "passed", "answer"),
    [
        (2.5, True, ASKED),
        (
            2.0,
            False,
            "The result is inconclusive. No approver is asked, because the measured gain of 2 is not "
            "above 2.",
        ),
        (None, True, ASKED),
    ],
)
def test_approvers_are_asked_only_about_a_challenger_that_looks_better(
    gain: float | None, passed: bool, answer: str
) -> None:
    result = judge(replace(PAIR, gain=gain, gain_low=-4.0), ASKING)

    assert (result.verdict, result.passed) == (Verdict.INCONCLUSIVE, passed)
    assert result.reasons[-1] == answer


def test_a_result_has_the_figures_of_its_comparison() -> None:
    result = judge(replace(PAIR, look=7), POLICY)

    assert result == GateResult(
        passed=True,
        reasons=(
            f"{BETTER}: {WORDS} 4 and 16, {ENDING}",
            "This is comparison 7 of the model; each has so high a confidence that all of them "
            "together have 95 %.",
        ),
        verdict=Verdict.PROMOTE,
        challenger_loss=90.0,
        champion_loss=100.0,
        improvement=10.0,
        improvement_low=4.0,
        improvement_high=16.0,
        level=0.001,
        look=7,
        rows=442,
    )


def test_a_champion_with_a_fault_counts_as_none_and_the_bar_decides() -> None:
    result = judge(replace(PAIR, champion_fault="2 of 9 are NaN. password=hunter2."), POLICY)

    assert result.verdict is Verdict.REJECT
    assert result.reasons[0] == (
        "The champion counts as none: 2 of 9 are NaN. password=***; mse 90 is over the bar of 10."
    )
    assert result.champion_fault == "2 of 9 are NaN. password=***"


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_the_first_comparisons_have_their_shares_of_the_budget(confidence: float) -> None:
    policy = replace(POLICY, confidence=confidence)
    budget = 1 - confidence

    assert policy.level(0) == pytest.approx(budget, rel=1e-12)
    assert policy.level(1) == pytest.approx(budget * (0.0008 + 0.075), rel=1e-12)
    assert policy.level(1000) == pytest.approx(budget * 0.0008, rel=1e-3)
