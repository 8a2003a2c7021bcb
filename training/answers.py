"""Calls a model with the type that it was fitted with: a table with names, or an array."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def predict(model: Any, x: Any, features: Sequence[str]) -> Any:
    """Return the model's answers to x of shape (rows, features), shape (rows,).

    scikit-learn keeps the names of a table's columns in `feature_names_in_`; a pipeline that
    selects columns by name refuses an array.
    """
    if hasattr(model, "feature_names_in_"):
        # Imported late, because a model of arrays needs no pandas.
        import pandas as pd

        x = pd.DataFrame(x, columns=list(features))
    return np.asarray(model.predict(x))
