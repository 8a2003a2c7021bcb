"""The split of a large plain file: that of `splitting/split.py`, as numbers of rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platform_jobs.large.fast_reader import Plain
from platform_jobs.splitting.split import BOUND

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSplit:
    """Numbers of the rows that train and judge, in their order, and what `Split` has beside them.

    `seen_folds` has the fold of each row of `seen`, `folds` that of each row of `judging`.
    """

    seen: Rows
    judging: Rows
    hashes: Hashes
    folds: Rows
    seen_folds: Rows
    seen_hashes: Hashes
    fold_count: int
    repeated: int


def split_plain(plain: Plain, hashes: Hashes, folds: int) -> PlainSplit:
    """Return the split of the rows with these hashes, as `split_rows` does without groups."""
    order = _ordered(plain, hashes)
    ordered = hashes[order]
    units = ordered[_first(ordered)]
    count = max(1, min(folds, len(units)))
    if folds == 1:
        held_out = ordered < np.uint64(BOUND)
        seen, judging = order[~held_out], order[held_out]
    else:
        seen, judging = order, order if count > 1 else order[:0]
    distinct = judging[_first(hashes[judging])]

    def fold_of(rows: Rows) -> Rows:
        if folds == 1:
            return np.zeros(len(rows), np.int64)
        ranks: Rows = np.searchsorted(units, hashes[rows]).astype(np.int64)
        return ranks * count // len(units)

    return PlainSplit(
        seen=seen,
        judging=distinct,
        hashes=hashes[distinct],
        folds=fold_of(distinct),
        seen_folds=fold_of(seen),
        seen_hashes=hashes[seen][_first(hashes[seen])],
        fold_count=count,
        repeated=len(hashes) - len(units),
    )


def _ordered(plain: Plain, hashes: Hashes) -> Rows:
    """Return the numbers of the rows by hash, equal ones by the text of their cells."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    first = np.flatnonzero(_first(ordered))
    ends = np.append(first[1:], len(order))
    for begin, end in zip(first[ends - first > 1], ends[ends - first > 1], strict=True):
        order[begin:end] = sorted(order[begin:end].tolist(), key=lambda row: _cells(plain, row))
    return order


def _first(ordered: Hashes) -> NDArray[np.bool_]:
    """Return for each of the ordered hashes whether it is the first of its value."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _cells(plain: Plain, row: int) -> list[bytes]:
    return plain.content[plain.starts[row] : plain.ends[row]].split(b",")
