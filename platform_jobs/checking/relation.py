"""The relation between features and target, by a ridge regression fitted on the reference data.

A target whose rows were mixed up, or flipped in some rows, has the same distribution as before;
only its relation with the features is gone. A label counts as 1, and all others as 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from platform_jobs.checking import two_samples
from platform_jobs.checking.findings import Family, Finding, Severity
from platform_jobs.checking.samples import SEED, Sample, bounded
from platform_jobs.checking.texts import change, number, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FOLDS = 5
# Of standardised features: it only keeps equal columns solvable.
PENALTY = 1.0
MOST_RELATED = 500  # features
EXTREME = 0.99  # quantile of the reference's residuals
# Rows with a label, and rows without it, below which the label's relation is not tested.
LEAST_OF_LABEL = 10
# The rows are shared out among the labels, so that many labels take the time of one number.
LEAST_SHARED = 2_000
Tests = Iterator[tuple[Family, Finding]]


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


def drawn_at_share(truths: "Numbers", share: float, seed: int) -> "NDArray[np.int_]":
    """Return the indices, in ascending order, of the most rows with this share of ones.

    `truths` has zeros and ones of shape (rows,), both at least once, and the share is between 0
    and 1. The rows that are left out are drawn.
    """
    ones, zeros = np.flatnonzero(truths == 1), np.flatnonzero(truths == 0)
    most = min(len(ones) / share, len(zeros) / (1.0 - share))
    random = np.random.default_rng(seed)
    parts = [
        random.permutation(rows)[: max(1, round(most * part))]
        for rows, part in ((ones, share), (zeros, 1.0 - share))
    ]
    return np.sort(np.concatenate(parts))


def compare_numbers(before: Sample, now: Sample, target: int) -> Tests:
    """Compare gains and residuals of a ridge on the reference data with those on the new rows."""
    features = [index for index in range(len(before.names)) if index != target]
    x, new_x = _scaled(before, now, features[:MOST_RELATED])
    y, new_y = (sample.values[:, target] for sample in (before, now))
    old = cross_fit(x, y, SEED)
    new = apply(fit(x, y), float(y.mean()), new_x, new_y)
    t, freedom = two_samples.mean_difference(old.residuals, new.residuals)
    errors = [number(float(one.residuals.mean())) for one in (old, new)]
    name = before.names[target]
    text = (
        f"{name}: a ridge fitted on the reference data errs by {errors[1]} "
        f"in the mean, and by {errors[0]} on the reference data."
    )
    p = 2.0 * two_samples.lower_tail(-abs(t), freedom)
    yield (
        Family.RELATION,
        Finding(kind="bias", severity=Severity.SHIFT, text=text, columns=(name,), p=p),
    )
    yield _extremes(name, abs(old.residuals), abs(new.residuals))
    yield _weaker(name, name, old, new, cross_fit(new_x, new_y, SEED))


def _scaled(before: Sample, now: Sample, features: list[int]) -> "tuple[Numbers, Numbers]":
    """Return these columns of both samples, standardised by the reference data."""
    mean, sd = before.values.mean(axis=0), before.values.std(axis=0)
    sd[sd == 0] = 1.0
    old, new = (((sample.values - mean) / sd)[:, features] for sample in (before, now))
    return old, new


def compare_labels(before: Sample, now: Sample, target: str, labels: Mapping[int, str]) -> Tests:
    """Compare the gains of a ridge for each label against all others; of two labels for the last.

    The new rows are drawn so that the label has the reference data's share, because a ridge gains
    less for a rarer label, and other shares are a finding of their own.
    """
    tested = list(labels.items())
    if len(tested) == 2:
        del tested[0]
    most = max(LEAST_SHARED, max(len(before), len(now)) // max(1, len(tested)))
    before, now = bounded(before, most), bounded(now, most)
    x, new_x = _scaled(before, now, list(range(len(before.names)))[:MOST_RELATED])
    for key, label in tested:
        y, given = ((one.words[target] == key).astype(float) for one in (before, now))
        counts = (int(one.sum()) for one in (y, 1 - y, given, 1 - given))
        if min(counts) < LEAST_OF_LABEL:
            continue
        drawn = drawn_at_share(given, float(y.mean()), SEED)
        old = cross_fit(x, y, SEED)
        new = apply(fit(x, y), float(y.mean()), new_x[drawn], given[drawn])
        again = cross_fit(new_x[drawn], given[drawn], SEED)
        yield _weaker(target, f"{target} = {label}", old, new, again)


def _extremes(name: str, old: "Numbers", new: "Numbers") -> tuple[Family, Finding]:
    limit = float(np.quantile(old, EXTREME))
    counts = int((old > limit).sum()), int((new > limit).sum())
    p = two_samples.more_often(counts[0], len(old), counts[1], len(new))
    text = (
        f"{name}: {share(counts[1], len(new))} of the rows lie further than {number(limit)} from a "
        f"ridge fitted on the reference data, and {share(counts[0], len(old))} there. Examine them."
    )
    return Family.RELATION, Finding(
        kind="extremes", severity=Severity.SHIFT, text=text, columns=(name,), p=p
    )


def _weaker(
    column: str,
    name: str,
    old: Relation,
    new: Relation,
    again: Relation,
) -> tuple[Family, Finding]:
    """Test whether the features explain less of the target than in the reference data.

    It is a fault when they also explain less after a new fit, or nothing at all, because a change
    of the world would change the coefficients only.
    """
    gains = [float(one.gains.mean()) for one in (old, new, again)]
    t, freedom = two_samples.mean_difference(old.gains, new.gains)
    p = two_samples.lower_tail(t, freedom)
    refit, refit_freedom = two_samples.mean_difference(old.gains, again.gains)
    weak = two_samples.lower_tail(refit, refit_freedom) < 0.01
    low = gains[1] + special.stdtrit(len(new.gains) - 1, 0.01) * new.gains.std(ddof=1) / np.sqrt(
        len(new.gains)
    )
    damaged = weak or low <= 0
    errors = [change(1.0 - one.skill) for one in (old, new, again)]
    text = (
        f"{name}: the squared error of a ridge fitted on the reference data, beside that of the "
        f"mean, is {errors[0]} on the reference data and {errors[1]} on the new rows"
    )
    text += (
        f"; that of a ridge fitted on the new rows is {errors[2]}. Perhaps targets were mixed up "
        "or flipped."
        if damaged
        else "."
    )
    return Family.RELATION, Finding(
        kind="relation",
        severity=Severity.FAULT if damaged else Severity.SHIFT,
        text=text,
        columns=(column,),
        p=p,
    )
