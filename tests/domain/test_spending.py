"""The levels of all comparisons of a model add up to the error budget."""

import itertools
import math
from fractions import Fraction

import pytest

from function_app.domain.gates import GatePolicy
from function_app.domain.gating.spending import (
    EARLY,
    EVEN,
    EVEN_LOOKS,
    LATE,
    level_of,
    spent_share,
    spent_until,
)


@pytest.mark.parametrize("looks", [1, 10, EVEN_LOOKS, EVEN_LOOKS + 1, 3_000])
def test_the_levels_of_any_number_of_looks_stay_within_the_budget(looks: int) -> None:
    spent = sum(Fraction(level_of(look, 0.05)) for look in range(1, looks + 1))

    # The rest is what the infinitely many later looks may spend: telescoping sums.
    early = Fraction(EARLY) / (looks + 1)
    even = Fraction(EVEN) * max(EVEN_LOOKS - looks, 0) / EVEN_LOOKS
    late = Fraction(LATE) * EVEN_LOOKS / max(looks, EVEN_LOOKS)
    assert float(spent) == pytest.approx(0.05 * float(1 - early - even - late))
    assert spent < Fraction(0.05)


def test_the_shares_are_all_of_the_budget() -> None:
    assert pytest.approx(1.0) == EVEN + EARLY + LATE


def test_no_later_look_spends_more() -> None:
    shares = [spent_share(look) for look in range(1, 3 * EVEN_LOOKS)]

    assert all(first >= second > 0 for first, second in itertools.pairwise(shares))


def test_a_thousand_looks_keep_the_level_that_they_can_share() -> None:
    assert level_of(1, 0.05) == pytest.approx(0.05 * (0.0008 + 0.075))
    assert level_of(EVEN_LOOKS, 0.05) >= 4e-5
    assert level_of(EVEN_LOOKS + 1, 0.05) == pytest.approx(2.5e-6, rel=0.01)


@pytest.mark.parametrize("looks", [0, 1, 7, EVEN_LOOKS, EVEN_LOOKS + 1, 3_000])
def test_the_spent_share_is_the_sum_of_all_looks_until_then(looks: int) -> None:
    spent = math.fsum(spent_share(look) for look in range(1, looks + 1))

    assert spent_until(looks) == pytest.approx(spent, rel=1e-12)


@pytest.mark.parametrize("look", [0, -1])
def test_a_look_without_a_number_spends_nothing(look: int) -> None:
    with pytest.raises(ValueError, match=f"from 1, not {look}"):
        spent_share(look)


def test_a_policy_spends_what_its_confidence_leaves() -> None:
    policy = GatePolicy(bar=1.0, confidence=0.9)

    assert policy.level(0) == 0.1
    assert policy.level(7) == level_of(7, 0.1)
    assert policy.comparison_words(7)[-4:] == ("--level", repr(level_of(7, 0.1)), "--look", "7")


def test_the_words_of_a_comparison_have_every_rule_that_the_job_applies() -> None:
    policy = GatePolicy(bar=1.0, metric="pinball", quantile=0.9, beta=2.0, slices=("age", "-x y"))

    assert policy.comparison_words(0) == (
        *("--metric", "pinball", "--quantile", "0.9", "--beta", "2.0"),
        "--needed-share=0.02",
        *("--level", "0.05", "--look", "0"),
        *("--slice=age", "--slice=-x y"),
    )
