"""Rows of a table as numbers, for the comparison of two data sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from platform_jobs.tables import cells
from platform_jobs.tables.dates import EPOCH, Moments, utc
from platform_jobs.tables.tables import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Column = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.datetime64]

# An odd number near 2^64 divided by the golden ratio (Knuth, volume 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Columns of one data set: each holds finite numbers only, or words, or dates.

    `values` has shape (rows, len(names)); the hashes of a column of words, and the seconds of the
    Unix epoch of a column of dates, have shape (rows,). `keys` has one number per row: equal rows
    have equal keys within one process.
    """

    names: tuple[str, ...]
    values: "Numbers"
    words: "dict[str, NDArray[np.int64]]"
    keys: "NDArray[np.uint64]"
    dates: "dict[str, Numbers]" = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)

    def take(self, indices: "NDArray[np.int_]") -> "Sample":
        """Return the rows at these indices."""
        return Sample(
            names=self.names,
            values=self.values[indices],
            words={name: column[indices] for name, column in self.words.items()},
            keys=self.keys[indices],
            dates={name: column[indices] for name, column in self.dates.items()},
        )


def columns_of(table: Table, moments: Moments | None = None) -> "dict[str, Column]":
    """Return each column of a table: doubles when each cell is a finite number, else hashes.

    A hash stands for a word: equal words have equal hashes within one process, and a word takes 8
    bytes, however long a hostile file makes it. A column of `moments` has dates; it is left out
    when a cell is none.
    """
    moments = moments or {}
    texts: Iterable[tuple[str, ...]] = zip(*table.rows, strict=True)
    if not table.rows:
        texts = ((),) * len(table.columns)
    columns: dict[str, Column] = {}
    for name, text in zip(table.columns, texts, strict=True):
        if name in moments:
            dates = _seconds(moments[name])
            if dates is not None:
                columns[name] = np.round(dates * 1e6).astype("datetime64[us]")
            continue
        numbers = cells.numbers(text)
        if numbers is None:
            columns[name] = np.array([hash(cell) for cell in text], dtype=np.int64)
        else:
            columns[name] = np.array(numbers, dtype=float)
    return columns


def _seconds(moments: Sequence[datetime | None]) -> "Numbers | None":
    """Return seconds of the Unix epoch, shape (rows,); None when a cell is no date.

    A moment without a time zone counts as UTC.
    """
    if any(moment is None for moment in moments):
        return None
    return np.array([(utc(moment) - EPOCH).total_seconds() for moment in moments if moment])


def pair(first: "Mapping[str, Column]", second: "Mapping[str, Column]") -> tuple[Sample, Sample]:
    """Return the columns that both data sets have, in the order of the first.

    A column counts as numbers when every cell of both is a finite number. A column that has only
    numbers in the first and words in the second is left out, because the check of the form refuses
    these words. So is a column that has dates in one of them only.
    """
    common = [name for name in first if name in second]
    numbers = [n for n in common if first[n].dtype == second[n].dtype == np.float64]
    dates = [n for n in common if first[n].dtype.kind == second[n].dtype.kind == "M"]
    words = [n for n in common if first[n].dtype == np.int64 and second[n].dtype.kind != "M"]

    def sample(columns: "Mapping[str, Column]") -> Sample:
        rows = len(next(iter(columns.values()), ()))
        values = np.empty((rows, len(numbers)))
        for index, name in enumerate(numbers):
            values[:, index] = columns[name]
        return sample_of(
            tuple(numbers),
            values,
            {name: _hashes(columns[name]) for name in words},
            {name: columns[name].astype(np.int64) / 1e6 for name in dates},
        )

    return sample(first), sample(second)


def _hashes(column: "Column") -> "NDArray[np.int64]":
    """Return the hashes of a column of words, of which a file may have numbers only."""
    if column.dtype == np.int64:
        return column.view(np.int64)
    # A whole number as most files write it, because the other file may have its words.
    texts = (str(int(c)) if c.is_integer() else repr(c) for c in column.tolist())
    return np.array([hash(text) for text in texts], dtype=np.int64)


def as_words(columns: "Mapping[str, Column]", name: str) -> "Mapping[str, Column]":
    """Return the columns with this one as words, also where its words are numbers."""
    return {**columns, name: _hashes(columns[name])} if name in columns else columns


def sample_of(
    names: tuple[str, ...],
    values: "Numbers",
    words: "dict[str, NDArray[np.int64]] | None" = None,
    dates: "dict[str, Numbers] | None" = None,
) -> Sample:
    """Return the sample of finite numbers, shape (rows, columns), hashes of words, and dates."""
    # Adding 0 turns -0 into 0, whose bits differ.
    values, words, dates = values + 0.0, words or {}, dates or {}
    keys = np.zeros(len(values), dtype=np.uint64)
    for bits in np.ascontiguousarray(values.T).view(np.uint64):
        keys = _mixed(keys, bits)
    for column in words.values():
        keys = _mixed(keys, column.view(np.uint64))
    for moments in dates.values():
        keys = _mixed(keys, moments.view(np.uint64))
    return Sample(names=names, values=values, words=words, keys=keys, dates=dates)


def sample_of_columns(names: tuple[str, ...], columns: "Numbers") -> Sample:
    """Return the sample of finite numbers without -0, shape (columns, rows), which it shares."""
    keys = np.zeros(columns.shape[1], dtype=np.uint64)
    for bits in columns.view(np.uint64):
        keys = _mixed(keys, bits)
    return Sample(names=names, values=columns.T, words={}, keys=keys)


def _mixed(keys: "NDArray[np.uint64]", bits: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    keys = (keys ^ bits) * _MULTIPLIER
    return keys ^ (keys >> _HALF)


def bounded(sample: Sample, most: int) -> Sample:
    """Return at most so many rows of a sample, drawn with a fixed seed."""
    if len(sample) <= most:
        return sample
    return sample.take(drawn(np.arange(len(sample)), most))


def drawn(numbers: "NDArray[np.int_]", most: int) -> "NDArray[np.int_]":
    """Return at most so many of the numbers, drawn with a fixed seed."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.random.default_rng(SEED).permutation(len(numbers))[:most]]
