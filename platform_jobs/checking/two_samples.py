"""Tests of two samples: p-values for the hypothesis that both come from one population.

Ranks make most of them independent of the distribution. All arguments are finite; all p-values are
two-sided unless the docstring says otherwise.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


# Deviations that are equal to so many digits of the greatest one are tied.
TIED_DIGITS = 12


def location(first: "Numbers", second: "Numbers") -> float:
    """Return the p-value of Mann and Whitney's test (1947), normal, with correction for ties."""
    return _linear_rank(ranks(np.concatenate([first, second])), len(second))


def spread(first: "Numbers", second: "Numbers") -> float:
    """Return the p-value of Fligner and Killeen's test of two deviations (1976).

    Its scores are normal quantiles of the ranks of |x - centre of x's own sample| (Conover, Johnson
    and Johnson 1981): for normal samples nearly as powerful as the test of variances. The centre is
    the mean of the middle half, because the median of two separate groups of about equal size jumps
    from one group to the other by chance.
    """
    deviations = np.concatenate([abs(x - _middle(x)) for x in (first, second)])
    # Rounded, because equal deviations differ in the last digit, which would decide their ranks.
    scale = float(deviations.max()) or 1.0
    deviations = np.round(deviations / scale, TIED_DIGITS)
    shares = ranks(deviations) / (2.0 * (len(deviations) + 1)) + 0.5
    return _linear_rank(special.ndtri(shares), len(second))


def kolmogorov_smirnov(first: "Numbers", second: "Numbers") -> tuple[float, float]:
    """Return the distance of the distribution functions and its asymptotic p-value.

    With ties the p-value is too large, never too small (Noether 1967).
    """
    x, y, values = np.sort(first), np.sort(second), np.concatenate([first, second])
    below = [np.searchsorted(one, values, side="right") / len(one) for one in (x, y)]
    distance = float(np.max(abs(below[0] - below[1])))
    size = len(x) * len(y) / (len(x) + len(y))
    return distance, float(special.kolmogorov(np.sqrt(size) * distance))


def more_often(first: int, rows_first: int, second: int, rows_second: int) -> float:
    """Return the one-sided p-value of Fisher's exact test that the second share is greater."""
    hits, rows = first + second, rows_first + rows_second
    counts = np.arange(second, min(hits, rows_second) + 1)
    logs = (
        _log_choose(rows_second, counts)
        + _log_choose(rows_first, hits - counts)
        - _log_choose(rows, hits)
    )
    return float(min(1.0, np.exp(logs).sum()))


def categories(first: "NDArray[np.int64]", second: "NDArray[np.int64]") -> float:
    """Return the p-value of Pearson's chi-square test of homogeneity.

    Categories with less than 5 expected cells in a sample are pooled.
    """
    names, indices = np.unique(np.concatenate([first, second]), return_inverse=True)
    table = np.array(
        [
            np.bincount(part, minlength=len(names))
            for part in (indices[: len(first)], indices[len(first) :])
        ],
        dtype=float,
    )
    least = table.sum(axis=0) * min(len(first), len(second)) / len(indices)
    rare = least < 5
    if rare.any():
        table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if table.shape[1] < 2:
        return 1.0
    return float(special.chdtrc(table.shape[1] - 1, ((table - expected) ** 2 / expected).sum()))


def atom(first: "Numbers", second: "Numbers") -> tuple[float, float, int, int]:
    """Return a value that is more frequent in the second sample, p and its counts in both.

    p is that of Fisher's exact test, one-sided, times the number of values with 5 cells or more in
    both samples together (Bonferroni). Among equal values it is the one with the least p.
    """
    values, indices = np.unique(np.concatenate([first, second]), return_inverse=True)
    counts = [
        np.bincount(part, minlength=len(values))
        for part in (indices[: len(first)], indices[len(first) :])
    ]
    often = np.flatnonzero(counts[0] + counts[1] >= 5)
    best = (0.0, 1.0, 0, 0)
    # Only values whose share grew can have a small p.
    grown = often[counts[1][often] * len(first) > counts[0][often] * len(second)]
    shares = counts[1][grown] / len(second) - counts[0][grown] / len(first)
    for index in grown[np.argsort(-shares, kind="stable")][:20]:
        before, now = int(counts[0][index]), int(counts[1][index])
        p = min(1.0, len(often) * more_often(before, len(first), now, len(second)))
        if p < best[1]:
            best = (float(values[index]), p, before, now)
    return best


def mean_difference(first: "Numbers", second: "Numbers") -> tuple[float, float]:
    """Return Welch's t of the second mean minus the first (1947), and its degrees of freedom."""
    parts = [float(np.var(x, ddof=1)) / len(x) for x in (first, second)]
    error = sum(parts)
    if error == 0:
        return 0.0, 1.0
    freedom = error**2 / sum(
        p**2 / (len(x) - 1) for p, x in zip(parts, (first, second), strict=True)
    )
    return float((second.mean() - first.mean()) / np.sqrt(error)), freedom


def lower_tail(t: float, freedom: float) -> float:
    """Return the probability that Student's t is below `t`."""
    return float(special.stdtr(freedom, t))


def correlations(first: "Numbers", second: "Numbers") -> "tuple[Numbers, Numbers, Numbers]":
    """Return Spearman's correlations of all pairs of columns in both samples, and p-values.

    Arguments have shape (rows, columns), results (columns, columns). The difference of Fisher's z
    has the variance (1 + r²/2) / (rows - 3) in each sample (Bonett and Wright 2000).
    """
    rs, zs, errors = [], [], []
    for sample in (first, second):
        ranked = np.column_stack([ranks(column) for column in sample.T])
        ranked -= ranked.mean(axis=0)
        norms = np.sqrt((ranked**2).sum(axis=0))
        norms[norms == 0] = np.inf  # a constant column has no correlation
        r = (ranked / norms).T @ (ranked / norms)
        z = np.arctanh(np.clip(r, -0.9999, 0.9999))
        rs.append(r)
        zs.append(z)
        errors.append((1.0 + r**2 / 2.0) / max(1, len(sample) - 3))
    gap = abs(zs[0] - zs[1]) / np.sqrt(errors[0] + errors[1])
    return rs[0], rs[1], 2.0 * special.ndtr(-gap)


def energy(first: "Numbers", second: "Numbers", draws: int, seed: int) -> float:
    """Return the permutation p-value of the energy distance of two samples of vectors.

    Székely and Rizzo 2004; the p-value of `draws` permutations counts the sample itself (Phipson
    and Smyth 2010), so that it is at least 1 / (draws + 1).
    """
    rows = np.concatenate([first, second])
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2.0 * rows @ rows.T, 0.0))
    weights = np.concatenate(
        [np.full(len(first), 1.0 / len(first)), np.full(len(second), -1.0 / len(second))]
    )
    order = np.random.default_rng(seed)
    drawn = np.column_stack([weights, *(order.permutation(weights) for _ in range(draws))])
    # -w'Dw is 2 E|X-Y| - E|X-X'| - E|Y-Y'|.
    drawn_distances = -np.einsum("ij,ij->j", drawn, distances @ drawn)
    return float((drawn_distances >= drawn_distances[0] * (1 - 1e-12)).sum() / (draws + 1))


def ranks(values: "Numbers") -> "Numbers":
    """Return the ranks from 1; equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(values))
    ranked = np.empty(len(values))
    ranked[order] = np.repeat((starts + ends + 1) / 2.0, ends - starts)
    return ranked


def _middle(values: "Numbers") -> float:
    quarter = len(values) // 4
    return float(np.sort(values)[quarter : len(values) - quarter].mean())


def _linear_rank(scores: "Numbers", rows_second: int) -> float:
    """Return the normal p-value of the sum of the second sample's scores (Hájek and Šidák 1967)."""
    rows = len(scores)
    variance = rows_second * (rows - rows_second) / rows * float(np.var(scores, ddof=1))
    if variance <= 0:
        return 1.0
    gap = scores[rows - rows_second :].sum() - rows_second * scores.mean()
    return float(2.0 * special.ndtr(-abs(gap) / np.sqrt(variance)))


def _log_choose(count: int, chosen: "NDArray[np.int_] | int") -> "Numbers":
    logs: Numbers = (
        special.gammaln(count + 1)
        - special.gammaln(np.add(chosen, 1))
        - special.gammaln(count - np.asarray(chosen) + 1)
    )
    return logs
