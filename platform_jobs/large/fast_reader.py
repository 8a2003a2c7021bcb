"""Reads plain files of numbers into arrays, far faster than `tables/` reads any file.

It returns the same as the slow reader, or None when it cannot be sure of that. Then the slow reader
reads the file, such as one with other signs below its header than digits, points, exponents, commas
and line ends.

NumPy reads small files, because its import is quick. pyarrow reads large files in blocks, so
that neither their text nor one object for each cell is in memory.
"""

import io
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from platform_jobs.errors import ContractError
from platform_jobs.profile import mean_and_deviation
from platform_jobs.tables import cells
from platform_jobs.tables.tables import parse_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]

# Lines by which the slow reader decides on header, separator and index.
HEAD_LINES = 50
_SIGNS = b"0123456789+-.eE,\r\n"
_BLOCK = 16 << 20  # bytes that are read at a time
_LINE_FEED, _RETURN = 10, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The numbers of a large file: `values` has shape (columns, rows), without -0."""

    columns: tuple[str, ...]
    values: "Numbers"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Columns):
    """A large plain file: its numbers, and its rows as text, which stay on disk.

    The text of row n, without its line end, is `content[starts[n] : ends[n]]`.
    """

    starts: "Places" = field(repr=False)
    ends: "Places" = field(repr=False)
    content: mmap.mmap = field(repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.starts)


def read_plain(path: Path) -> Plain | None:
    """Return a plain file; None for any other, and where pyarrow is not installed."""
    if not path.stat().st_size:
        return None
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise MemoryError(f"{path.name} does not fit into the memory.") from error
    end = 0
    for _ in range(HEAD_LINES):
        end = content.find(b"\n", end) + 1 or end
    names = plain_names(content[:end])
    places = _lines(content, content.find(b"\n") + 1) if names else None
    if names is None or places is None:
        return None
    starts, ends = places
    values = _numbers(content, starts, ends, len(names))
    if values is None:
        return None
    return Plain(columns=names, values=values, starts=starts, ends=ends, content=content)


def plain_names(head: bytes) -> tuple[str, ...] | None:
    """Return the names of a plain file by its first lines; None for any other file."""
    header = head.partition(b"\n")[0]
    # An odd number of quotes: the header ends in a later line. A lone carriage return ends it, too.
    if not header.strip() or header.count(b'"') % 2 or b"\r" in header.removesuffix(b"\r"):
        return None
    try:
        table = parse_table(head)
    except ContractError:
        return None
    plain = table.columns and not table.notes and not table.faults
    if not plain or all(cells.number(name) is not None for name in table.columns):
        return None
    return table.columns


def _lines(content: mmap.mmap, begin: int) -> "tuple[Places, Places] | None":
    """Return begin and end of each row; None when the text has other signs or empty lines."""
    data = np.frombuffer(content, np.uint8)
    line_feeds: list[Places] = []
    returns = 0
    for low in range(begin, len(data), _BLOCK):
        block = data[low : low + _BLOCK]
        if block.tobytes().translate(None, _SIGNS):
            return None
        line_feeds.append(np.flatnonzero(block == _LINE_FEED) + low)
        returns += int(np.count_nonzero(block == _RETURN))
        _forget(content, low + _BLOCK)
    feeds = np.concatenate([*line_feeds, np.empty(0, np.int64)])
    before = data[feeds - 1] == _RETURN
    ends = feeds - before
    starts = np.concatenate([[begin], feeds + 1])
    if starts[-1] < len(data):
        ends = np.append(ends, len(data))
    else:
        starts = starts[:-1]
    if returns != before.sum() or not len(starts) or (ends <= starts).any():
        return None
    return starts, ends


def _numbers(
    content: mmap.mmap, starts: "Places", ends: "Places", columns: int
) -> "Numbers | None":
    """Return the numbers, shape (columns, rows); None when a cell is no finite number."""
    try:
        import pyarrow as pa
        from pyarrow import csv
    except ImportError:
        return None
    names = [str(number) for number in range(columns)]
    read = csv.ReadOptions(column_names=names, block_size=1 << 20)
    parse = csv.ParseOptions(quote_char=False)
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.float64()), null_values=[], check_utf8=False
    )
    values: Numbers = np.empty((columns, len(starts)))
    step = max(1, len(starts) * _BLOCK // len(content))
    for low in range(0, len(starts), step):
        high = min(low + step, len(starts))
        block = memoryview(content)[starts[low] : ends[high - 1]]
        try:
            table = csv.read_csv(pa.BufferReader(pa.py_buffer(block)), read, parse, convert)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != high - low:
            return None
        for number, column in enumerate(table.columns):
            part = column.to_numpy()
            if not np.isfinite(part).all():
                return None
            # Adding 0 turns -0 into 0, whose bits differ.
            np.add(part, 0.0, out=values[number, low:high])
        _forget(content, int(ends[high - 1]))
    return values


def _forget(content: mmap.mmap, end: int) -> None:
    """Let the pages before `end` leave the memory of this process; a later access maps them."""
    length = min(end, len(content)) // mmap.PAGESIZE * mmap.PAGESIZE
    if length:
        content.madvise(mmap.MADV_DONTNEED, 0, length)


def read_numbers(content: bytes) -> "tuple[tuple[str, ...], Numbers] | None":
    """Return names and numbers, shape (rows, columns), of a plain file; None for any other."""
    head = b"\n".join(content.split(b"\n", HEAD_LINES)[:HEAD_LINES]) + b"\n"
    names, begin = plain_names(head), len(head.partition(b"\n")[0]) + 1
    if names is None or begin >= len(content):
        return None
    body = content[begin:]
    if body.translate(None, _SIGNS) or body.count(b"\r") != body.count(b"\r\n"):
        return None
    try:
        values: Numbers = np.loadtxt(io.BytesIO(body), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(names) or not np.isfinite(values).all():
        return None
    return names, values


def profile_numbers(names: tuple[str, ...], values: "Numbers") -> dict[str, object]:
    """Return the figures that `profile_table` returns for the same rows."""
    columns = []
    for name, column in zip(names, values.T, strict=True):
        mean, std = mean_and_deviation(column.tolist())
        columns.append({"name": name, "missing": 0, "mean": mean, "std": std, "found": []})
    return {"rows": len(values), "columns": columns, "notes": [], "faults": []}


def profile_plain(
    names: Sequence[str], values: "Numbers", notes: Sequence[str] = ()
) -> dict[str, object]:
    """Return the figures of `profile_table` for `values` of shape (columns, rows).

    Means and deviations may differ from it in the last digits.
    """
    columns = []
    for name, column in zip(names, values, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = float(column.mean()), float(column.std())
        if column.size and column.min() == column.max():
            # Sums of equal numbers are inexact, and a constant column must not seem to vary.
            mean, std = float(column[0]), 0.0
        elif not np.isfinite([mean, std]).all():
            exact = mean_and_deviation(column.tolist())
            mean, std = exact[0] or 0.0, exact[1] or 0.0
        columns.append({"name": name, "missing": 0, "mean": mean, "std": std, "found": []})
    return {"rows": values.shape[1], "columns": columns, "notes": list(notes), "faults": []}
