"""Lines of the prediction log as scoring/prediction_log.py writes them, read and counted."""

import json
import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from function_app.domain.drift.observations import (
    PREDICTION,
    ColumnCounts,
    ColumnReference,
    count_column,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPrediction:
    """A logged request: its rows, as far as they are logged, and the predictions."""

    prediction_id: str
    image: str
    columns: tuple[str, ...]
    inputs: tuple[tuple[float, ...], ...]
    outputs: tuple[float, ...]


def read_line(line: bytes | str) -> LoggedPrediction | None:
    """Return the content of a line; None for half a line or a line of another form."""
    try:
        content = json.loads(line)
        columns = tuple(str(name) for name in content.get("columns", ()))
        inputs = tuple(tuple(float(v) for v in row) for row in content.get("inputs", ()))
        outputs = tuple(float(value) for value in content["outputs"])
        prediction = LoggedPrediction(
            prediction_id=str(content["id"]),
            image=str(content["image"]),
            columns=columns,
            inputs=inputs,
            outputs=outputs,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    whole = not columns or len(inputs) == len(outputs)
    return prediction if whole and all(len(row) == len(columns) for row in inputs) else None


def count_predictions(
    references: tuple[ColumnReference, ...],
    predictions: Iterable[LoggedPrediction],
    rows_per_request: int,
) -> tuple[int, dict[str, ColumnCounts]]:
    """Return the number of rows that count, and each column's counts.

    Of a request with many rows only the first count, because rows of one request are similar.
    """
    values: dict[str, list[float]] = {reference.name: [] for reference in references}
    rows = 0
    for prediction in predictions:
        rows += len(prediction.outputs[:rows_per_request])
        if PREDICTION in values:
            values[PREDICTION] += prediction.outputs[:rows_per_request]
        for index, name in enumerate(prediction.columns):
            if name in values and name != PREDICTION:
                values[name] += [row[index] for row in prediction.inputs[:rows_per_request]]
    counts = {r.name: count_column(r, values[r.name]) for r in references}
    return rows, {name: column for name, column in counts.items() if column.rows}


def answers_by_label(
    predictions: Iterable[LoggedPrediction], label_ids: Container[str]
) -> dict[str, float | None]:
    """Return the answer of each row that one of the wanted ids of labels names.

    None where an id names several. The row of a request with one row has the request's id; row n of
    a request with more has `<id>/<n>`, counted from 0.
    """
    answers: dict[str, float | None] = {}
    for prediction in predictions:
        for label_id, answer in _labelled(prediction):
            if label_id in label_ids:
                known = answers.get(label_id, answer)
                answers[label_id] = answer if known == answer else None
    return answers


def count_echoes(
    rows: Iterable[tuple[tuple[float, ...], float]],
    features: tuple[str, ...],
    predictions: Iterable[LoggedPrediction],
) -> tuple[int, int]:
    """Return how many training rows production was asked, and how many have its answer as target.

    Only requests of which every input is logged can be recognized. Of the predictions, which may be
    many more than the rows, only those of the rows are kept in memory.
    """
    keyed = [(_key(inputs), _rounded(target)) for inputs, target in rows]
    asked: dict[int, set[float]] = {}
    ours = {key for key, _ in keyed}
    for prediction in predictions:
        if set(prediction.columns) == set(features):
            order = [prediction.columns.index(name) for name in features]
            for row, output in zip(prediction.inputs, prediction.outputs, strict=True):
                key = _key(row[index] for index in order)
                if key in ours:
                    asked.setdefault(key, set()).add(_rounded(output))
    seen = sum(key in asked for key, _ in keyed)
    return seen, sum(target in asked.get(key, ()) for key, target in keyed)


def _labelled(prediction: LoggedPrediction) -> Iterator[tuple[str, float]]:
    if len(prediction.outputs) == 1:
        yield prediction.prediction_id, prediction.outputs[0]
    else:
        for number, output in enumerate(prediction.outputs):
            yield f"{prediction.prediction_id}/{number}", output


def _key(inputs: Iterable[float]) -> int:
    return hash(tuple(_rounded(value) for value in inputs))


def _rounded(value: float) -> float:
    # Files of text carry fewer digits than the log.
    return float(f"{value:.6g}") if math.isfinite(value) else value
