"""Metrics of more than two labels, against scikit-learn; labels that are rare or absent."""

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn import metrics as known

from platform_jobs.errors import ContractError
from platform_jobs.judging.comparison import compare_by
from platform_jobs.judging.metrics import find_invalid
from platform_jobs.judging.multiclass.figures import multiclass_figures
from platform_jobs.judging.multiclass.losses import metric_of_labels, metric_of_target
from platform_jobs.judging.multiclass.plots import write_multiclass_plots

RNG = np.random.default_rng(4)
COUNT, ROWS = 4, 50
ACTUAL = RNG.integers(0, COUNT, ROWS).astype(float)
# The true label is the most probable one in about half of the rows; rounded, so that values tie.
SCORES = np.round(RNG.uniform(0.1, 1.0, (ROWS, COUNT)), 1)
SCORES[np.arange(ROWS), ACTUAL.astype(int)] += 0.3
GIVEN = SCORES / SCORES.sum(axis=1, keepdims=True)
# The last label occurs in no row, and one row predicts it.
TRUTHS = np.where(ACTUAL == COUNT - 1, 0.0, ACTUAL)
NAMES = ("log_loss", "brier", "calibration", "auc", "f_beta")


def rows_of(given: Any) -> list[tuple[float, ...]]:
    return [tuple(row) for row in given.tolist()]


def area(actual: Any, given: Any) -> float:
    """Return the mean of the areas of the labels that occur, each against all others."""
    labels = np.unique(actual).astype(int)
    return float(
        np.mean([known.roc_auc_score(actual == label, given[:, label]) for label in labels])
    )


def f_beta(labels: list[int], actual: Any, given: Any) -> float:
    said = given.argmax(axis=1)
    return float(
        known.fbeta_score(actual, said, beta=2.0, labels=labels, average="macro", zero_division=0.0)
    )


def test_the_functions_that_check_ours_are_scikit_learn_s_own() -> None:
    every = known.roc_auc_score(ACTUAL, GIVEN, multi_class="ovr", average="macro")
    assert area(ACTUAL, GIVEN) == pytest.approx(float(every))


@pytest.mark.parametrize("actual", [ACTUAL, TRUTHS], ids=["all labels", "one label absent"])
def test_the_mean_of_the_losses_is_scikit_learn_s_metric(actual: Any) -> None:
    labels = list(range(COUNT))
    for name, expected in (
        ("log_loss", known.log_loss(actual, GIVEN, labels=labels)),
        ("brier", known.brier_score_loss(actual, GIVEN, labels=labels)),
    ):
        losses = metric_of_labels(name, COUNT).losses(actual.tolist(), rows_of(GIVEN))
        assert sum(losses) / ROWS == pytest.approx(float(expected))
        assert min(losses) >= 0.0


@pytest.mark.parametrize("actual", [ACTUAL, TRUTHS], ids=["all labels", "one label absent"])
@pytest.mark.parametrize("name", ["auc", "f_beta"])
def test_losses_of_an_average_are_the_pseudo_values_of_scikit_learn_s_metric(
    name: str, actual: Any
) -> None:
    labels = np.unique(actual).astype(int).tolist()

    def metric(rows: Any) -> float:
        if name == "auc":
            return area(actual[rows], GIVEN[rows])
        return f_beta(labels, actual[rows], GIVEN[rows])

    losses = metric_of_labels(name, COUNT, beta=2.0).losses(actual.tolist(), rows_of(GIVEN))

    whole = metric(np.full(ROWS, fill_value=True))
    others = [metric(np.arange(ROWS) != row) for row in range(ROWS)]
    assert losses == pytest.approx([1 - (ROWS * whole - (ROWS - 1) * each) for each in others])
    assert sum(losses) / ROWS == pytest.approx(1 - whole, abs=0.02)


def test_f_beta_without_the_only_row_of_a_label_counts_the_label_still() -> None:
    actual = np.array([0.0, 0.0, 1.0, 2.0])
    given = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])

    losses = metric_of_labels("f_beta", 3, beta=2.0).losses(actual.tolist(), rows_of(given))

    whole = f_beta([0, 1, 2], actual, given)
    others = [
        f_beta([0, 1, 2], actual[rows], given[rows])
        for rows in (np.arange(4) != row for row in range(4))
    ]
    assert losses == pytest.approx([1 - (4 * whole - 3 * each) for each in others])


def test_a_calibrated_model_has_no_calibration_error_and_a_shifted_one_its_own() -> None:
    rng = np.random.default_rng(8)
    chance = rng.dirichlet([2.0, 2.0, 2.0], size=(100, 300))
    draws = (rng.uniform(size=chance.shape[:2])[..., None] > chance.cumsum(axis=2)).sum(axis=2)
    actual = np.minimum(draws, 2).astype(float)
    # Three tenths of each probability are given to the first label.
    moved = 0.7 * chance + 0.3 * np.array([1.0, 0.0, 0.0])
    function = metric_of_labels("calibration", 3).losses

    def means(given: Any) -> Any:
        pairs = zip(actual.tolist(), given, strict=True)
        return np.array([np.mean(function(truths, rows_of(rows))) for truths, rows in pairs])

    right, wrong = means(chance), means(moved)

    for found, expected in (
        (right, 0.0),
        (wrong, float(np.mean((moved - chance) ** 2))),
    ):
        error = found.std() / found.size**0.5
        # Bins hide a small part of the error.
        assert abs(found.mean() - expected) < 4 * error + 0.1 * expected
    assert wrong.mean() > 10 * abs(right.mean())


@pytest.mark.parametrize("name", ["log_loss", "brier", "f_beta", "auc"])
def test_no_constant_prediction_has_less_loss_than_the_best_one(name: str) -> None:
    metric, truths = metric_of_labels(name, COUNT), ACTUAL.tolist()

    def loss(constant: tuple[float, ...]) -> float:
        return math.fsum(metric.losses(truths, [constant] * ROWS)) / ROWS

    least = loss(metric.constant(truths))
    others = [*rows_of(GIVEN[:20]), *rows_of(np.eye(COUNT))]
    # Pseudo-values have a bias of order 1 / n.
    slack = 0.0 if name in ("log_loss", "brier") else 1.0 / ROWS
    assert all(least <= loss(other) + slack + 1e-9 for other in others)


@pytest.mark.parametrize("name", NAMES)
def test_the_better_of_two_models_gains_with_an_interval(name: str) -> None:
    rng = np.random.default_rng(2)
    actual = rng.integers(0, 3, 300)
    truth = np.eye(3)[actual]
    noise = rng.dirichlet([1.0, 1.0, 1.0], size=300)
    near, far = 0.6 * truth + 0.4 * noise, 0.1 * truth + 0.9 * noise

    found = compare_by(
        metric_of_labels(name, 3), actual.astype(float).tolist(), rows_of(near), rows_of(far)
    )

    assert found["refused"] == ""
    assert found["gain"] == pytest.approx(found["champion_loss"] - found["challenger_loss"])
    if name != "calibration":
        assert found["gain_low"] > 0.0
        assert found["challenger"]["skill_low"] > 0.0
        assert found["p_value"] < 0.001
    assert found["challenger"]["constant"] is False
    assert not {"bias", "slope", "largest"} & set(found["challenger"])
    assert not {"lowest", "highest"} & set(found)


def test_a_constant_model_and_slices_are_found() -> None:
    truths, given = ACTUAL.tolist(), rows_of(GIVEN)
    same = [(0.4, 0.3, 0.2, 0.1)] * ROWS

    found = compare_by(
        metric_of_labels("brier", COUNT), truths, same, given, groups={"sex = 1": [0, 1, 2]}
    )

    assert found["challenger"]["constant"] is True
    assert found["champion"]["constant"] is False
    [part] = found["slices"]
    expected = known.brier_score_loss(ACTUAL[:3], GIVEN[:3], labels=list(range(COUNT)))
    assert part["champion_loss"] == pytest.approx(float(expected))


@pytest.mark.parametrize("name", ["auc", "f_beta", "calibration"])
@pytest.mark.parametrize(("rare", "bounded"), [(0, True), (1, False), (9, False), (10, True)])
def test_an_average_needs_ten_rows_of_each_label_that_occurs(
    name: str, rare: int, bounded: bool
) -> None:
    actual = [0.0] * 30 + [1.0] * 30 + [2.0] * rare
    rng = np.random.default_rng(1)
    given = rows_of(rng.dirichlet([1.0, 1.0, 1.0], size=len(actual)))

    found = compare_by(metric_of_labels(name, 3), actual, given, given[::-1])

    assert found["refused"] == ""
    assert (found["gain_low"] is not None) is bounded
    assert (found["p_value"] is not None) is bounded


def test_rows_of_a_single_label_are_compared_without_a_fault() -> None:
    given = rows_of(GIVEN)
    for name in NAMES:
        found = compare_by(metric_of_labels(name, COUNT), [1.0] * ROWS, given, given[::-1])
        assert found["refused"] == "", name
        assert (found["gain_low"] is None) is (name not in ("log_loss", "brier"))


def test_a_true_label_that_the_model_never_saw_has_a_large_finite_loss() -> None:
    losses = metric_of_labels("log_loss", 3).losses([2.0, 0.0], [(0.5, 0.5, 0.0), (1.0, 0.0, 0.0)])

    assert losses == pytest.approx([36.04, 0.0], rel=1e-3)


@pytest.mark.parametrize(
    ("actual", "row", "reason"),
    [
        (3.0, (0.2, 0.3, 0.5), "1 of 2 true values are not numbers of 3 labels"),
        (0.5, (0.2, 0.3, 0.5), "1 of 2 true values are not numbers of 3 labels"),
        (-1.0, (0.2, 0.3, 0.5), "1 of 2 true values are not numbers of 3 labels"),
        (0.0, (0.5, 0.5), "1 of 2 predictions of the challenger are not 3 probabilities"),
        (0.0, (0.5, math.nan, 0.5), "of the challenger are not 3 probabilities"),
        (0.0, (1.5, -0.5, 0.0), "of the challenger are not 3 probabilities"),
    ],
)
def test_values_that_a_metric_cannot_take_are_counted(
    actual: float, row: tuple[float, ...], reason: str
) -> None:
    right = (0.2, 0.3, 0.5)
    for name in NAMES:
        metric = metric_of_labels(name, 3)
        assert reason in find_invalid(metric, [actual, 1.0], [row, right], "challenger")
        assert find_invalid(metric, [1.0], [right], "challenger") == ""


def test_metrics_that_are_not_defined_for_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="'mse': for a target with labels it must be one of log_l"):
        metric_of_labels("mse", 3)
    with pytest.raises(ValueError, match="it must be above 0"):
        metric_of_labels("f_beta", 3, beta=math.nan)
    with pytest.raises(ContractError, match="'pinball': for a target with labels"):
        metric_of_target("pinball", 0.5, 1.0, 3)
    assert metric_of_target("pinball", 0.5, 1.0, 0).mean is False


@pytest.mark.parametrize("actual", [ACTUAL, TRUTHS], ids=["all labels", "one label absent"])
def test_the_figures_are_those_of_scikit_learn(actual: Any) -> None:
    right = (GIVEN.argmax(axis=1) == actual).tolist()
    labels = list(range(COUNT))

    figures = multiclass_figures(actual.tolist(), rows_of(GIVEN), right)

    assert figures["accuracy"] == pytest.approx(np.mean(right))
    assert figures["log_loss"] == pytest.approx(known.log_loss(actual, GIVEN, labels=labels))
    expected = known.brier_score_loss(actual, GIVEN, labels=labels)
    assert figures["brier"] == pytest.approx(float(expected))
    assert figures["auc"] == pytest.approx(area(actual, GIVEN))
    assert "auc" not in multiclass_figures([1.0], [(0.2, 0.8, 0.0)], [True])


def test_plots_have_a_curve_for_each_label_and_the_confusion_matrix(tmp_path: Path) -> None:
    labels = ["<low>", "middle", "high & rare", "x" * 30]
    chosen = [labels[number] for number in GIVEN.argmax(axis=1)]

    write_multiclass_plots(tmp_path, labels, TRUTHS.tolist(), rows_of(GIVEN), chosen)

    svg = "{http://www.w3.org/2000/svg}"
    plots = {path.name: ElementTree.fromstring(path.read_text()) for path in tmp_path.iterdir()}
    assert sorted(plots) == ["calibration.svg", "confusion.svg", "roc.svg"]
    texts = {name: [text.text for text in plot.iter(f"{svg}text")] for name, plot in plots.items()}
    # The diagonal, and a curve for each label that occurs.
    assert len(list(plots["roc.svg"].iter(f"{svg}polyline"))) == 4
    assert {"<low>", "middle", "high & rare"} <= {*texts["roc.svg"]}
    assert "x" * 19 + "…" in texts["confusion.svg"]
    matrix = known.confusion_matrix(TRUTHS, GIVEN.argmax(axis=1), labels=range(4))
    counts = [text for text in texts["confusion.svg"] if text and text.isdigit()]
    assert counts == [str(count) for count in matrix.ravel() if count]
