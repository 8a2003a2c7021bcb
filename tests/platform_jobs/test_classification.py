"""Figures of classifications equal scikit-learn's, and values worked out by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from platform_jobs.judging.classification import area_under_curve, classification_figures


def test_the_figures_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    # Rounded, so that some scores are equal.
    scores = draw.uniform(0.01, 0.99, 300).round(2)
    actual = (draw.uniform(size=300) < scores).astype(float)
    right = (actual == (scores > 0.5)).tolist()

    figures = classification_figures(actual.tolist(), scores.tolist(), right)

    assert figures["accuracy"] == pytest.approx(np.mean(right))
    assert figures["log_loss"] == pytest.approx(log_loss(actual, scores))
    assert figures["brier"] == pytest.approx(brier_score_loss(actual, scores))
    assert figures["auc"] == pytest.approx(roc_auc_score(actual, scores))


def test_a_true_label_without_any_probability_costs_a_finite_loss() -> None:
    figures = classification_figures([1.0, 0.0], [0.0, 0.5], [False, True])

    assert figures["log_loss"] == pytest.approx((-math.log(1e-15) + math.log(2)) / 2)


def test_an_area_needs_rows_of_both_labels() -> None:
    assert area_under_curve([True, True], [0.1, 0.2]) is None
    assert area_under_curve([True, False], [0.5, 0.5]) == 0.5
    assert "auc" not in classification_figures([1.0], [0.9], [True])
