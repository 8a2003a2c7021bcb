"""A saved model, and the checks of requests and answers."""

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from scoring import without_unused

with without_unused():
    import skops.io

MAX_ROWS = 10_000
TRUSTED_TYPES = Path(__file__).with_name("trusted_types.json")
# Characters of a model's own error that its caller is given.
MAX_TEXT = 500
# Characters of a cell of text in a request.
MAX_CELL = 10_000
# Kinds of features in model_schema.json whose cells are texts.
TEXT_KINDS, DATE = ("category", "text", "date"), "date"
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
Cell = float | str


class InputError(ValueError):
    """The request cannot be scored; the text names the row and the expected form."""


class ModelError(Exception):
    """The model raised an exception, or answered with something other than one answer a row."""


class Predictor:
    """Predicts with the model of one folder, which never runs code on load."""

    # Statuses other than 400 with which it may refuse, and their meaning.
    refusals: Mapping[str, str] = {
        "500": "The model failed on these rows; the text is the model's own error"
    }
    # The thread for answers that may take long.
    thread: Executor | None = None
    # True when the model itself answers, false when a scoring script calls it.
    asks_model = True

    def __init__(self, folder: Path, trusted: Path = TRUSTED_TYPES) -> None:
        """Take the model's folder, and the platform's list of types that it may hold."""
        self._model: Any = skops.io.load(folder / "model.skops", trusted=trusted_types(trusted))
        schema = json.loads((folder / "model_schema.json").read_text(encoding="utf-8"))
        self.features: tuple[str, ...] = tuple(schema["features"])
        kinds = schema.get("kinds", {})
        self.texts = frozenset(name for name in self.features if kinds.get(name) in TEXT_KINDS)
        self.dates = frozenset(name for name in self.texts if kinds.get(name) == DATE)
        self.labels = tuple(str(label) for label in schema.get("labels", ()))
        self.gives_labels = bool(self.labels)
        if self.asks_model:
            self._shape = shape_for(self._model, self.features, self.texts)

    def answer(self, content: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to `{"data": rows}`: in `result` one number per row.

        A classifier's `result` has labels, and `probabilities` an object for each row with the
        probability of each label, when it gives some. A label that no training row had gets 0.
        """
        rows = self.rows(content)
        probabilities = None
        try:
            asked = self._shape(rows)
            predicted = self._model.predict(asked)
            if self.gives_labels and hasattr(self._model, "predict_proba"):
                probabilities = self._model.predict_proba(asked)
        # A model may raise anything; without an answer the caller sees a bare 500.
        except Exception as error:
            logging.getLogger(__name__).exception("The model failed on %d rows.", len(rows))
            raise ModelError(f"{type(error).__name__}: {error}"[:MAX_TEXT]) from error
        if not self.gives_labels:
            return {"result": read_numbers(predicted, len(rows))}
        answer: dict[str, object] = {"result": read_labels(predicted, len(rows))}
        if probabilities is not None:
            given = read_probabilities(probabilities, self._model.classes_, len(rows))
            # The model may have been trained on rows without one of the labels.
            unseen = dict.fromkeys(self.labels, 0.0)
            answer["probabilities"] = [unseen | row for row in given]
        return answer

    def rows(self, content: Any) -> list[list[Cell]]:
        """Return the rows of `{"data": rows}`, of shape (n, features); InputError with the cause.

        Numbers are finite; cells of categories and texts are texts, dates those of ISO 8601.
        """
        rows = content.get("data") if isinstance(content, dict) else None
        if not isinstance(rows, list) or not rows:
            raise InputError('Send {"data": [[…], …]} with at least one row.')
        if len(rows) > MAX_ROWS:
            raise InputError(f"{len(rows)} rows; at most {MAX_ROWS} fit one request.")
        for number, row in enumerate(rows):
            self._check(number, row)
        return rows

    def _check(self, number: int, row: Any) -> None:
        width = len(self.features)
        if not isinstance(row, list) or len(row) != width:
            got = len(row) if isinstance(row, list) else type(row).__name__
            names, kind = ", ".join(self.features), "cells" if self.texts else "numbers"
            raise InputError(f"data[{number}]: expected {width} {kind} ({names}), got {got}.")
        for name, value in zip(self.features, row, strict=True):
            if name in self.texts:
                if not isinstance(value, str) or len(value) > MAX_CELL:
                    text = f"expected a text of at most {MAX_CELL} characters"
                    raise InputError(f"data[{number}].{name}: {text}.")
                if name in self.dates and not is_date(value):
                    text = "expected a date such as 2024-02-29 or 2024-02-29T12:30:00Z"
                    raise InputError(f"data[{number}].{name}: {text}.")
                continue
            number_like = isinstance(value, int | float) and not isinstance(value, bool)
            # A whole number of 400 digits is JSON, and no float.
            if not number_like or abs(value) > 1e300 or not math.isfinite(value):
                raise InputError(f"data[{number}].{name}: expected a finite number.")


def is_date(text: str) -> bool:
    """Return whether a text is a date or time in the extended form of ISO 8601."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def trusted_types(file: Path) -> list[str]:
    """Return the types that a model may hold beyond those of skops; none without a list.

    The platform writes the list beside this service when it packs an image. A list in the model
    folder counts for nothing: it was written by the code that made the model.
    """
    return [str(name) for name in json.loads(file.read_text())] if file.is_file() else []


def shape_for(
    model: Any, features: tuple[str, ...], texts: frozenset[str] = frozenset()
) -> Callable[[list[list[Cell]]], Any]:
    """Return the function that gives rows the form in which the model was fitted.

    scikit-learn keeps the names of a table's columns in `feature_names_in_`: such a model, or a
    step of it, gets a table with these names, any other an array. The columns `texts` are texts.
    Raises ValueError when the model was fitted with columns that model_schema.json does not name.
    """
    names = _fitted_names(model)
    if names is None:
        return lambda rows: np.asarray(rows, dtype=object if texts else float)
    if absent := [name for name in names if name not in features]:
        raise ValueError(
            f"the model was fitted with the columns {', '.join(absent)}, which model_schema.json "
            "does not name under `features`. Train again with the names of the data"
        )
    # Imported late, because images of an earlier base have no pandas and models of arrays need
    # none.
    try:
        import pandas as pd
    except ImportError:
        raise ValueError(
            "the model was fitted with a table and the image has no pandas. Make the base image "
            "again, or fit the model with an array"
        ) from None

    def table(rows: list[list[Cell]]) -> Any:
        if texts:
            columns = zip(features, zip(*rows, strict=True), strict=True)
            # Each column has its own type, as when the model was fitted.
            frame = pd.DataFrame(
                {n: list(c) if n in texts else np.asarray(c, dtype=float) for n, c in columns}
            )
        else:
            frame = pd.DataFrame(np.asarray(rows, dtype=float), columns=list(features))
        # An estimator refuses columns in a different order.
        return frame[list(names)]

    return table


def _fitted_names(model: Any) -> tuple[str, ...] | None:
    """Return the names of the columns that the model was fitted with; None for an array."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        # A pipeline asks only its first step, which has no names when it passes everything through.
        steps = [
            step for _, step in getattr(model, "steps", ()) if step not in (None, "passthrough")
        ]
        return _fitted_names(steps[0]) if steps else None
    return tuple(str(name) for name in names)


def read_numbers(predicted: Any, count: int) -> list[float]:
    """Return one finite number a row; ModelError when the model answered with something else."""
    try:
        values = np.asarray(predicted, dtype=float)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"The model answered with something that is not a number: {error}."
        ) from None
    if values.size != count or values.shape[:1] != (count,):
        raise ModelError(
            f"The model answered an array of shape {values.shape} to {count} rows. It must answer "
            "one number a row."
        )
    values = values.reshape(count)
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ModelError(f"The model answered {values[place]} to data[{place}], no finite number.")
    return [float(value) for value in values]


def read_labels(predicted: object, count: int) -> list[str]:
    """Return one label a row as text; ModelError when the model answered with something else."""
    values = np.asarray(predicted)
    if values.size != count or values.shape[:1] != (count,):
        raise ModelError(
            f"The model answered an array of shape {values.shape} to {count} rows. It must answer "
            "one label a row."
        )
    return [label_of(value) for value in values.reshape(count).tolist()]


def label_of(value: object) -> str:
    """Return a label as the evaluation writes it: 1, 1.0 and "1" are the same label."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def read_probabilities(given: object, classes: object, count: int) -> list[dict[str, float]]:
    """Return for each row the probability of each label; ModelError unless they are complete."""
    labels = [label_of(label) for label in np.asarray(classes).tolist()]
    values = np.asarray(given, dtype=float)
    if values.shape != (count, len(labels)) or not np.isfinite(values).all():
        raise ModelError(
            f"The model answered probabilities of shape {values.shape} to {count} rows. It must "
            f"answer {len(labels)} finite numbers a row."
        )
    return [dict(zip(labels, row, strict=True)) for row in values.tolist()]
