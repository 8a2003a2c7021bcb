"""The losses of each metric, against scikit-learn; values that a metric cannot take."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as known

from platform_jobs.judging.comparison import compare
from platform_jobs.judging.metrics import NAMES, find_invalid, metric_of

RNG = np.random.default_rng(2)
NUMBERS = RNG.normal(size=(2, 60))
COUNTS = RNG.poisson(2.0, 60).astype(float), RNG.uniform(0.1, 5.0, 60)
LABELS = RNG.integers(0, 2, 60).astype(float), RNG.uniform(0.0, 1.0, 60)
SAMPLES: dict[str, tuple[Any, Any]] = {
    "mse": (known.mean_squared_error, NUMBERS),
    "mae": (known.mean_absolute_error, NUMBERS),
    "poisson_deviance": (known.mean_poisson_deviance, COUNTS),
    "pinball": (lambda y, p: known.mean_pinball_loss(y, p, alpha=0.9), NUMBERS),
    "log_loss": (known.log_loss, LABELS),
    "brier": (known.brier_score_loss, LABELS),
}
RANKINGS: dict[str, Any] = {
    "auc": known.roc_auc_score,
    "f_beta": lambda y, p: known.fbeta_score(y, p >= 0.5, beta=2.0),
}


def test_every_metric_is_compared_with_scikit_learn() -> None:
    assert {*SAMPLES, *RANKINGS, "calibration"} == set(NAMES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_mean_of_the_losses_is_scikit_learn_s_metric(name: str) -> None:
    function, (actual, predicted) = SAMPLES[name]

    losses = metric_of(name, 0.9).losses(actual.tolist(), predicted.tolist())

    assert sum(losses) / len(losses) == pytest.approx(float(function(actual, predicted)))
    assert min(losses) >= 0.0


@pytest.mark.parametrize("name", RANKINGS)
def test_the_losses_of_a_ranking_are_the_pseudo_values_of_scikit_learn_s_metric(name: str) -> None:
    function, (actual, predicted) = RANKINGS[name], LABELS
    # Two ties, because a tie counts one half.
    predicted = np.round(predicted, 1)

    losses = metric_of(name, beta=2.0).losses(actual.tolist(), predicted.tolist())

    whole, count = float(function(actual, predicted)), actual.size
    kept = [np.arange(count) != row for row in range(count)]
    others = [float(function(actual[rows], predicted[rows])) for rows in kept]
    assert losses == pytest.approx([1 - (count * whole - (count - 1) * each) for each in others])
    assert sum(losses) / count == pytest.approx(1 - whole, abs=0.02)


def calibration(actual: Any, predicted: Any) -> float:
    """Return the squared calibration error from the products of all pairs of rows of a bin."""
    total = 0.0
    for number in range(10):
        upper = predicted <= 1.0 if number == 9 else predicted < (number + 1) / 10
        errors = (predicted - actual)[(predicted >= number / 10) & upper]
        products = [a * b for i, a in enumerate(errors) for j, b in enumerate(errors) if i != j]
        total += float(sum(products)) / (errors.size - 1) if errors.size > 1 else 0.0
    return total / len(actual)


def test_the_losses_of_calibration_are_the_pseudo_values_of_all_pairs() -> None:
    actual, predicted = LABELS
    # One row alone in its bin, two alone in theirs, and both ends of the range.
    predicted = np.where(predicted < 0.3, 0.35, predicted)
    predicted[:5] = [0.0, 0.15, 0.16, 1.0, 0.5]

    losses = metric_of("calibration").losses(actual.tolist(), predicted.tolist())

    whole, count = calibration(actual, predicted), actual.size
    kept = [np.arange(count) != row for row in range(count)]
    others = [calibration(actual[rows], predicted[rows]) for rows in kept]
    assert losses == pytest.approx([count * whole - (count - 1) * each for each in others])
    assert sum(losses) / count == pytest.approx(whole, abs=0.02)


def test_calibration_of_a_known_error_has_no_bias() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.2, 0.8, size=(400, 300))
    actual = (rng.uniform(size=chance.shape) < chance).astype(float)
    function = metric_of("calibration").losses

    def means(predicted: Any) -> Any:
        rows = zip(actual.tolist(), predicted.tolist(), strict=True)
        return np.array([np.mean(function(*row)) for row in rows])

    for shift in (0.0, 0.1):
        found = means(chance + shift)
        error = found.std() / found.size**0.5
        assert abs(found.mean() - shift**2) < 4 * error < 0.003


def test_a_better_calibrated_model_gains_and_is_judged_right_by_its_brier_score() -> None:
    rng = np.random.default_rng(5)
    chance = rng.uniform(0.05, 0.75, size=2_000)
    actual = (rng.uniform(size=chance.size) < chance).astype(float).tolist()

    found = compare(actual, chance.tolist(), (chance + 0.2).tolist(), metric="calibration")

    assert found["gain_low"] > 0.02
    assert found["champion_loss"] == pytest.approx(0.04, abs=0.015)
    assert abs(found["challenger_loss"]) < 0.003
    brier = compare(actual, chance.tolist(), (chance + 0.2).tolist(), metric="brier")
    assert found["challenger"] == brier["challenger"]
    assert found["champion"] == brier["champion"]


@pytest.mark.parametrize(("ones", "bounded"), [(9, False), (10, True)])
def test_calibration_needs_rows_of_each_label(ones: int, bounded: bool) -> None:
    actual = [1.0] * ones + [0.0] * 50
    scores = [0.2 + 0.01 * (row % 60) for row in range(len(actual))]

    found = compare(actual, scores, scores[::-1], metric="calibration")

    assert (found["gain_low"] is not None) is bounded


def test_the_interval_of_auc_is_that_of_delong() -> None:
    rng = np.random.default_rng(6)
    actual = (rng.uniform(size=400) < 0.3).astype(float)
    ours, theirs = actual + rng.normal(size=400), actual + 2.0 * rng.normal(size=400)

    found = compare(actual.tolist(), ours.tolist(), theirs.tolist(), metric="auc")

    # DeLong, DeLong and Clarke-Pearson 1988: variances of the placements of each label.
    ones, zeros = actual == 1.0, actual != 1.0
    parts = []
    for scores in (ours, theirs):
        wins = (scores[ones][:, None] > scores[zeros][None, :]).astype(float)
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    differences = [a - b for a, b in zip(*parts, strict=True)]
    variance = sum(float(d.var(ddof=1)) / d.size for d in differences)
    gain = float(known.roc_auc_score(actual, ours) - known.roc_auc_score(actual, theirs))
    assert found["gain"] == pytest.approx(gain)
    assert found["gain_low"] == pytest.approx(gain - 1.649 * variance**0.5, abs=1e-3)


@pytest.mark.parametrize("name", RANKINGS)
def test_few_rows_of_a_label_have_no_bounds(name: str) -> None:
    def found(ones: int) -> Any:
        actual = [1.0] * ones + [0.0] * 50
        scores = [0.2 + 0.01 * (row % 60) for row in range(len(actual))]
        return compare(actual, scores, scores[::-1], metric=name)

    assert found(9)["gain_low"] is None
    assert found(9)["challenger"]["skill_low"] is None
    assert found(10)["gain_low"] is not None
    assert found(1)["refused"] == ""
    assert found(0)["refused"] == ""


@pytest.mark.parametrize("name", SAMPLES)
def test_no_constant_prediction_has_less_loss_than_the_best_one(name: str) -> None:
    metric, (_, (actual, predicted)) = metric_of(name, 0.9), SAMPLES[name]
    truths = actual.tolist()

    def loss(constant: float) -> float:
        return math.fsum(metric.losses(truths, [constant] * len(truths)))

    least = loss(metric.constant(truths))
    assert all(least <= loss(other) + 1e-9 for other in predicted.tolist())


@pytest.mark.parametrize("name", SAMPLES)
def test_the_better_of_two_models_gains_in_every_metric(name: str) -> None:
    actual = SAMPLES[name][1][0]
    # Numbers and probabilities above 0 and below 1 are valid for every metric.
    near, far = (share * actual + (1.0 - share) * 0.5 for share in (0.9, 0.1))

    found = compare(actual.tolist(), near.tolist(), far.tolist(), metric=name)

    assert found["refused"] == ""
    assert found["gain"] == pytest.approx(found["champion_loss"] - found["challenger_loss"])
    assert found["gain"] > 0.0


def test_a_certain_wrong_probability_has_a_large_finite_loss() -> None:
    losses = metric_of("log_loss").losses([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0])

    assert losses[:2] == pytest.approx([36.04, 36.04], rel=1e-3)
    assert losses[2:] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "actual", "predicted", "reason"),
    [
        ("mse", 1.0, math.nan, "1 of 2 predictions of the challenger are not finite numbers"),
        ("mse", math.inf, 1.0, "1 of 2 true values are not finite numbers"),
        ("poisson_deviance", -1.0, 1.0, "true values are not finite numbers of at least 0"),
        ("poisson_deviance", 1.0, 0.0, "the challenger are not finite numbers above 0"),
        ("poisson_deviance", 1.0, math.nan, "the challenger are not finite numbers above 0"),
        ("log_loss", 2.0, 0.5, "1 of 2 true values are not 0 or 1"),
        ("log_loss", 1.0, 1.5, "the challenger are not probabilities from 0 to 1"),
        ("brier", 1.0, -0.5, "the challenger are not probabilities from 0 to 1"),
        ("calibration", 1.0, math.nan, "the challenger are not probabilities from 0 to 1"),
        ("calibration", 0.5, 0.5, "1 of 2 true values are not 0 or 1"),
        ("brier", 1.0, math.nan, "the challenger are not probabilities from 0 to 1"),
        ("pinball", 1.0, math.inf, "the challenger are not finite numbers"),
    ],
)
def test_values_that_a_metric_cannot_take_are_counted(
    name: str, actual: float, predicted: float, reason: str
) -> None:
    found = compare([actual, 1.0], [predicted, 0.5], None, metric=name)

    assert reason in found["refused"]
    assert find_invalid(metric_of(name), [1.0], [0.5], "challenger") == ""


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0, math.nan])
def test_a_quantile_out_of_range_is_refused(quantile: float) -> None:
    with pytest.raises(ValueError, match="it must be above 0 and below 1"):
        metric_of("pinball", quantile)


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'r2': it must be one of mse, mae, poisson_deviance"):
        metric_of("r2")


@pytest.mark.parametrize("beta", [0.0, -1.0, math.inf, math.nan])
def test_a_beta_out_of_range_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match="it must be above 0"):
        metric_of("f_beta", beta=beta)


def test_only_metrics_of_the_mean_have_bias_and_slope() -> None:
    actual, predicted = (values.tolist() for values in NUMBERS)

    with_mean = compare(actual, predicted, None)["challenger"]
    of_median = compare(actual, predicted, None, metric="mae")["challenger"]

    errors = NUMBERS[1] - NUMBERS[0]
    assert with_mean["bias"] == pytest.approx(float(errors.mean()))
    assert with_mean["rms"] == pytest.approx(float(np.sqrt((errors**2).mean())))
    assert {"bias", "slope"} <= set(with_mean)
    assert not {"bias", "slope"} & set(of_median)
    assert of_median["largest"] == pytest.approx(float(abs(errors).max()))
    assert of_median["tail"] == sorted(abs(errors))[56]
    assert "largest" not in compare([0.0, 1.0], [0.5, 0.6], None, metric="brier")["challenger"]
