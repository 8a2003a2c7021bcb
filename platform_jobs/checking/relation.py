"""The relation between features and target, by a ridge regression fitted on the reference data.

A target whose rows were mixed up, or flipped in some rows, has the same distribution as before;
only its relation with the features is gone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FOLDS = 5
# Of standardised features: it only keeps equal columns solvable.
PENALTY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Gains and residuals of one data set, each of shape (rows,).

    The gain of a row is the squared error of the constant predictor (the mean of the training
    target) minus that of the ridge.
    """

    gains: "Numbers"
    residuals: "Numbers"

    @property
    def skill(self) -> float:
        """The share of the constant predictor's squared error that the ridge avoids; 0 without one.

        Murphy 1988, "Skill scores based on the mean square error"; at most 1, negative when the
        ridge is worse.
        """
        constant = float((self.gains + self.residuals**2).mean())
        return float(self.gains.mean()) / constant if constant > 0.0 else 0.0


def fit(x: "Numbers", y: "Numbers") -> "Numbers":
    """Return the coefficients of a ridge (Hoerl and Kennard 1970), the intercept last.

    `x` has shape (rows, features) and is standardised by the reference data.
    """
    centre = x.mean(axis=0)
    shifted = x - centre
    normal = shifted.T @ shifted + PENALTY * np.eye(x.shape[1])
    slopes = np.linalg.solve(normal, shifted.T @ (y - y.mean()))
    return np.append(slopes, y.mean() - centre @ slopes)


def apply(coefficients: "Numbers", constant: float, x: "Numbers", y: "Numbers") -> Relation:
    """Return gains and residuals of rows that the ridge was not fitted on."""
    residuals = y - (x @ coefficients[:-1] + coefficients[-1])
    return Relation(gains=(y - constant) ** 2 - residuals**2, residuals=residuals)


def cross_fit(x: "Numbers", y: "Numbers", seed: int) -> Relation:
    """Return gains and residuals of each row by a ridge fitted on the other folds."""
    folds = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    gains, residuals = np.empty(len(y)), np.empty(len(y))
    for fold in range(FOLDS):
        out = folds == fold
        part = apply(fit(x[~out], y[~out]), float(y[~out].mean()), x[out], y[out])
        gains[out], residuals[out] = part.gains, part.residuals
    return Relation(gains=gains, residuals=residuals)
