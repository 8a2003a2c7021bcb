"""The answer file of `predict`: numbers, or labels with their probabilities.

A model of numbers answers in the column `prediction`. A classifier answers labels there, and the
probability of each label in a column `probability:<label>`.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from platform_jobs.errors import AnswerError, ContractError
from platform_jobs.tables.words import read_label

MOST_TIMES = 5  # measured times of a model
PREDICTION, PROBABILITY = "prediction", "probability:"
# The sum of a row's probabilities may differ from 1 by this, because files hold rounded digits.
SUM_TOLERANCE = 1e-3
_SHOWN = 40
_SHORT = 200
# The answer to a row: a number, of a classifier with two labels the probability of the last one, or
# the probability of each of more labels, in the order of the labels.
Prediction = float | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of a model, in the order of the rows.

    `numbers` has shape (rows,) and is finite: the predictions, or of a classifier the probability
    of the last one of its labels. `labels` has a classifier's labels, shape (rows,), else ().
    `probabilities` has shape (rows, labels) with more than two labels, else (); a row adds up to 1.
    `size` is the size of the model folder in bytes, and `milliseconds` has the measured times of
    predict (probing/costs.py); `varied` has the answers to varied rows (probing/monotone.py). None
    and () when they were not measured.
    """

    numbers: Sequence[float]
    labels: Sequence[str] = ()
    probabilities: Sequence[tuple[float, ...]] = ()
    size: int | None = None
    milliseconds: Sequence[float] = ()
    varied: Sequence[float] = ()

    @property
    def predictions(self) -> Sequence[Prediction]:
        """Return the answers that are judged, shape (rows,)."""
        return self.probabilities or self.numbers


def distance(first: Prediction, second: Prediction) -> float:
    """Return the largest difference of two answers to a row of one target."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return max(abs(one - other) for one, other in zip(first, second, strict=True))
    if isinstance(first, tuple) or isinstance(second, tuple):
        raise TypeError
    return abs(first - second)


def read_answer_file(text: str, rows: int, labels: Sequence[str] = ()) -> Answers:
    """Return the answers of a CSV file; ContractError unless it answers `rows` rows.

    AnswerError when a value is no number, label or probability that a row can have.
    `labels` are the labels of the target, () for numbers.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise ContractError(f"predict wrote no readable CSV: {error}.") from None
    header = [name.strip() for name in lines[0]] if lines else []
    if PREDICTION not in header:
        names = ", ".join(header)[:_SHORT] or "nothing"
        raise ContractError(
            f"predict wrote no column `{PREDICTION}`; its header is: {names}. "
            "Write a header line and one line for each row."
        )
    if len(lines) - 1 != rows:
        raise ContractError(
            f"predict answered {len(lines) - 1} rows where {rows} were asked. "
            "Write one line for each row, in the same order."
        )
    cells = _column(lines, header.index(PREDICTION))
    if not labels:
        return Answers(numbers=[_number(cell, row) for row, cell in enumerate(cells, start=1)])
    given = _probabilities(lines, header, labels)
    scaled = [_scaled(row) for row in given] if len(labels) > 2 else []
    return Answers(
        numbers=[row[-1] for row in scaled or given],
        labels=[_label(cell, row, labels) for row, cell in enumerate(cells, start=1)],
        probabilities=tuple(scaled),
    )


def _scaled(row: tuple[float, ...]) -> tuple[float, ...]:
    """Return probabilities that add up to 1: without it a larger sum would have less log loss."""
    total = math.fsum(row)
    return tuple(value / total for value in row)


def _column(lines: Sequence[Sequence[str]], index: int) -> list[str]:
    """Return the cells of a column, without the header; "" where a line is too short."""
    return [line[index].strip() if index < len(line) else "" for line in lines[1:]]


def _number(text: str, row: int) -> float:
    value = _float(text)
    if not math.isfinite(value):
        raise AnswerError(
            f"predict answered {text[:_SHOWN]!r} in row {row}. Each answer must be a finite number."
        )
    return value


def _label(text: str, row: int, labels: Sequence[str]) -> str:
    label = read_label(text)
    if label not in labels:
        raise AnswerError(
            f"predict answered {text[:_SHOWN]!r} in row {row}. Each answer must be one of the "
            f"labels {', '.join(labels)[:_SHORT]}."
        )
    return label


def _probabilities(
    lines: Sequence[Sequence[str]], header: Sequence[str], labels: Sequence[str]
) -> list[tuple[float, ...]]:
    """Return the probability of each label in each row, shape (rows, labels)."""
    indices = {
        read_label(name.removeprefix(PROBABILITY)): index
        for index, name in enumerate(header)
        if name.startswith(PROBABILITY)
    }
    if absent := [label for label in labels if label not in indices]:
        raise AnswerError(
            f"predict wrote no column `{PROBABILITY}{absent[0][:_SHOWN]}`. Write one column "
            f"`{PROBABILITY}<label>` for each of the labels {', '.join(labels)[:_SHORT]}."
        )
    columns = [
        [
            _probability(cell, label, row)
            for row, cell in enumerate(_column(lines, indices[label]), start=1)
        ]
        for label in labels
    ]
    given = list(zip(*columns, strict=True))
    for row, values in enumerate(given, start=1):
        total = math.fsum(values)
        if not abs(total - 1.0) <= SUM_TOLERANCE:
            raise AnswerError(
                f"predict gave probabilities that add up to {total:g} in row {row}. They must add "
                "up to 1."
            )
    return given


def _probability(text: str, label: str, row: int) -> float:
    value = _float(text)
    # Written so that NaN is refused.
    if not 0.0 <= value <= 1.0:
        raise AnswerError(
            f"predict gave {text[:_SHOWN]!r} as probability of {label[:_SHOWN]} in row {row}. It "
            "must be a number from 0 to 1."
        )
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
