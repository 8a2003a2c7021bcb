"""A population whose truth is known: rows like scikit-learn's diabetes data, as many as wanted.

The features are a smoothed bootstrap (Silverman 1986, section 6.4.1, with the variance of the data
kept), the signal is linear, and the noise is resampled residuals whose spread follows the signal.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_diabetes

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
# Share of the data's covariance that is added to a row; the sum is scaled back.
BANDWIDTH = 0.25


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of the population: `design` has a first column of ones, `noise` is y minus the signal.

    `design` has shape (rows, 11), `target` and `noise` have shape (rows,).
    """

    design: Floats
    target: Floats
    noise: Floats

    def __len__(self) -> int:
        return len(self.target)

    @cached_property
    def moments(self) -> tuple[Floats, Floats, float]:
        """The means of design' design, design' target and target squared."""
        count = len(self)
        return (
            self.design.T @ self.design / count,
            self.design.T @ self.target / count,
            float(self.target @ self.target) / count,
        )

    def loss_of(self, weights: Floats) -> float:
        """Return the mean squared error of a linear model of shape (11,) on these rows."""
        square, mixed, plain = self.moments
        return float(weights @ square @ weights - 2 * weights @ mixed + plain)


def draw_rows(rng: np.random.Generator, count: int) -> Rows:
    """Return independent rows of the population."""
    features, target = load_diabetes(return_X_y=True)
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.linalg.lstsq(design, target, rcond=None)[0]
    fitted = design @ weights
    residuals = target - fitted
    spread_line = np.polyfit(fitted, np.abs(residuals), 1)
    standard = residuals / _spread(spread_line, fitted)
    centre = features.mean(axis=0)
    smooth = np.sqrt(BANDWIDTH) * np.linalg.cholesky(np.cov(features.T))
    drawn = features[rng.integers(0, len(features), count)] - centre
    drawn = drawn + rng.normal(size=drawn.shape) @ smooth.T
    drawn = centre + drawn / np.sqrt(1 + BANDWIDTH)
    made = np.column_stack([np.ones(count), drawn])
    signal = made @ weights
    noise = standard[rng.integers(0, len(standard), count)] * _spread(spread_line, signal)
    return Rows(design=made, target=signal + noise, noise=noise)


def _spread(line: Floats, signal: Floats) -> Floats:
    """Return the expected absolute residual at a signal; never near zero."""
    return np.asarray(np.maximum(np.polyval(line, signal), 5.0))
