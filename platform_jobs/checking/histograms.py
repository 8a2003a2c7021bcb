"""Histograms of the columns of two data sets, for the report of the data check."""

from typing import TYPE_CHECKING

import numpy as np

from platform_jobs.checking.samples import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 24
# Columns of numbers that a report shows.
MOST_COLUMNS = 100


def histograms(before: Sample, now: Sample) -> list[dict[str, object]]:
    """Return name, range and shares of each column: `reference` and `new` have BINS shares each.

    The range is that of the middle 98 % of the reference, widened by a tenth on both sides; values
    beyond it count in the first or last bin. A column of dates has the range of both data sets, in
    seconds of the Unix epoch, and `is_date`.
    """
    columns: list[dict[str, object]] = []
    for index, name in enumerate(before.names[:MOST_COLUMNS]):
        low, high = np.quantile(before.values[:, index], (0.01, 0.99))
        margin = 0.1 * (high - low) or 0.5
        edges = np.linspace(low - margin, high + margin, BINS + 1)
        if not np.isfinite(edges).all():
            continue  # numbers near the greatest double have no range
        old, new = (_shares(one.values[:, index], edges) for one in (before, now))
        columns.append(
            {
                "name": name,
                "low": float(edges[0]),
                "high": float(edges[-1]),
                "reference": old,
                "new": new,
            }
        )
    for name, first in list(before.dates.items())[:MOST_COLUMNS]:
        both = first, now.dates[name]
        low, high = min(one.min() for one in both), max(one.max() for one in both)
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
        old, new = (_shares(one, edges) for one in both)
        columns.append(
            {
                "name": name,
                "low": float(edges[0]),
                "high": float(edges[-1]),
                "reference": old,
                "new": new,
                "is_date": True,
            }
        )
    return columns


def _shares(values: "NDArray[np.float64]", edges: "NDArray[np.float64]") -> list[float]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares: list[float] = (counts / max(1, len(values))).round(6).tolist()
    return shares
