"""Lines of the prediction log as scoring/prediction_log.py writes them, read and counted."""

import hashlib
import json
import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

# The caller of a line that names none.
UNKNOWN = "unknown"
# Both keys of a model belong to the same people while they are rotated.
_ROTATED = {"secondary": "primary"}
_LONGEST_NAME = 80
# The last second of the year 9999.
_END_OF_TIME = 253_402_300_799.0
# Training rows that are compared with each other.
_COMPARED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPrediction:
    """A logged request: its rows, as far as they are logged, and the predictions.

    `at` is its time in seconds since 1970. Lines of an older service name no caller: all of them
    count as one.
    """

    prediction_id: str
    image: str
    at: float = 0.0
    caller: str = UNKNOWN
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
            at=_time(content.get("at", 0.0)),
            caller=read_caller(content.get("caller")),
            columns=columns,
            inputs=inputs,
            outputs=outputs,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    whole = not columns or len(inputs) == len(outputs)
    return prediction if whole and all(len(row) == len(columns) for row in inputs) else None


def read_caller(name: object) -> str:
    """Return the caller that a line names; UNKNOWN when it names none."""
    if not isinstance(name, str) or not name:
        return UNKNOWN
    return _ROTATED.get(name, name)[:_LONGEST_NAME]


def _time(value: object) -> float:
    at = float(value) if isinstance(value, int | float) else 0.0
    return at if 0 <= at <= _END_OF_TIME else 0.0


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
    keyed = [(row_key(inputs), _rounded(target)) for inputs, target in rows]
    asked: dict[int, set[float]] = {}
    ours = {key for key, _ in keyed}
    for prediction in predictions:
        if set(prediction.columns) == set(features):
            order = [prediction.columns.index(name) for name in features]
            for row, output in zip(prediction.inputs, prediction.outputs, strict=True):
                key = row_key(row[index] for index in order)
                if key in ours:
                    asked.setdefault(key, set()).add(_rounded(output))
    seen = sum(key in asked for key, _ in keyed)
    return seen, sum(target in asked.get(key, ()) for key, target in keyed)


def repeated_share(rows: Iterable[tuple[float, ...]]) -> float:
    """Return the share of the rows whose values are those of an earlier one; of many, the first."""
    keys = [row_key(row) for row in islice(rows, _COMPARED)]
    return 1 - len(set(keys)) / len(keys) if keys else 0.0


def _labelled(prediction: LoggedPrediction) -> Iterator[tuple[str, float]]:
    if len(prediction.outputs) == 1:
        yield prediction.prediction_id, prediction.outputs[0]
    else:
        for number, output in enumerate(prediction.outputs):
            yield f"{prediction.prediction_id}/{number}", output


def row_key(inputs: Iterable[float]) -> int:
    """Return a number of 64 bits that equal rows share, with the digits that files of text have.

    Not Python's hash: it is the same for -1 and -2, and differs between two values that are NaN.
    """
    text = " ".join(repr(_rounded(value) + 0.0) for value in inputs)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _rounded(value: float) -> float:
    # Files of text carry fewer digits than the log.
    return float(f"{value:.6g}") if math.isfinite(value) else value
