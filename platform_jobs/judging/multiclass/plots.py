"""Plots of a classification with more than two labels, as SVG.

The receiver operating characteristic has a curve for each of the most frequent labels, each against
all others. The calibration has each label's probabilities of all rows together. The confusion
matrix has a row for each true label and a column for each label that the model chose.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from platform_jobs.judging.multiclass.losses import Row
from platform_jobs.judging.plots import (
    MOST_CURVES,
    probability_calibration,
    roc_curve,
    roc_of_labels,
    shown_name,
)

_CELL, _LEFT, _TOP, _MARGIN = 36, 150, 150, 16
# Labels up to which a cell has its number of rows.
_MOST_NUMBERED = 20


def write_multiclass_plots(
    folder: Path,
    labels: Sequence[str],
    actual: Sequence[float],
    predicted: Sequence[Row],
    chosen: Sequence[str],
) -> None:
    """Write the plots of predictions of shape (rows, labels) below a folder.

    `actual` has the numbers of the true labels, and `chosen` the labels that the model chose, both
    of shape (rows,).
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "roc.svg": roc_of_labels(_curves(labels, actual, predicted)),
        "calibration.svg": probability_calibration(
            [float(truth == label) for truth in actual for label in range(len(labels))],
            [value for row in predicted for value in row],
        ),
        "confusion.svg": _confusion(labels, actual, chosen),
    }
    for name, content in plots.items():
        (folder / name).write_text(content, encoding="utf-8")


def _curves(
    labels: Sequence[str], actual: Sequence[float], predicted: Sequence[Row]
) -> dict[str, list[tuple[float, float]]]:
    frequent = [int(label) for label, _ in Counter(actual).most_common(MOST_CURVES)]
    return {
        labels[label]: roc_curve(
            [float(truth == label) for truth in actual], [row[label] for row in predicted]
        )
        for label in sorted(frequent)
    }


def _confusion(labels: Sequence[str], actual: Sequence[float], chosen: Sequence[str]) -> str:
    """Return the numbers of rows by true and chosen label; a darker cell is a larger share."""
    matrix = Counter(
        (labels[int(truth)], label) for truth, label in zip(actual, chosen, strict=True)
    )
    truths = Counter(labels[int(truth)] for truth in actual)
    side = _CELL * len(labels)
    width, height = _LEFT + side + _MARGIN, _TOP + side + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        "<title>Confusion matrix</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_MARGIN}" y="18" font-size="13">Confusion matrix</text>',
        f'<text x="{_MARGIN}" y="34">rows: true label; columns: chosen label</text>',
    ]
    for number, label in enumerate(labels):
        middle = _CELL * number + _CELL / 2
        parts.append(
            f'<text x="{_LEFT - 6}" y="{_TOP + middle + 4}" text-anchor="end">'
            f"{shown_name(label)}</text>"
        )
        parts.append(
            f'<text transform="translate({_LEFT + middle + 4} {_TOP - 6}) rotate(-90)">'
            f"{shown_name(label)}</text>"
        )
    for row, truth in enumerate(labels):
        for column, label in enumerate(labels):
            count = matrix[truth, label]
            share = count / truths[truth] if count else 0.0
            x, y = _LEFT + _CELL * column, _TOP + _CELL * row
            parts.append(
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="steelblue" '
                f'fill-opacity="{share:.3f}" stroke="lightgrey"/>'
            )
            if count and len(labels) <= _MOST_NUMBERED:
                parts.append(
                    f'<text x="{x + _CELL / 2}" y="{y + _CELL / 2 + 4}" text-anchor="middle">'
                    f"{count}</text>"
                )
    return "\n".join([*parts, "</svg>"]) + "\n"
