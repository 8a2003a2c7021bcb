"""Sample data: scikit-learn's diabetes data, or other rows that are like it."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
NAMES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "Y")
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

    def draw(self, rng: np.random.Generator, rows: int) -> Rows:
        """Return new rows: a smoothed bootstrap of the features, signal and a resampled residual.

        The residual is that of the drawn row, so that its spread depends on the features, times a
        factor near 1 (Silverman 1986, section 6.4.1). No row is repeated. Shape (rows, 11).
        """
        features = self.rows[:, :-1]
        drawn = rng.integers(len(features), size=rows)
        sd = np.array([0.0 if len(np.unique(c)) < FEW_VALUES else c.std() for c in features.T])
        x = features[drawn] + BANDWIDTH * sd * rng.normal(size=(rows, features.shape[1]))
        residual = self.rows[:, -1] - features @ self.slopes - self.intercept
        noise = residual[drawn] * (1 + BANDWIDTH * rng.normal(size=rows))
        return np.column_stack([x, x @ self.slopes + self.intercept + noise])


def load_population() -> Population:
    """Return scikit-learn's diabetes data and its signal.

    Source of the data: Efron, Hastie, Johnstone, Tibshirani, Least Angle Regression, 2004.
    """
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    x, y = load_diabetes(return_X_y=True)
    model = Ridge(alpha=0.01).fit(x, y)
    rows = np.column_stack([x, y])
    return Population(rows=rows, slopes=model.coef_, intercept=float(model.intercept_))


def write_sample(path: Path, seed: int | None = None) -> None:
    """Write the data as CSV: 442 rows, 10 features, `Y`.

    With a seed the rows are as many other ones, drawn from a population like the data; the same
    seed draws the same rows.
    """
    population = load_population()
    rows = population.rows
    if seed is not None:
        rows = population.draw(np.random.default_rng(seed), len(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([repr(value) for value in row] for row in rows.tolist())
    unfinished.replace(path)
