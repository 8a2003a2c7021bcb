"""The losses of an own metric: the pairs that are asked for, and the comparison by their values."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_jobs.files import file_digest
from platform_jobs.judging.comparison import compare
from platform_jobs.judging.metrics import Metric, metric_of, own_metric
from platform_jobs.judging.slices import slice_figures
from platform_jobs.own_metric.asking import ask_metric
from platform_jobs.own_metric.measure import Ask, OwnFunction, function_of, measure, pairs_of
from tests.platform_jobs.test_own_metric import COST, FUNCTION, project

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def metric_for(
    direction: str,
    actual: list[float],
    predicted: list[list[float]],
    ask: Ask,
    *,
    labels: bool = False,
) -> Metric[float]:
    """Return the metric of these rows, whose function is `ask`."""
    measured = measure(direction, actual, predicted, ask, labels=labels)
    return own_metric(measured.losses, measured.constant, labels=labels)


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=30, max_size=60),
    st.floats(-0.9, 0.9),
)
def test_a_function_equal_to_a_built_in_metric_gives_its_comparison(
    rows: list[tuple[float, float, float]], share: float
) -> None:
    actual, challenger, champion = (list(values) for values in zip(*rows, strict=True))

    def ask(pairs: Any) -> list[float]:
        return metric_of("mse").losses(*zip(*pairs, strict=True))

    own = metric_for("lower", actual, [challenger, champion], ask)
    found = compare(actual, challenger, champion, needed_share=share, own=own)
    expected = compare(actual, challenger, champion, needed_share=share)

    names = ("rows", "challenger_loss", "champion_loss", "gain", "gain_low", "gain_high", "p_value")
    assert {name: found[name] for name in names} == {name: expected[name] for name in names}


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_the_pairs_do_not_tell_which_model_gave_them(
    rows: list[tuple[float, float, float]],
) -> None:
    actual, challenger, champion = (list(values) for values in zip(*rows, strict=True))

    pairs = pairs_of(actual, [challenger, champion], [0.0])

    assert pairs == pairs_of(actual, [champion, challenger], [0.0])
    assert len(set(pairs)) == len(pairs)


def test_the_trivial_model_is_the_constant_with_the_least_loss() -> None:
    actual = [0.0] * 80 + [1.0] * 20

    def ask(pairs: Any) -> list[float]:
        # A missed 1 costs 50, an alarm 1: the answer 1 to all costs 0.8 a row, the answer 0 costs 10.
        return [50.0 * a if p < 0.5 else 1.0 - a for a, p in pairs]

    metric = metric_for("lower", actual, [actual], ask, labels=True)

    assert metric.constant(actual) >= 0.5
    figures = compare(actual, actual, None, own=metric)["challenger"]
    assert figures["skill"] == pytest.approx(0.8)


def test_a_share_of_a_score_is_a_share_of_its_magnitude() -> None:
    rows = 400
    actual = [float(n % 7) for n in range(rows)]
    champion = [a + (n % 3) for n, a in enumerate(actual)]

    def ask(pairs: Any) -> list[float]:
        return [100.0 - abs(a - p) for a, p in pairs]

    metric = metric_for("higher", actual, [actual, champion], ask)
    found = compare(actual, actual, champion, needed_share=0.005, own=metric)

    assert found["challenger_loss"] == -100.0
    assert found["champion_loss"] == pytest.approx(-99.0, abs=0.01)
    assert found["gain"] == pytest.approx(1.0, abs=0.01)
    # 0.5 % of 99 are less than the gain of 1, and 2 % are more.
    assert found["p_value"] < 1e-6
    assert compare(actual, actual, champion, needed_share=0.02, own=metric)["p_value"] > 0.999
    # A score that is 1 % lower is not lower by a quarter.
    [one] = slice_figures(metric, {"all": range(rows)}, actual, champion, actual)
    assert one["reserve"] == pytest.approx(0.25 * 100 - 1.0, abs=0.01)


def asked_for(actual: list[float], **labels: bool) -> set[float]:
    """Return the predictions in the pairs that a function is asked for, without a model's."""
    asked: set[float] = set()

    def ask(pairs: Any) -> list[float]:
        asked.update(prediction for _, prediction in pairs)
        return [0.0] * len(pairs)

    measure("lower", actual, [], ask, **labels)
    return asked


def test_the_constants_are_the_mean_and_quantiles_else_probabilities() -> None:
    numbers = [float(n) ** 2 for n in range(20, -1, -1)]

    expected = [4.0, 25.0, 100.0, 2870 / 21, 225.0, 324.0]
    assert sorted(asked_for(numbers)) == pytest.approx(expected)
    # A function that takes the log of a probability has no value at 0 and 1.
    probabilities = {step / 10 for step in range(1, 10)}
    assert asked_for([0.0, 0.0, 0.0, 1.0], labels=True) == probabilities | {0.25}
    assert asked_for([0.0, 0.0], labels=True) == probabilities


def test_values_of_another_number_than_the_rows_are_refused() -> None:
    def ask(pairs: Any) -> list[float]:
        return [0.0] * len(pairs)

    losses = measure("lower", [1.0, 2.0], [[1.0, 2.0]], ask).losses

    with pytest.raises(ValueError, match="shorter"):
        losses([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="shorter"):
        measure("lower", [1.0, 2.0], [[1.0, 2.0]], lambda pairs: ask(pairs)[1:])
    with pytest.raises(ValueError, match="shorter"):
        pairs_of([1.0, 2.0], [[1.0]], [])


def test_a_function_has_its_call_and_its_source_in_both_codes(tmp_path: Path) -> None:
    ours = project(tmp_path / "ours", COST)
    theirs = project(tmp_path / "theirs", COST + "# earlier\n")

    own = function_of(ours, theirs, FUNCTION, "higher", tmp_path)

    assert isinstance(own.ask, partial)
    assert (own.ask.func, own.ask.args) == (ask_metric, (ours, FUNCTION))
    assert own.ask.keywords == {"parent": tmp_path}
    assert own.record() == {
        "function": FUNCTION,
        "direction": "higher",
        "digest": file_digest(ours.code / "own" / "metrics.py"),
        "champion_digest": file_digest(theirs.code / "own" / "metrics.py"),
    }
    assert own.digest != own.champion_digest
    alone = function_of(ours, None, FUNCTION, "higher", tmp_path)
    assert (alone.digest, alone.champion_digest) == (own.digest, None)


def test_a_function_measures_by_its_direction_and_with_its_labels() -> None:
    own = OwnFunction(
        function=FUNCTION, direction="higher", ask=lambda pairs: [p for _, p in pairs]
    )

    measured = own.measure([0.0, 1.0], [[0.5, 0.5]], labels=True)

    assert measured.losses([0.0], [0.5]) == [-0.5]
    assert measured.constant([0.0, 1.0]) == 0.9
