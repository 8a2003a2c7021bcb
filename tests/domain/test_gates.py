from typing import Any

import numpy as np
import pytest

from function_app.domain.gates import GatePolicy, Predictions, judge

POLICY = GatePolicy(bar=10.0)


def as_tuple(values: object) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values))


def noisy(seed: int, scale: float, rows: int = 90) -> tuple[float, ...]:
    return as_tuple(np.random.default_rng(seed).normal(0, scale, rows))


ACTUAL = tuple(0.0 for _ in range(90))


def test_a_clearly_better_challenger_passes() -> None:
    found = judge(Predictions(actual=ACTUAL, challenger=noisy(1, 1), champion=noisy(2, 3)), POLICY)

    assert found.passed


def test_a_worse_challenger_is_refused() -> None:
    found = judge(Predictions(actual=ACTUAL, challenger=noisy(1, 3), champion=noisy(2, 1)), POLICY)

    assert not found.passed


def test_the_champion_itself_is_not_shown_to_be_better() -> None:
    same = noisy(1, 1)

    assert not judge(Predictions(actual=ACTUAL, challenger=same, champion=same), POLICY).passed


def test_equal_models_pass_no_more_often_than_the_confidence_allows() -> None:
    wins = sum(
        judge(
            Predictions(actual=ACTUAL, challenger=noisy(i, 1), champion=noisy(i + 500, 1)),
            GatePolicy(bar=1, resamples=400),
        ).passed
        for i in range(200)
    )

    assert wins <= 22  # 5 % of 200 is 10; 22 is the 99.97 % point of that binomial


def test_a_gain_within_the_margin_is_refused() -> None:
    champion = noisy(2, 1)
    challenger = as_tuple(np.asarray(champion) * 0.99)
    rows = Predictions(actual=ACTUAL, challenger=challenger, champion=champion)

    assert judge(rows, GatePolicy(bar=10)).passed
    assert not judge(rows, GatePolicy(bar=10, margin=0.1)).passed


@pytest.mark.parametrize(("scale", "passed"), [(1.0, True), (9.0, False)])
def test_without_a_champion_the_bar_decides(scale: float, passed: bool) -> None:
    assert judge(Predictions(actual=ACTUAL, challenger=noisy(1, scale)), POLICY).passed is passed


def test_predictions_that_are_not_finite_never_pass() -> None:
    bad = (float("nan"), *noisy(1, 1)[1:])

    assert not judge(Predictions(actual=ACTUAL, challenger=bad), POLICY).passed


def test_no_rows_never_pass() -> None:
    assert not judge(Predictions(actual=(), challenger=()), POLICY).passed


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
    rows = Predictions(actual=ACTUAL, challenger=(challenger,) * 90, champion=(champion,) * 90)

    assert shown in judge(rows, POLICY).reasons[0]


def test_an_error_just_over_the_bar_is_not_shown_as_the_bar() -> None:
    rows = Predictions(actual=ACTUAL, challenger=(1.0001,) * 90)

    assert judge(rows, GatePolicy(bar=1.0002)).reasons == (
        "There is no champion; mse 1.00020001 is over the bar of 1.0002.",
    )


def test_a_confidence_just_below_one_is_not_shown_as_a_hundred_percent() -> None:
    rows = Predictions(actual=ACTUAL, challenger=noisy(1, 1), champion=noisy(2, 3))

    reason = judge(rows, GatePolicy(bar=10, confidence=0.999)).reasons[0]

    assert "99.9 % confidence" in reason


@pytest.mark.parametrize("model", ["challenger", "champion"])
def test_predictions_that_are_not_finite_are_counted(model: str) -> None:
    good, bad = noisy(1, 1), (float("nan"), float("inf"), *noisy(1, 1)[2:])
    rows: dict[str, Any] = {"challenger": good, "champion": good, model: bad}

    result = judge(Predictions(actual=ACTUAL, **rows), POLICY)

    assert not result.passed
    assert f"2 of 90 predictions of the {model} are not finite" in result.reasons[0]
