"""The file of a night: its rows, the folds in which the product puts them, and a split by position.

The rows are places in a pool. `platform_jobs.splitting.split` decides folds by the rank of a row's
hash; the hashes of the pool are computed once by the product's own function, and the ranks with
arrays (tests/benchmarks/test_gates.py compares the folds with the product's).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from benchmarks.gates.population import Places, Rows
from platform_jobs.splitting.hashes import row_hashes
from platform_jobs.tables.tables import Table

FOLDS = 5
HELD_OUT = 0.2
COLUMNS = (*(f"x{number}" for number in range(10)), "Y")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Rows with the hashes of the product, shape (rows,)."""

    rows: Rows
    hashes: npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class NightFile:
    """A file: `order` are its rows as sent; `distinct` has each once, with its count and fold."""

    order: Places
    distinct: Places
    counts: Places
    folds: Places


def as_table(rows: Rows, places: Places) -> Table:
    """Return rows of the pool as the table that a file holds."""
    values = np.column_stack([rows.design[places, 1:], rows.target[places]])
    return Table(columns=COLUMNS, rows=tuple(tuple(map(repr, row)) for row in values.tolist()))


def make_pool(rows: Rows, key: str = "bench") -> Pool:
    """Return a pool with the hashes that the product computes for a model of this name."""
    hashes = row_hashes(as_table(rows, np.arange(len(rows))), key)
    return Pool(rows=rows, hashes=np.asarray(hashes, dtype=np.uint64))


def make_file(pool: Pool, order: Places) -> NightFile:
    """Return the file of rows that arrive in an order, with the product's folds."""
    places, counts = np.unique(order, return_counts=True)
    by_hash = np.argsort(pool.hashes[places], kind="stable")
    folds = np.arange(len(places)) * min(FOLDS, len(places)) // len(places)
    return NightFile(order=order, distinct=places[by_hash], counts=counts[by_hash], folds=folds)


@lru_cache(maxsize=64)
def positions(count: int) -> tuple[Places, Places]:
    """Return the places of the training rows and of the test rows of a split by position.

    It is the seed's: a shuffle with a fixed seed, the last fifth tests.
    """
    shuffled = np.random.default_rng(0).permutation(count)
    tested = round(HELD_OUT * count)
    return shuffled[tested:], shuffled[:tested]
