"""Declared directions of features: on both sides of the limit, with every reason as a whole."""

import math
from dataclasses import replace

import pytest

from function_app.domain.codec import dump, load
from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from function_app.domain.gating import monotone
from function_app.domain.gating.monotone import Monotone
from platform_jobs.probing import monotone as measured

POLICY = GatePolicy(bar=10.0, increasing=("bmi",), decreasing=("s3",))
RISES = Monotone(feature="bmi", direction="increasing", rows=100, broken=0, largest=0.5, limit=0.5)
FALLS = replace(RISES, feature="s3", direction="decreasing")
FIRST = Comparison(rows=442, challenger_loss=9.0, lowest=0.0, highest=50.0, monotone=(RISES, FALLS))
UP = (
    "Its predictions fall when `bmi` rises, which is declared increasing: by more than 0.5 on 37 "
    "of 100 rows (37 %), by {} at most."
)
DOWN = (
    "Its predictions rise when `s3` rises, which is declared decreasing: by more than 0.5 on 1 of "
    "100 rows (1 %), by 9 at most."
)


def reasons(*figures: Monotone, policy: GatePolicy = POLICY) -> tuple[str, ...]:
    result = judge(replace(FIRST, monotone=figures), policy)
    passed = len(result.reasons) == 1
    assert result.verdict is (Verdict.PROMOTE if passed else Verdict.REJECT)
    return result.reasons[1:]


def test_a_model_that_keeps_the_directions_up_to_the_limit_passes() -> None:
    assert reasons(RISES, FALLS) == ()
    assert reasons(FALLS, RISES) == ()
    assert reasons(replace(RISES, rows=1), FALLS) == ()


@pytest.mark.parametrize(
    ("largest", "text"), [(0.75, "0.75"), (25.3, "25.3"), (math.nan, "not a number")]
)
def test_a_model_that_moves_back_is_rejected(largest: float, text: str) -> None:
    fallen = replace(RISES, broken=37, largest=largest)

    assert reasons(fallen, FALLS) == (UP.format(text),)


def test_each_broken_direction_has_its_reason() -> None:
    fallen = replace(RISES, broken=37, largest=25.3)
    risen = replace(FALLS, broken=1, largest=9.0)

    assert reasons(risen, fallen) == (UP.format("25.3"), DOWN)


@pytest.mark.parametrize(
    "figures",
    [
        (),
        (RISES,),
        (RISES, replace(FALLS, direction="increasing")),
        (RISES, replace(FALLS, rows=0)),
    ],
)
def test_a_direction_that_was_not_measured_is_no_pass(figures: tuple[Monotone, ...]) -> None:
    missing = "Whether its predictions keep to `{}` as {} was not measured. Train again."

    texts = [missing.format("s3", "decreasing")]
    assert reasons(*figures) == tuple(
        texts if figures else [missing.format("bmi", "increasing"), *texts]
    )


def test_an_undeclared_direction_is_no_rule() -> None:
    fallen = replace(RISES, broken=100, largest=1e9)

    assert reasons(fallen, policy=GatePolicy(bar=10.0)) == ()


def test_the_words_ask_a_challenger_for_each_declared_feature() -> None:
    words = ("--increasing=bmi", "--decreasing=s3", "--tolerance", "0.01")

    assert POLICY.probe_words() == words
    assert POLICY.champion_words() == ()
    assert GatePolicy(bar=1.0, monotone_tolerance=0.5).probe_words() == ()


def test_the_job_and_the_rule_use_the_same_words() -> None:
    assert measured.INCREASING == monotone.INCREASING
    assert measured.DECREASING == monotone.DECREASING


def test_a_stored_comparison_without_directions_is_read() -> None:
    stored = dump(FIRST)
    assert isinstance(stored, dict)
    assert load(Comparison, stored) == FIRST
    del stored["monotone"]

    assert load(Comparison, stored) == replace(FIRST, monotone=())
