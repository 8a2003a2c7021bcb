"""A population like scikit-learn's diabetes data, and samples of it without repeated rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
NAMES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "Y")
TARGET = "Y"
# Standard deviations of the noise that is added to each drawn cell.
BANDWIDTH = 0.15
# A column with fewer values is a category; noise would make it another kind of column.
FEW_VALUES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Rows of the real data, shape (442, 11), and the linear signal fitted on them."""

    rows: Rows
    slopes: Rows
    intercept: float

    def sample(self, rng: np.random.Generator, rows: int) -> Rows:
        """Return new rows: a smoothed bootstrap of the features, signal and a resampled residual.

        The residual is that of the drawn row, so that its spread depends on the features, times a
        factor near 1 (Silverman 1986, section 6.4.1). No row is repeated.
        """
        features = self.rows[:, :-1]
        drawn = rng.integers(len(features), size=rows)
        sd = np.array([0.0 if len(np.unique(c)) < FEW_VALUES else c.std() for c in features.T])
        x = features[drawn] + BANDWIDTH * sd * rng.normal(size=(rows, features.shape[1]))
        residual = self.rows[:, -1] - features @ self.slopes - self.intercept
        noise = residual[drawn] * (1 + BANDWIDTH * rng.normal(size=rows))
        return np.column_stack([x, x @ self.slopes + self.intercept + noise])

    def halves(self, rng: np.random.Generator, rows: int) -> tuple[Rows, Rows]:
        """Return two disjoint samples of the real rows, at most half of them each."""
        order = rng.permutation(len(self.rows))
        size = min(rows, len(self.rows) // 2)
        return self.rows[order[:size]], self.rows[order[size : 2 * size]]


def load_population() -> Population:
    """Return the population behind scikit-learn's diabetes data."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    x, y = load_diabetes(return_X_y=True)
    model = Ridge(alpha=0.01).fit(x, y)
    rows = np.column_stack([x, y])
    return Population(rows=rows, slopes=model.coef_, intercept=float(model.intercept_))
