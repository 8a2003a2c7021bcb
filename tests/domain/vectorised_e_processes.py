"""The arithmetic of drift.py once more, with arrays: a second implementation to compare with."""

import math
from typing import Any

import numpy as np

from function_app.domain.drift.observations import ColumnReference

Numbers = np.ndarray[Any, np.dtype[np.float64]]
_GRID = (np.arange(1, 17) / 17.0) ** 2


def interval(column: ColumnReference, level: float) -> tuple[Numbers, Numbers]:
    """Return bounds that hold every F(edge) at once with probability 1 - level."""
    share = np.array(column.below, dtype=float) / column.rows
    uniform = math.sqrt(math.log(4 / level) / (2 * column.rows))
    radius = math.log(4 * len(column.edges) / level) / column.rows
    reach = np.where(np.array(column.tied), np.inf, radius)
    high = np.minimum(share + uniform, _farthest(share, reach))
    low = np.maximum(share - uniform, 1 - _farthest(1 - share, reach))
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _farthest(share: Numbers, radius: Numbers) -> Numbers:
    low, high = share.copy(), np.ones_like(share)
    for _ in range(50):
        middle = (low + high) / 2
        near = _divergence(share, middle) <= radius
        low, high = np.where(near, middle, low), np.where(near, high, middle)
    return high


def _divergence(p: Numbers, q: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        hits = np.where(p > 0, p * np.log(p / q), 0.0)
        misses = np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - q)), 0.0)
    return np.asarray(hits + misses)


def log_mixture(hits: Numbers, misses: Numbers, most: Numbers) -> Numbers:
    """Return the log of the mixed likelihood ratio, shape (starts, edges)."""
    end = np.minimum(most, 1.0)[:, None]
    shares = end + (1 - end) * _GRID[None, :]
    open_end = end[:, 0] < 1 - 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        won = np.where(open_end[:, None], np.log(shares / np.maximum(end, 1e-300)), 0.0)
        lost = np.where(open_end[:, None], np.log((1 - shares) / (1 - end)), 0.0)
    logs = hits[..., None] * won + misses[..., None] * lost
    top = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - top).mean(axis=-1)) + top[..., 0])
