"""A saved model and the check of what it is asked."""

import json
import math
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

MAX_ROWS = 10_000


class InputError(ValueError):
    """The request cannot be scored; the text names the row and what to send."""


class Predictor:
    """Predicts with the model of one folder, which never runs code on load."""

    # Statuses beside 400 with which it may refuse, and what they mean.
    refusals: Mapping[str, str] = {}
    # Where answering may take long: the thread to do it in.
    thread: Executor | None = None

    def __init__(self, folder: Path) -> None:
        trusted = json.loads((folder / "trusted_types.json").read_text(encoding="utf-8"))
        self._model: Any = skops.io.load(folder / "model.skops", trusted=trusted)
        schema = json.loads((folder / "model_schema.json").read_text(encoding="utf-8"))
        self.features: tuple[str, ...] = tuple(schema["features"])

    def answer(self, content: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return what is answered to `{"data": rows}`: in `result` one number per row."""
        rows = self.rows(content)
        predicted = self._model.predict(np.asarray(rows, dtype=float))
        return {"result": [float(value) for value in predicted]}

    def rows(self, content: Any) -> list[list[float]]:
        """Return the rows of `{"data": rows}`, of shape (n, features) and finite; or InputError."""
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
            names = ", ".join(self.features)
            raise InputError(f"data[{number}]: expected {width} numbers ({names}), got {got}.")
        for name, value in zip(self.features, row, strict=True):
            number_like = isinstance(value, int | float) and not isinstance(value, bool)
            # A whole number of 400 digits is JSON, and no float.
            if not number_like or abs(value) > 1e300 or not math.isfinite(value):
                raise InputError(f"data[{number}].{name}: expected a finite number.")
