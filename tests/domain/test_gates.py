from typing import Any

import numpy as np
import pytest

from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, GateResult, judge
from platform_jobs.judging.comparison import compare

POLICY = GatePolicy(bar=10.0)


def as_tuple(values: object) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values))


def noisy(seed: int, scale: float, rows: int = 90) -> tuple[float, ...]:
    return as_tuple(np.random.default_rng(seed).normal(0, scale, rows))


ACTUAL = tuple(0.0 for _ in range(90))


def judged(
    policy: GatePolicy,
    challenger: tuple[float, ...],
    champion: tuple[float, ...] | None = None,
    actual: tuple[float, ...] = ACTUAL,
) -> GateResult:
    """Judge predictions as a training does: the evaluation's run compares, the gate decides."""
    content = compare(
        actual,
        challenger,
        champion,
        confidence=policy.confidence,
        resamples=policy.resamples,
        seed=policy.seed,
    )
    return judge(load(Comparison, content), policy)


def test_a_clearly_better_challenger_passes() -> None:
    found = judged(POLICY, noisy(1, 1), noisy(2, 3))

    assert found.passed


def test_a_worse_challenger_is_refused() -> None:
    found = judged(POLICY, noisy(1, 3), noisy(2, 1))

    assert not found.passed


def test_the_champion_itself_is_not_shown_to_be_better() -> None:
    same = noisy(1, 1)

    assert not judged(POLICY, same, same).passed


def test_equal_models_pass_no_more_often_than_the_confidence_allows() -> None:
    wins = sum(
        judged(GatePolicy(bar=1, resamples=400), noisy(i, 1), noisy(i + 500, 1)).passed
        for i in range(200)
    )

    assert wins <= 22  # 5 % of 200 is 10; 22 is the 99.97 % point of that binomial


def test_a_gain_within_the_margin_is_refused() -> None:
    champion = noisy(2, 1)
    challenger = as_tuple(np.asarray(champion) * 0.99)

    assert judged(GatePolicy(bar=10), challenger, champion).passed
    assert not judged(GatePolicy(bar=10, margin=0.1), challenger, champion).passed


@pytest.mark.parametrize(("scale", "passed"), [(1.0, True), (9.0, False)])
def test_without_a_champion_the_bar_decides(scale: float, passed: bool) -> None:
    assert judged(POLICY, noisy(1, scale)).passed is passed


def test_predictions_that_are_not_finite_never_pass() -> None:
    bad = (float("nan"), *noisy(1, 1)[1:])

    assert not judged(POLICY, bad).passed


def test_no_rows_never_pass() -> None:
    assert not judged(POLICY, (), actual=()).passed


@pytest.mark.parametrize(
    ("challenger", "champion", "shown"),
    [
        (0.30, 0.32, "mse 0.09 against 0.1024"),
        (0.3000001, 0.3000002, "mse 0.09000006 against 0.09000012"),
        (300.0, 300.1, "mse 90000 against 90060"),
    ],
)
def test_a_reason_shows_figures_that_differ_as_different(
    challenger: float, champion: float, shown: str
) -> None:
    result = judged(POLICY, (challenger,) * 90, (champion,) * 90)

    assert shown in result.reasons[0]


def test_an_error_just_over_the_bar_is_not_shown_as_the_bar() -> None:
    assert judged(GatePolicy(bar=1.0002), (1.0001,) * 90).reasons == (
        "There is no champion; mse 1.00020001 is over the bar of 1.0002.",
    )


def test_a_confidence_just_below_one_is_not_shown_as_a_hundred_percent() -> None:
    policy = GatePolicy(bar=10, confidence=0.999)

    reason = judged(policy, noisy(1, 1), noisy(2, 3)).reasons[0]

    assert "99.9 % confidence" in reason


@pytest.mark.parametrize("model", ["challenger", "champion"])
def test_predictions_that_are_not_finite_are_counted(model: str) -> None:
    good, bad = noisy(1, 1), (float("nan"), float("inf"), *noisy(1, 1)[2:])
    rows: dict[str, Any] = {"challenger": good, "champion": good, model: bad}

    result = judged(POLICY, **rows)

    assert not result.passed
    assert f"2 of 90 predictions of the {model} are not finite" in result.reasons[0]


def test_a_refusal_shows_no_credential_that_a_model_printed() -> None:
    text = "The challenger: predict ended with exit code 1: password=hunter2 is wrong"

    result = judge(Comparison(refused=text), POLICY)

    assert result.reasons == (text.replace("hunter2", "***"),)
