"""A saved model and the check of what it is asked."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

MAX_ROWS = 10_000


class InputError(ValueError):
    """The request cannot be scored; the text names the row and what to send."""


class Predictor:
    """Predicts with the model of one folder, which never runs code on load."""

    def __init__(self, folder: Path) -> None:
        trusted = json.loads((folder / "trusted_types.json").read_text(encoding="utf-8"))
        self._model: Any = skops.io.load(folder / "model.skops", trusted=trusted)
        schema = json.loads((folder / "model_schema.json").read_text(encoding="utf-8"))
        self.features: tuple[str, ...] = tuple(schema["features"])

    def predict(self, content: Any) -> list[float]:
        """Return one prediction per row of `{"data": rows}`, rows of shape (n, features)."""
        rows = content.get("data") if isinstance(content, dict) else None
        if not isinstance(rows, list) or not rows:
            raise InputError('Send {"data": [[…], …]} with at least one row.')
        if len(rows) > MAX_ROWS:
            raise InputError(f"{len(rows)} rows; at most {MAX_ROWS} fit one request.")
        for number, row in enumerate(rows):
            self._check(number, row)
        return [float(value) for value in self._model.predict(np.asarray(rows, dtype=float))]

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
