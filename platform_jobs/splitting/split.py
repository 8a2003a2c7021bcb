"""Splits a table into the rows that a training may see and the rows that judge the model."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from platform_jobs.splitting.hashes import BITS, group_hashes, row_hashes
from platform_jobs.tables.tables import Table

# The share of the rows that are held out, in expectation.
HELD_OUT = 0.2
# A row whose hash is below this bound is held out.
BOUND = int(HELD_OUT * 2**BITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The rows that the final training gets, the rows that judge, and their hashes.

    `judging` has each distinct row once; `hashes`, `groups` and `folds` have a number for each of
    its rows: the hash of the row, that of its group (of the row itself without a group), and the
    fold, counted from 0, whose model answers it. `seen_hashes` are the sorted distinct hashes of
    the rows and groups in `seen`. With one fold `seen` and `judging` share neither a row nor a
    group; with more `seen` has every row, and the model of a fold is trained without this fold.
    """

    seen: Table
    judging: Table
    hashes: tuple[int, ...]
    groups: tuple[int, ...]
    folds: tuple[int, ...]
    seen_hashes: "array[int]"
    fold_count: int
    repeated: int
    training_folds: tuple[int, ...] = ()

    def training(self, fold: int) -> Table:
        """Return the rows on which the model of a fold is trained: all that are not in it."""
        rows = zip(self.seen.rows, self.training_folds, strict=True)
        others = tuple(row for row, other in rows if other != fold)
        return Table(columns=self.seen.columns, rows=others)

    def asked(self, fold: int) -> Table:
        """Return the judging rows that the model of a fold answers, in their order."""
        rows = zip(self.judging.rows, self.folds, strict=True)
        return Table(
            columns=self.judging.columns, rows=tuple(row for row, own in rows if own == fold)
        )


def split_rows(table: Table, key: str, *, group: str = "", folds: int = 1) -> Split:
    """Return the split of a table; its rows are sorted by a keyed hash of their content.

    The hash decides alone, so that equal rows, and rows with an equal cell in the column `group`,
    stay together, and the order of the rows or columns in the file changes nothing. With one fold a
    row or group keeps its side in every later file that holds it. More folds are of equal size, to
    one row or group; there are never more folds than rows or groups. `key` is the name of the
    model: models that share a file hold out different rows.
    """
    hashes = row_hashes(table, key)
    groups = group_hashes(table, key, group, hashes) if group else hashes
    order = sorted(range(len(hashes)), key=lambda number: (hashes[number], table.rows[number]))
    units = sorted(set(groups))
    count = max(1, min(folds, len(units)))
    if folds == 1:
        seen = [number for number in order if groups[number] >= BOUND]
        judging = [number for number in order if groups[number] < BOUND]
        fold_of = dict.fromkeys(units, 0)
    else:
        # One row or one group alone cannot both train and judge.
        seen, judging = (order, order) if count > 1 else (order, [])
        fold_of = {unit: rank * count // len(units) for rank, unit in enumerate(units)}
    distinct = list(_distinct(judging, hashes))
    return Split(
        seen=_rows(table, seen),
        judging=_rows(table, distinct),
        hashes=tuple(hashes[number] for number in distinct),
        groups=tuple(groups[number] for number in distinct),
        folds=tuple(fold_of[groups[number]] for number in distinct),
        seen_hashes=array(
            "Q", sorted({hashes[number] for number in seen} | {groups[number] for number in seen})
        ),
        fold_count=count,
        repeated=len(hashes) - len(set(hashes)),
        training_folds=tuple(fold_of[groups[number]] for number in seen),
    )


def _distinct(numbers: Sequence[int], hashes: Sequence[int]) -> Iterator[int]:
    """Yield the first of the rows of each hash; equal rows are neighbours."""
    last = None
    for number in numbers:
        if hashes[number] != last:
            last = hashes[number]
            yield number


def _rows(table: Table, numbers: Sequence[int]) -> Table:
    return Table(columns=table.columns, rows=tuple(table.rows[number] for number in numbers))
