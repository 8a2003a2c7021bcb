"""Large files of numbers in other forms than one CSV: Parquet files, and folders of parts.

Each becomes what `fast_reader.read_plain` returns for the CSV of the same table: its numbers as
arrays and its lines in a temporary file. None means that the reader of text cells decides.
"""

import csv
import io
import mmap
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from platform_jobs.errors import ContractError
from platform_jobs.large.fast_reader import (
    HEAD_LINES,
    Columns,
    Plain,
    plain_names,
    read_plain,
)
from platform_jobs.tables import parquet, parts
from platform_jobs.tables.tables import empty_parts


def read_large_file(path: Path, scratch: Path) -> Plain | None:
    """Return the numbers and lines of a large file; None for a file that is not plain.

    The temporary file lies in the folder `scratch`, because a run's /tmp may lie in memory.
    """
    with tempfile.TemporaryFile(dir=scratch) as lines:
        read = _read(path, scratch, lines)
        return read if isinstance(read, Plain) else None


def read_large_columns(path: Path, scratch: Path) -> Columns | None:
    """Return the numbers of a large file, without its lines where it is a Parquet file."""
    return _read(path, scratch, None)


def _read(path: Path, scratch: Path, lines: IO[bytes] | None) -> Columns | None:
    with path.open("rb") as file:
        head = file.read(len(parquet.MAGIC) + 1)
        file.seek(-min(path.stat().st_size, len(parts.COMMENT)), os.SEEK_END)
        ends = head + file.read()
    # The reader of text cells names the fault of the file.
    with suppress(ContractError):
        if parquet.is_parquet(ends) and ends.endswith(parquet.MAGIC):
            return _numbers(lambda: iter([("", path)]), lines)
        if parts.is_parts(ends):
            return _parts(path, scratch, lines)
        return read_plain(path)
    return None


def _parts(path: Path, scratch: Path, lines: IO[bytes] | None) -> Columns | None:
    """Return the numbers of an archive whose parts are all plain CSV, or all Parquet."""
    empty, first = [], b""
    for name, part in parts.read_parts(path):
        if not part:
            empty.append(name)
        first = first or part[: len(parquet.MAGIC)]

    def given() -> Iterator[tuple[str, bytes]]:
        return ((name, part) for name, part in parts.read_parts(path) if part)

    is_parquet = first == parquet.MAGIC
    read = _numbers(given, lines) if is_parquet else _joined(given(), scratch)
    return read and replace(read, notes=(*empty_parts(empty), *read.notes))


def _joined(given: Iterable[tuple[str, bytes]], scratch: Path) -> Plain | None:
    """Return the plain file of the rows of all parts below the header of the first one."""
    names: tuple[str, ...] | None = None
    with tempfile.NamedTemporaryFile(dir=scratch) as file:
        for _, part in given:
            head = b"\n".join([*part.split(b"\n", HEAD_LINES)[:HEAD_LINES], b""])
            columns = plain_names(head)
            if columns is None or columns != (names or columns):
                return None
            # A part may hold its header only, without a line feed.
            begin = 0 if names is None else part.find(b"\n") + 1 or len(part)
            names = columns
            file.write(memoryview(part)[begin:])
            if begin < len(part) and not part.endswith(b"\n"):
                file.write(b"\n")
        file.flush()
        return read_plain(Path(file.name))


def _numbers(
    given: Callable[[], Iterator[tuple[str, bytes | Path]]], lines: IO[bytes] | None
) -> Columns | None:
    """Return the numbers of Parquet files, and their lines where `lines` takes them.

    `given` begins again with each call. A note names its part, where the file has parts.
    """
    if not all(isinstance(one, Path) or parquet.is_parquet(one) for _, one in given()):
        return None
    count = sum(parquet.count_rows(one) for _, one in given())
    columns: tuple[str, ...] = ()
    values = np.empty((0, count))
    notes: dict[str, str] = {}
    low = 0
    places = np.zeros(count + 1, np.int64)
    for name, rows in _rows(given(), with_lines=lines is not None):
        if not columns:
            if not rows.columns or not _is_header(rows):
                return None
            columns = rows.columns
            values = np.empty((len(columns), count))
        if rows.columns != columns or any(column.null_count for column in rows.values):
            return None
        high = low + len(rows.values[0])
        for number, column in zip(values, rows.values, strict=True):
            # Adding 0 turns -0 into 0, whose bits differ.
            np.add(column.to_numpy(), 0.0, out=number[low:high])
        if not np.isfinite(values[:, low:high]).all():
            return None
        for note in rows.notes:
            notes.setdefault(note, f"{name}: {note}" if name else note)
        if lines is not None:
            places[low + 1 : high + 1] = _written(rows, lines) + places[low]
        low = high
    if not columns:
        return None
    # Arrow keeps memory for later arrays; the comparison of the two files needs it.
    pa.default_memory_pool().release_unused()
    read = Columns(columns=columns, values=values, notes=tuple(notes.values()))
    if lines is None:
        return read
    lines.flush()
    return Plain(
        columns=columns,
        values=values,
        notes=read.notes,
        starts=places[:-1],
        ends=places[1:],
        content=mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ),
    )


def _rows(
    given: Iterable[tuple[str, bytes | Path]], *, with_lines: bool
) -> Iterator[tuple[str, parquet.NumberRows]]:
    """Yield the name of each part and some of its rows at a time."""
    for name, content in given:
        for rows in parquet.read_parquet_numbers(content, with_lines=with_lines):
            yield name, rows


def _is_header(rows: parquet.NumberRows) -> bool:
    """Return whether the names are those of a plain CSV, which the reader of text cells keeps."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(
        zip(*(column[: HEAD_LINES - 1].to_pylist() for column in rows.values), strict=True)
    )
    return plain_names(out.getvalue().encode()) == rows.columns


def _written(rows: parquet.NumberRows, out: IO[bytes]) -> NDArray[np.int64]:
    """Write the lines; return the end of each, in bytes from the first one."""
    assert rows.lines is not None
    _, offsets, text = rows.lines.buffers()
    count = len(rows.lines)
    places = np.frombuffer(offsets, np.int64)[rows.lines.offset : rows.lines.offset + count + 1]
    out.write(memoryview(text)[int(places[0]) : int(places[-1])])
    ends: NDArray[np.int64] = places[1:] - places[0]
    return ends
