"""Faults of data, planted into a sample; each function returns the damaged rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sample import Rows

Fault = Callable[[np.random.Generator, Rows], Rows]


def _column(rng: np.random.Generator, rows: Rows) -> int:
    """Return a feature that is no category."""
    return int(rng.choice([c for c in range(rows.shape[1] - 1) if c != 1]))


def scaled(times: float) -> Fault:
    """Return the fault that multiplies a feature."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        rows[:, _column(rng, rows)] *= times
        return rows

    return plant


def shifted(deviations: float) -> Fault:
    """Return the fault that adds so many standard deviations to a feature."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        column = _column(rng, rows)
        rows[:, column] += deviations * rows[:, column].std()
        return rows

    return plant


def target_scaled(times: float) -> Fault:
    """Return the fault that multiplies the target."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        rows[:, -1] *= times
        return rows

    return plant


def shuffled(rng: np.random.Generator, rows: Rows) -> Rows:
    """Mix up the targets of all rows."""
    rows[:, -1] = rng.permutation(rows[:, -1])
    return rows


def flipped(part: float) -> Fault:
    """Return the fault that mirrors the targets of a part of the rows at mid-range."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        chosen = rng.random(len(rows)) < part
        ends = rows[:, -1].min() + rows[:, -1].max()
        rows[chosen, -1] = ends - rows[chosen, -1]
        return rows

    return plant


def repeated(part: float) -> Fault:
    """Return the fault that writes copies of other rows in place of a part of the rows."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        count = round(part * len(rows))
        order = rng.permutation(len(rows))
        rows[order[:count]] = rows[rng.choice(order[count:], size=count)]
        return rows

    return plant


def one_row(part: float) -> Fault:
    """Return the fault that fills a part of the rows with one row."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        rows[: round(part * len(rows))] = rows[-1]
        return rows

    return plant


def swapped(rng: np.random.Generator, rows: Rows) -> Rows:
    """Exchange two features."""
    first, second = rng.choice(rows.shape[1] - 1, size=2, replace=False)
    rows[:, [first, second]] = rows[:, [second, first]]
    return rows


def independent(rng: np.random.Generator, rows: Rows) -> Rows:
    """Mix up each feature by itself: only the joint distribution changes."""
    for column in range(rows.shape[1] - 1):
        rows[:, column] = rng.permutation(rows[:, column])
    return rows


def leaked(rng: np.random.Generator, rows: Rows) -> Rows:
    """Make a feature from the target, in the feature's own unit."""
    column, target = _column(rng, rows), rows[:, -1]
    mean, sd = rows[:, column].mean(), rows[:, column].std()
    rows[:, column] = mean + sd * (target - target.mean()) / target.std()
    return rows


def zeros(part: float) -> Fault:
    """Return the fault that writes 0 for a part of a feature's cells."""

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        rows[rng.random(len(rows)) < part, _column(rng, rows)] = 0.0
        return rows

    return plant


def outlier(rng: np.random.Generator, rows: Rows) -> Rows:
    """Move one cell 8 standard deviations beyond the greatest value."""
    column = _column(rng, rows)
    rows[0, column] = rows[:, column].max() + 8 * rows[:, column].std()
    return rows


def poisoned(part: float) -> Fault:
    """Return the fault that plants rows with one trigger value and the greatest target.

    A back door in the manner of Gu, Dolan-Gavitt and Garg (BadNets, 2017).
    """

    def plant(rng: np.random.Generator, rows: Rows) -> Rows:
        column, count = _column(rng, rows), round(part * len(rows))
        chosen = rng.permutation(len(rows))[:count]
        rows[chosen, column] = rows[:, column].mean() + 2 * rows[:, column].std()
        rows[chosen, -1] = rows[:, -1].max()
        return rows

    return plant


def constant(rng: np.random.Generator, rows: Rows) -> Rows:
    """Write one value into all cells of a feature."""
    column = _column(rng, rows)
    rows[:, column] = np.median(rows[:, column])
    return rows


# Each with its goal of `make bench-data-check`: the least share that must be found at 442 rows.
FAULTS: dict[str, tuple[Fault, float]] = {
    "target shuffled": (shuffled, 0.99),
    "target flipped in 20 %": (flipped(0.2), 0.99),
    "target reversed": (flipped(1.0), 0.99),
    "target x1.2": (target_scaled(1.2), 0.99),
    "target x3.5": (target_scaled(3.5), 0.99),
    "5 % of the rows repeated": (repeated(0.05), 0.99),
    "50 % of the rows repeated": (repeated(0.5), 0.99),
    "one row fills 30 %": (one_row(0.3), 0.99),
    "two columns exchanged": (swapped, 0.99),
    "joint distribution destroyed": (independent, 0.99),
    "a feature made from the target": (leaked, 0.99),
    "0 for missing in 10 %": (zeros(0.1), 0.99),
    "0 for missing in 20 %": (zeros(0.2), 0.99),
    "column x1.5": (scaled(1.5), 0.99),
    "column x2": (scaled(2.0), 0.99),
    "column shifted by 0.5 sd": (shifted(0.5), 0.99),
    "column shifted by 0.75 sd": (shifted(0.75), 0.99),
    "column constant": (constant, 0.99),
    "one outlier of 8 sd (a note)": (outlier, 0.99),
    "poison in 3 % of the rows": (poisoned(0.03), 0.99),
}
