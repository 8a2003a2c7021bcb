import math
from dataclasses import replace

import numpy as np
import pytest

from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, GateResult, Verdict, judge
from platform_jobs.judging.comparison import compare

POLICY = GatePolicy(bar=10.0)
LOOK = 20


def as_tuple(values: object) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values))


def noisy(seed: int, scale: float, rows: int = 90) -> tuple[float, ...]:
    return as_tuple(np.random.default_rng(seed).normal(0, scale, rows))


ACTUAL = noisy(0, 1000)


def judged(
    policy: GatePolicy,
    challenger: tuple[float, ...],
    champion: tuple[float, ...] | None = None,
    actual: tuple[float, ...] = ACTUAL,
) -> GateResult:
    """Judge predictions with these errors: the evaluation's run compares, the gate decides."""

    def predicted(errors: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(truth + error for truth, error in zip(actual, errors, strict=True))

    content = compare(
        actual,
        predicted(challenger),
        None if champion is None else predicted(champion),
        level=policy.level(LOOK),
        look=LOOK,
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


def test_equal_models_do_not_pass() -> None:
    wins = sum(judged(POLICY, noisy(i, 1), noisy(i + 150, 1)).passed for i in range(150))

    assert wins == 0  # the probability of one is 150 times 7.6e-5 at most


def test_a_gain_within_the_margin_is_refused() -> None:
    champion = noisy(2, 1)
    challenger = as_tuple(np.asarray(champion) * 0.9)

    assert judged(GatePolicy(bar=10, minimum_effect=0), challenger, champion).passed
    assert not judged(GatePolicy(bar=10, margin=0.2), challenger, champion).passed


@pytest.mark.parametrize(("scale", "passed"), [(1.0, True), (9.0, False)])
def test_without_a_champion_the_bar_decides(scale: float, passed: bool) -> None:
    assert judged(POLICY, noisy(1, scale)).passed is passed


def test_predictions_that_are_not_finite_never_pass() -> None:
    bad = (float("nan"), *noisy(1, 1)[1:])

    assert not judged(POLICY, bad).passed


def test_no_rows_never_pass() -> None:
    assert not judged(POLICY, (), actual=()).passed


FIGURES = Comparison(
    rows=90,
    challenger_loss=80.0,
    champion_loss=100.0,
    gain=20.0,
    gain_low=10.0,
    gain_high=30.0,
    level=4e-5,
    look=3,
)


@pytest.mark.parametrize(
    ("margin", "minimum_effect", "needed"),
    [(0.0, 0.02, 2.0), (0.05, 0.02, 5.0), (0.01, 0.02, 2.0), (-0.5, 0.02, -50.0), (0.0, 0.0, 0.0)],
)
def test_the_larger_of_margin_and_minimum_effect_is_needed(
    margin: float, minimum_effect: float, needed: float
) -> None:
    policy = GatePolicy(bar=1, margin=margin, minimum_effect=minimum_effect)

    assert not judge(replace(FIGURES, gain_low=needed), policy).passed
    assert judge(replace(FIGURES, gain_low=math.nextafter(needed, math.inf)), policy).passed


def test_a_first_model_without_a_finite_loss_is_over_the_bar() -> None:
    assert not judge(Comparison(rows=90, challenger_loss=math.nan), POLICY).passed


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("poisson_deviance", "poisson deviance 80 against 100"),
        ("auc", "1 - auc 80 against 100"),
        ("f_beta", "1 - f beta 80 against 100"),
    ],
)
def test_a_reason_names_the_loss(metric: str, words: str) -> None:
    assert words in judge(FIGURES, GatePolicy(bar=1, metric=metric)).reasons[0]
    first = judge(Comparison(rows=90, challenger_loss=0.5), GatePolicy(bar=1, metric="auc"))
    assert first.reasons == ("There is no champion; 1 - auc 0.5 is within the bar of 1.",)


@pytest.mark.parametrize("rows", [1, 2, 5, 29])
def test_a_few_rows_show_nothing(rows: int) -> None:
    result = judged(POLICY, (0.1,) * rows, (9.0,) * rows, ACTUAL[:rows])

    assert (result.passed, result.verdict) == (False, Verdict.INCONCLUSIVE)
    assert f"on {rows} rows" in result.reasons[0]


def test_a_stored_result_of_an_earlier_version_is_read() -> None:
    stored = {"passed": True, "reasons": ["better"], "challenger_mse": 1.0, "champion_mse": 2.0}

    assert load(GateResult, stored) == GateResult(passed=True, reasons=("better",))


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
    assert judge(
        Comparison(rows=90, challenger_loss=1.00020001), GatePolicy(bar=1.0002)
    ).reasons == ("There is no champion; mse 1.00020001 is over the bar of 1.0002.",)


def test_predictions_that_are_not_finite_are_counted() -> None:
    bad = (float("nan"), float("inf"), *noisy(1, 1)[2:])

    result = judged(POLICY, bad, noisy(1, 1))

    assert not result.passed
    assert "2 of 90 predictions of the challenger are not finite" in result.reasons[0]


def test_a_refusal_shows_no_credential_that_a_model_printed() -> None:
    text = "The challenger: predict ended with exit code 1: password=hunter2 is wrong"

    result = judge(Comparison(refused=text), POLICY)

    assert result.reasons == (text.replace("hunter2", "***"),)
