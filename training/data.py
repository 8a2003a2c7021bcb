"""The data: a CSV whose last column `Y` is the target."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

TARGET = "Y"


class DataError(ValueError):
    """The file cannot be trained on; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Rows to learn from and rows to judge by: x of shape (rows, features), y of (rows,)."""

    columns: tuple[str, ...]
    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any


def load_csv(path: Path) -> pd.DataFrame:
    """Return the rows of the file, all finite numbers, or raise DataError."""
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Give the path of a CSV file.") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty. It needs a header and rows.") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(f"{path} is not a readable CSV: {error}") from error
    if TARGET not in frame.columns:
        raise DataError(f"{path} has no column {TARGET}, the target.")
    for column in frame.columns:
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float)
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise DataError(f"{path}: column {column} has {bad} values that are no finite number.")
    if len(frame) < 10:
        raise DataError(f"{path} has {len(frame)} rows; 10 are the least that can be split.")
    return frame.astype(float)


def split(frame: pd.DataFrame) -> Split:
    """Return 80 % of the rows to train and 20 % to test, drawn with seed 0."""
    features = frame.drop(columns=TARGET)
    train_x, test_x, train_y, test_y = train_test_split(
        features.to_numpy(), frame[TARGET].to_numpy(), test_size=0.2, random_state=0
    )
    return Split(
        columns=tuple(str(name) for name in features.columns),
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
    )


def write_diabetes_csv(path: Path) -> None:
    """Write scikit-learn's diabetes data (442 rows, 10 features, `Y`).

    Source: Efron, Hastie, Johnstone, Tibshirani, Least Angle Regression, 2004.
    """
    bunch = load_diabetes(as_frame=True)
    frame = bunch.frame.rename(columns={"target": TARGET})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    frame.to_csv(unfinished, index=False)
    unfinished.replace(path)
