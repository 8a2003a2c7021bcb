"""Plots of predictions as SVG: the same predictions give the same bytes, and no display is needed.

A regression gets predictions against true values, residuals against predictions, and the mean true
value by the mean prediction of tenths of the rows. Probabilities of a class get the receiver
operating characteristic and the calibration (Hastie, Tibshirani and
Friedman 2009, section 9.2.5; Niculescu-Mizil and Caruana 2005).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

PLOTS = "plots"
# More points make a file that no viewer opens quickly; the rows are sorted by a hash, so that the
# first ones are a sample.
MOST_POINTS = 2000
BINS = 10  # of a calibration
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 480, 360, 64, 32, 16, 48
_TICKS = 5
# Okabe and Ito 2008: colours that people with colour blindness can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MOST_CURVES = len(_COLOURS)
_LETTERS = 20  # of a name in a plot
ROC_NAMES = ("Receiver operating characteristic", "false positive rate", "true positive rate")
Point = tuple[float, float]


def write_plots(folder: Path, actual: Sequence[float], predicted: Sequence[float]) -> None:
    """Write the plots of predictions, both of shape (rows,), below a folder.

    Nothing is written for predictions of which one is not finite: no gate accepts them.
    """
    if not actual or not all(map(math.isfinite, predicted)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _plots(actual, predicted).items():
        (folder / name).write_text(content, encoding="utf-8")


def _plots(actual: Sequence[float], predicted: Sequence[float]) -> dict[str, str]:
    if set(actual) <= {0.0, 1.0} and all(0.0 <= value <= 1.0 for value in predicted):
        return {
            "calibration.svg": probability_calibration(actual, predicted),
            "roc.svg": _plot(ROC_NAMES, [], roc_curve(actual, predicted), [(0.0, 0.0), (1.0, 1.0)]),
        }
    pairs = list(zip(actual, predicted, strict=True))[:MOST_POINTS]
    lowest, highest = min(map(min, pairs)), max(map(max, pairs))
    residuals = [(p, a - p) for a, p in pairs]
    left, right = min(p for p, _ in residuals), max(p for p, _ in residuals)
    return {
        "predicted.svg": _plot(
            ("Predictions against true values", "true value", "prediction"),
            pairs,
            [(lowest, lowest), (highest, highest)],
        ),
        "residuals.svg": _plot(
            ("Residuals", "prediction", "true value minus prediction"),
            residuals,
            [(left, 0.0), (right, 0.0)],
        ),
        "calibration.svg": _calibration(_equal_counts(actual, predicted), "mean true value"),
    }


def roc_curve(actual: Sequence[float], predicted: Sequence[float]) -> list[Point]:
    """Return the share of found positives by the share of false ones, over all thresholds."""
    positives = sum(actual)
    negatives = len(actual) - positives
    curve, hits, misses = [(0.0, 0.0)], 0.0, 0.0
    ranked = sorted(zip(predicted, actual, strict=True), reverse=True)
    for number, (value, truth) in enumerate(ranked):
        hits, misses = hits + truth, misses + 1.0 - truth
        # Rows with equal predictions are found together.
        if number + 1 == len(ranked) or ranked[number + 1][0] != value:
            curve.append((misses / (negatives or 1.0), hits / (positives or 1.0)))
    return _thinned(curve)


def roc_of_labels(curves: Mapping[str, Sequence[Point]]) -> str:
    """Return the curves of labels, each against all others; at most MOST_CURVES have a colour."""
    return _plot(ROC_NAMES, [], [(0.0, 0.0), (1.0, 1.0)], curves=curves)


def probability_calibration(actual: Sequence[float], predicted: Sequence[float]) -> str:
    """Return the share of positives by the mean probability of bins of equal width."""
    return _calibration(_equal_widths(actual, predicted), "share of positives")


def _equal_widths(actual: Sequence[float], predicted: Sequence[float]) -> list[list[Point]]:
    """Return predictions between 0 and 1 with their true values in BINS bins of equal width."""
    bins: list[list[Point]] = [[] for _ in range(BINS)]
    for truth, value in zip(actual, predicted, strict=True):
        bins[min(int(value * BINS), BINS - 1)].append((value, truth))
    return bins


def _equal_counts(actual: Sequence[float], predicted: Sequence[float]) -> list[list[Point]]:
    """Return predictions with their true values in BINS bins of as equally many rows as possible.

    Equal predictions are in one bin, so that the order of the rows changes nothing.
    """
    ranked = sorted(zip(predicted, actual, strict=True))
    bins: list[list[Point]] = [[] for _ in range(BINS)]
    number = 0
    for index, pair in enumerate(ranked):
        if index and ranked[index - 1][0] != pair[0]:
            number = index * BINS // len(ranked)
        bins[number].append(pair)
    return bins


def _calibration(bins: Sequence[Sequence[Point]], y_name: str) -> str:
    """Return the mean true value by the mean prediction of each bin."""
    points = [
        (
            math.fsum(value for value, _ in rows) / len(rows),
            math.fsum(t for _, t in rows) / len(rows),
        )
        for rows in bins
        if rows
    ]
    names = ("Calibration", "mean prediction", y_name)
    low, high = min(map(min, points)), max(map(max, points))
    ends = (0.0, 1.0) if y_name == "share of positives" else (low, high)
    return _plot(names, points, points, [(ends[0], ends[0]), (ends[1], ends[1])])


def _thinned(curve: list[Point]) -> list[Point]:
    step = max(1, math.ceil(len(curve) / MOST_POINTS))
    return [*curve[::step], curve[-1]]


def _plot(
    names: tuple[str, str, str],
    points: Sequence[Point],
    *lines: Sequence[Point],
    curves: Mapping[str, Sequence[Point]] = MappingProxyType({}),
) -> str:
    """Return an SVG with a title, two axes, points and lines; `names` are title, x and y.

    `curves` are further lines by the names that the legend has.
    """
    everything = [*points, *(point for line in lines for point in line)]
    everything += [point for curve in curves.values() for point in curve]
    x_axis = _Axis([x for x, _ in everything], _LEFT, _WIDTH - _RIGHT)
    y_axis = _Axis([y for _, y in everything], _HEIGHT - _BOTTOM, _TOP)
    title, x_name, y_name = names
    middle, bottom = (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="11">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{middle:.1f}" y="18" text-anchor="middle" font-size="13">{title}</text>',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}" fill="none" stroke="black"/>',
    ]
    for value in x_axis.ticks():
        at = x_axis.place(value)
        parts.append(f'<path d="M{at:.1f} {bottom}v4" stroke="black"/>')
        parts.append(
            f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{_label(value)}</text>'
        )
    for value in y_axis.ticks():
        at = y_axis.place(value)
        parts.append(f'<path d="M{_LEFT} {at:.1f}h-4" stroke="black"/>')
        parts.append(
            f'<text x="{_LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{_label(value)}</text>'
        )
    parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{x_name}</text>')
    parts.append(
        f'<text transform="translate(14 {(bottom + _TOP) / 2:.1f}) rotate(-90)" '
        f'text-anchor="middle">{y_name}</text>'
    )
    parts += [
        f'<circle cx="{x_axis.place(x):.1f}" cy="{y_axis.place(y):.1f}" r="2" '
        'fill="steelblue" fill-opacity="0.6"/>'
        for x, y in points
    ]
    styles = [(line, "firebrick", number > 0) for number, line in enumerate(lines)]
    for (name, curve), colour in zip(curves.items(), _COLOURS, strict=False):
        styles.append((curve, colour, False))
        height = bottom - 12 * (len(curves) - list(curves).index(name))
        parts.append(
            f'<text x="{_WIDTH - _RIGHT}" y="{height}" text-anchor="end" fill="{colour}">'
            f"{shown_name(name)}</text>"
        )
    for line, colour, dashed in styles:
        corners = " ".join(f"{x_axis.place(x):.1f},{y_axis.place(y):.1f}" for x, y in line)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        parts.append(f'<polyline points="{corners}" fill="none" stroke="{colour}"{dash}/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def shown_name(name: str) -> str:
    """Return a name as text of an SVG, of at most 20 characters."""
    return escape(name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…")


class _Axis:
    """A linear scale from values to pixels."""

    def __init__(self, values: Iterable[float], begin: float, end: float) -> None:
        known = list(values)
        self._low, self._high = min(known), max(known)
        if not self._high > self._low:
            self._low, self._high = self._low - 1.0, self._high + 1.0
        self._begin, self._end = begin, end

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (value - self._low) / (self._high - self._low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Return round values on the axis, about _TICKS of them."""
        rough = (self._high - self._low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough), 10.0 * power)
        first = math.ceil(self._low / step)
        return [n * step for n in range(first, math.floor(self._high / step) + 1)]


def _label(value: float) -> str:
    return f"{value:.6g}"
