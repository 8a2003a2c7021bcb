"""Plots of predictions: valid SVG, the same bytes for the same rows, and a bounded size."""

import math
import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from platform_jobs.judging.plots import MOST_POINTS, write_plots

SVG = "{http://www.w3.org/2000/svg}"


def plotted(folder: Path, actual: list[float], predicted: list[float]) -> dict[str, bytes]:
    write_plots(folder, actual, predicted)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


def elements(content: bytes, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(content).iter(SVG + kind))


def regression(rows: int) -> tuple[list[float], list[float]]:
    draw = random.Random(1)
    actual = [draw.gauss(150, 70) for _ in range(rows)]
    return actual, [value + draw.gauss(0, 50) for value in actual]


def test_a_regression_has_predictions_and_residuals_with_a_point_for_each_row(
    tmp_path: Path,
) -> None:
    actual, predicted = regression(89)

    plots = plotted(tmp_path / "a", actual, predicted)

    assert list(plots) == ["calibration.svg", "predicted.svg", "residuals.svg"]
    for name in ("predicted.svg", "residuals.svg"):
        assert len(elements(plots[name], "circle")) == 89
    assert len(elements(plots["calibration.svg"], "circle")) == 10
    assert plots == plotted(tmp_path / "b", actual, predicted)


def test_a_better_prediction_lies_nearer_to_the_line(tmp_path: Path) -> None:
    actual = [0.0, 10.0, 20.0]
    plots = plotted(tmp_path, actual, actual)

    [line] = elements(plots["predicted.svg"], "polyline")
    ends = [tuple(map(float, corner.split(","))) for corner in line.get("points", "").split()]
    for circle in elements(plots["predicted.svg"], "circle"):
        x, y = float(circle.get("cx", "")), float(circle.get("cy", ""))
        share = (x - ends[0][0]) / (ends[1][0] - ends[0][0])
        assert y == pytest.approx(ends[0][1] + share * (ends[1][1] - ends[0][1]), abs=0.2)


def test_probabilities_have_a_calibration_and_a_roc(tmp_path: Path) -> None:
    actual = [0.0, 0.0, 1.0, 1.0]

    plots = plotted(tmp_path, actual, [0.1, 0.4, 0.35, 0.8])

    assert list(plots) == ["calibration.svg", "roc.svg"]
    curve = elements(plots["roc.svg"], "polyline")[0].get("points", "").split()
    # Thresholds 0.8, 0.4, 0.35 and 0.1 behind the origin, and the end again.
    assert len(curve) == 6
    assert len(elements(plots["calibration.svg"], "circle")) == 4


def test_the_calibration_of_a_regression_shows_means_of_tenths_of_the_rows(tmp_path: Path) -> None:
    predicted = [float(value) for value in range(100)]
    actual = [2.0 * value for value in predicted]

    [line, diagonal] = elements(plotted(tmp_path, actual, predicted)["calibration.svg"], "polyline")

    points = [tuple(map(float, at.split(","))) for at in line.get("points", "").split()]
    ends = [tuple(map(float, at.split(","))) for at in diagonal.get("points", "").split()]
    per_unit_x = (ends[1][0] - ends[0][0]) / (189.0 - 4.5)
    per_unit_y = (ends[1][1] - ends[0][1]) / (189.0 - 4.5)
    # Means of the predictions 0 to 9, 10 to 19, …; the true values are twice as large.
    shown = [
        (4.5 + (x - ends[0][0]) / per_unit_x, 4.5 + (y - ends[0][1]) / per_unit_y)
        for x, y in points
    ]
    assert [x for x, _ in shown] == pytest.approx([4.5 + 10 * n for n in range(10)], abs=0.2)
    assert [y for _, y in shown] == pytest.approx([9.0 + 20 * n for n in range(10)], abs=0.2)


def test_equal_predictions_are_one_point_of_a_calibration(tmp_path: Path) -> None:
    actual, predicted = [float(n) for n in range(40)], [5.0] * 30 + [8.0] * 10

    plots = plotted(tmp_path / "a", actual, predicted)
    turned = plotted(tmp_path / "b", actual[::-1], predicted[::-1])

    assert len(elements(plots["calibration.svg"], "circle")) == 2
    assert turned["calibration.svg"] == plots["calibration.svg"]


def test_many_rows_make_a_small_file(tmp_path: Path) -> None:
    plots = plotted(tmp_path, *regression(10 * MOST_POINTS))

    assert len(elements(plots["predicted.svg"], "circle")) == MOST_POINTS
    assert all(len(content) < 300_000 for content in plots.values())


@pytest.mark.parametrize("rows", [1, 2])
def test_equal_values_still_have_axes(tmp_path: Path, rows: int) -> None:
    plots = plotted(tmp_path, [5.0] * rows, [5.0] * rows)

    assert all(b"nan" not in content for content in plots.values())
    assert len(elements(plots["predicted.svg"], "circle")) == rows


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_predictions_that_are_not_finite_have_no_plot(tmp_path: Path, bad: float) -> None:
    assert plotted(tmp_path / "none", [1.0, 2.0], [1.0, bad]) == {}
    assert plotted(tmp_path / "empty", [], []) == {}
