"""Evidence that is gathered over nights: its e-values, its error, and its words."""

import math
from dataclasses import replace

import numpy as np
import pytest

from function_app.domain.gates import GatePolicy, Verdict, judge
from function_app.domain.gating.nights import LEAST_P, Night, e_value, gathered, judge_nights
from tests.domain.test_gate_limits import PAIR

NIGHT = Night(data="a", p_value=0.001, rows=442)


def nights(*p_values: float) -> tuple[Night, ...]:
    return tuple(Night(data=f"{number}", p_value=p, rows=100) for number, p in enumerate(p_values))


@pytest.mark.parametrize("p", [1e-9, 1e-6, 0.001, 0.01, 0.05, 0.3, 0.9, 0.9998])
def test_an_e_value_is_that_of_vovk_and_wang(p: float) -> None:
    expected = (1.0 - p + p * math.log(p)) / (p * math.log(p) ** 2)

    assert e_value(p) == pytest.approx(expected, rel=1e-6)


def test_an_e_value_is_finite_at_both_ends() -> None:
    assert e_value(1.0) == 0.5
    assert e_value(0.0) == e_value(LEAST_P) < math.inf
    assert e_value(math.nextafter(1.0, 0.0)) == pytest.approx(0.5)
    # Next to 1 the e-value rises by a sixth of -log(p).
    assert e_value(math.exp(-9e-5)) == pytest.approx(0.500015, abs=1e-8)


def test_the_mean_e_value_of_uniform_p_values_is_at_most_one() -> None:
    # The substitution p = exp(-x) makes the integrand smooth.
    x = np.linspace(0.0, -math.log(LEAST_P), 20_001)
    values = [e_value(math.exp(-each)) * math.exp(-each) for each in x]
    inner = float(np.trapezoid(values, x))

    assert 0.94 < inner + LEAST_P * e_value(0.0) <= 1.0


@pytest.mark.parametrize("p", [math.nan, -0.1, 1.1, math.inf])
def test_no_probability_has_no_e_value(p: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1, not"):
        e_value(p)


def test_the_evidence_is_the_greatest_product_so_far() -> None:
    one, two = e_value(0.01), e_value(0.02)

    assert gathered(()) == 1.0
    assert gathered(nights(1.0)) == 1.0
    assert gathered(nights(0.01, 0.02)) == pytest.approx(one * two)
    assert gathered(nights(0.01, 1.0)) == pytest.approx(one)
    assert gathered(nights(1.0, 0.01, 0.02)) == pytest.approx(0.5 * one * two)


def test_the_same_data_counts_once() -> None:
    again = replace(NIGHT, p_value=1e-6)

    assert gathered((NIGHT, again)) == gathered((NIGHT,))
    assert "442 rows" in judge_nights((NIGHT, again), 0.01).reason


def test_the_evidence_decides_at_its_level() -> None:
    evidence = gathered(nights(0.01, 0.02))

    assert judge_nights(nights(0.01, 0.02), 1.0 / evidence).verdict is Verdict.PROMOTE
    below = 1.0 / math.nextafter(evidence, math.inf) * (1 - 1e-12)
    assert judge_nights(nights(0.01, 0.02), below).verdict is Verdict.INCONCLUSIVE
    assert judge_nights((), 0.5).verdict is Verdict.INCONCLUSIVE


def test_the_finding_has_the_figures() -> None:
    assert judge_nights((replace(NIGHT, p_value=1e-6),), 0.001).reason == (
        "The evidence of all nights shows that the challenger is better by enough: its e-value on "
        "442 rows is 5239, and 1000 is needed."
    )
    assert judge_nights(nights(0.001, 0.5), 0.001).reason == (
        "The nights do not show yet that the challenger is better by enough: its e-value on 200 "
        "rows is 20.79, and 1000 is needed; more new rows may show it."
    )


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, math.nan])
def test_no_level_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1, not"):
        judge_nights((NIGHT,), level)


def test_a_challenger_that_is_no_better_is_promoted_in_few_worlds() -> None:
    # 2,000 worlds of 100 nights each; the level allows 5 % of them.
    p_values = np.random.default_rng(4).uniform(size=(2_000, 100))

    promoted = sum(gathered(nights(*world)) >= 20.0 for world in p_values.tolist())

    assert promoted / 2_000 <= 0.05


def test_a_better_challenger_is_promoted_after_some_nights() -> None:
    # Each night alone has a p-value of about 0.02, which no single look may promote by.
    normal = np.random.default_rng(5).normal(2.0, 1.0, size=(200, 12))
    level = GatePolicy(bar=1.0).level(10)
    p_values = 0.5 * np.vectorize(math.erfc)(normal / math.sqrt(2.0))

    promoted = [judge_nights(nights(*world), level).verdict for world in p_values.tolist()]

    assert promoted.count(Verdict.PROMOTE) >= 180


def test_the_gate_keeps_the_p_value_and_refuses_none() -> None:
    pair = replace(PAIR, p_value=0.0004)

    assert judge(pair, GatePolicy(bar=10.0)).p_value == 0.0004
    refused = judge(replace(pair, p_value=math.nan), GatePolicy(bar=10.0))
    assert refused.verdict is Verdict.REJECT
