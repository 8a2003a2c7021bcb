"""The data: a folder with rows.csv and schema.json to train on, a CSV of features to answer."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


class DataError(ValueError):
    """The file cannot be used; the text has the cause and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows to learn from: x of shape (rows, features), y of (rows,)."""

    features: tuple[str, ...]
    target: str
    x: Any
    y: Any


def load_rows(folder: Path) -> Rows:
    """Return the rows that the platform gives to a training, or raise DataError."""
    try:
        schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
        features, target = tuple(schema["features"]), str(schema["target"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} holds no schema.json with features and target: {error}"
        ) from error
    table = _read(folder / "rows.csv", (*features, target))
    if len(table) < 2:
        raise DataError(f"{folder} has {len(table)} rows; 2 are the least to train on.")
    return Rows(features=features, target=target, x=table[:, :-1], y=table[:, -1])


def load_features(path: Path, features: Sequence[str]) -> Any:
    """Return these columns of a CSV file, shape (rows, features), or raise DataError."""
    return _read(path, tuple(features))


def _read(path: Path, columns: tuple[str, ...]) -> Any:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader, [])
            rows = [row for row in reader if row]
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Give the path of a CSV file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable CSV: {error}") from error
    absent = [name for name in columns if name not in header]
    if absent:
        raise DataError(f"{path} has no column {', '.join(absent)}.")
    places = [header.index(name) for name in columns]
    values = np.empty((len(rows), len(columns)))
    for place, row in enumerate(rows):
        values[place] = [_number(row, number, path, header) for number in places]
    return values


def _number(row: list[str], place: int, path: Path, header: list[str]) -> float:
    try:
        value = float(row[place])
    except (ValueError, IndexError):
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{path}: column {header[place]} has values that are not finite numbers.")
    return value
