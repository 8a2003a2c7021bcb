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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of a model, in the order of the rows.

    `numbers` has shape (rows,) and is finite: the predictions, or of a classifier the probability
    of the last one of its labels. `labels` has a classifier's labels, shape (rows,), else ().
    `size` is the size of the model folder in bytes, and `milliseconds` has the measured times of
    predict (probing/costs.py); `varied` has the answers to varied rows (probing/monotone.py). None
    and () when they were not measured.
    """

    numbers: Sequence[float]
    labels: Sequence[str] = ()
    size: int | None = None
    milliseconds: Sequence[float] = ()
    varied: Sequence[float] = ()


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
    return Answers(
        numbers=_probabilities(lines, header, labels),
        labels=[_label(cell, row, labels) for row, cell in enumerate(cells, start=1)],
    )


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
) -> list[float]:
    """Return the probability of the last label in each row, shape (rows,)."""
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
    for row, values in enumerate(zip(*columns, strict=True), start=1):
        total = math.fsum(values)
        if not abs(total - 1.0) <= SUM_TOLERANCE:
            raise AnswerError(
                f"predict gave probabilities that add up to {total:g} in row {row}. They must add "
                "up to 1."
            )
    return columns[-1]


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
