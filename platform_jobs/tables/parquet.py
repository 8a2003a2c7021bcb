"""Parquet files as text: each cell is written as a CSV of the same table has it.

pyarrow is imported only where a Parquet file is read. Types that no cell of a table can hold are
refused by the names of their columns; null and NaN are missing values, which are empty cells.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platform_jobs.errors import ContractError
from platform_jobs.limits import MAX_COLUMNS
from platform_jobs.tables.containers import MAX_UNPACKED
from platform_jobs.tables.dialects import Record

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC = b"PAR1"
_NOTE = "It is a Parquet file; its rows are counted as lines of a CSV, the first one as line 2."
_CSV = "or save the table as CSV (UTF-8, commas)."
_AGAIN = "Upload it again."
# pandas writes the row labels of a table into a column of this name.
_INDEX = re.compile(r"__index_level_\d+__")
_ROWS = 10_000  # rows that are decoded at a time
_BUFFER = 1 << 20  # bytes of each column that are read from a disk at a time
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRows:
    """Rows of numbers: `values` has one array of doubles for each column, which may have nulls.

    `lines` has the rows as the lines of a CSV, without line ends.
    """

    columns: tuple[str, ...]
    notes: tuple[str, ...]
    values: "tuple[pa.DoubleArray, ...]"
    lines: "pa.LargeStringArray | None"


# Stands for the rows of a file that holds anything but finite numbers.
NO_NUMBERS = NumberRows(columns=(), notes=(), values=(), lines=None)


def is_parquet(content: bytes) -> bool:
    """Return whether a file is a Parquet file, perhaps cut off, and no text that begins alike."""
    # The first byte after the mark is a control character, and in a text a letter or a separator.
    is_text = re.match(rb"PAR1[\t\r\n -~]", content) is not None
    return content.startswith(MAGIC) and (not is_text or content.endswith(MAGIC))


def parse_parquet(content: bytes) -> tuple[list[str], list[Record], list[str]]:
    """Return the names of the columns, the rows as text, and notes.

    ContractError when the file is encrypted, cut off or damaged, holds nested values or bytes, or
    is too large as text; MemoryError when it does not fit into the memory of this process.
    """
    with _opened(content) as file:
        names = file.schema_arrow.names
        indices, notes = _kept(names)
        rows: list[Record] = []
        for texts in _texts(file, indices, _most(content)):
            rows += (
                Record(line=line, fields=list(fields))
                for line, fields in enumerate(zip(*texts, strict=True), start=len(rows) + 2)
            )
        return [names[index] for index in indices], rows, notes


def count_rows(content: bytes | Path) -> int:
    """Return the number of rows; ContractError as `parse_parquet`."""
    with _opened(content) as file:
        rows: int = file.metadata.num_rows
        return rows


def read_parquet_numbers(content: bytes | Path, *, with_lines: bool) -> "Iterator[NumberRows]":
    """Yield the rows of a file of finite numbers, some at a time; nothing for any other file.

    A file turns out to be another one at any row; then `columns` is empty. ContractError and
    MemoryError as `parse_parquet`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    with _opened(content) as file:
        names = file.schema_arrow.names
        indices, notes = _kept(names)
        kinds = [file.schema_arrow.field(index).type for index in indices]
        if not all(map(_is_number, kinds)):
            yield NO_NUMBERS
            return
        exact = [pa.types.is_float64(kind) or pa.types.is_integer(kind) for kind in kinds]
        size = 0
        for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
            given = [batch.column(index) for index in indices]
            # The text of other numbers decides, such as that of a 32-bit 0.1.
            texts = [
                _as_text(column) if with_lines or not is_exact else column
                for column, is_exact in zip(given, exact, strict=True)
            ]
            try:
                values = tuple(
                    (column if is_exact else text).cast(pa.float64(), safe=False)
                    for column, text, is_exact in zip(given, texts, exact, strict=True)
                )
            except pa.ArrowInvalid:  # the text of a missing value is empty
                yield NO_NUMBERS
                return
            lines = None
            if with_lines:
                lines = pc.binary_join_element_wise(*texts, pa.scalar(",", pa.large_string()))
                size += pc.sum(pc.binary_length(lines)).as_py() + len(lines)
                if size > _most(content):
                    raise _too_large("has more text", _most(content))
            yield NumberRows(
                columns=tuple(names[index] for index in indices),
                notes=tuple(notes),
                values=values,
                lines=lines,
            )


def _kept(names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the indices of the columns that are no row labels, and the notes on the file."""
    indices = [index for index, name in enumerate(names) if not _INDEX.fullmatch(name)]
    notes = [_NOTE]
    if labels := len(names) - len(indices):
        noun = (
            "column of row labels (pandas) was"
            if labels == 1
            else "columns of row labels (pandas) were"
        )
        notes.append(f"{labels} {noun} left out.")
    return indices, notes


def _is_number(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return any(check(kind) for check in (types.is_integer, types.is_floating, types.is_decimal))


def read_parquet_columns(content: bytes, names: Sequence[str]) -> "list[array[float]]":
    """Return the numbers of these columns, each in the order of the rows.

    ContractError when a column is missing or holds something else.
    """
    with _opened(content) as file:
        missing = [name for name in names if name not in file.schema_arrow.names]
        if missing:
            raise ContractError(f"The Parquet file has no column {missing[0]!r}.")
        indices = [file.schema_arrow.names.index(name) for name in names]
        columns = [array("d") for _ in names]
        for texts in _texts(file, indices, _most(content)):
            for name, column, cells in zip(names, columns, texts, strict=True):
                try:
                    column.extend(map(float, cells))
                except ValueError as error:
                    raise ContractError(f"Column {name!r}: {error}.") from None
        return columns


@contextmanager
def _opened(content: bytes | Path) -> "Iterator[pq.ParquetFile]":
    """Yield the file; each fault of it is a ContractError that names the remedy."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ContractError(
            "The file is a Parquet file, and pyarrow is not installed where the data is prepared. "
            f"Add pyarrow to the requirements of the training, {_CSV}"
        ) from None
    if isinstance(content, bytes) and (len(content) < 12 or not content.endswith(MAGIC)):
        raise ContractError(f"The file is a Parquet file that is cut off. {_AGAIN}")
    try:
        # Parts of a file on disk are read as they are needed.
        is_memory = isinstance(content, bytes)
        file = pq.ParquetFile(
            pa.BufferReader(content) if is_memory else content,
            page_checksum_verification=True,
            buffer_size=0 if is_memory else _BUFFER,
        )
        _check_size(file.metadata, _most(content))
        _check_types(file.schema_arrow)
        yield file
    except pa.ArrowMemoryError as error:
        raise MemoryError(str(error)) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = _first_line(error)
        if "crypt" in said:
            raise ContractError(
                f"The file is a Parquet file with encrypted columns. Save it without encryption, "
                f"{_CSV}"
            ) from None
        # A build of pyarrow without a codec raises its class of this fault, and every build raises
        # OSError for a codec that pyarrow itself lacks.
        lacking = isinstance(error, pa.ArrowNotImplementedError)
        if lacking or "not supported" in said or "Unsupported" in said:
            raise ContractError(
                f"The file is a Parquet file that pyarrow cannot read ({said}). Save it with "
                f"snappy, gzip, zstd or no compression, {_CSV}"
            ) from error
        raise ContractError(
            f"The file is a Parquet file and is damaged ({said}). {_AGAIN}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def _most(content: bytes | Path) -> int:
    """Return the bytes to which a file may unpack, and which it may have as text."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    return max(MAX_UNPACKED, size)


def _check_size(metadata: "pq.FileMetaData", most: int) -> None:
    """Raise ContractError before anything is unpacked, by the sizes that the file declares."""
    rows, columns = metadata.num_rows, metadata.num_columns
    if columns > MAX_COLUMNS:
        raise ContractError(
            f"The Parquet file has {columns} columns; at most {MAX_COLUMNS} are read. Keep the "
            "columns that the model needs."
        )
    if not columns:
        raise ContractError("The Parquet file has no columns. It needs columns and rows.")
    size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    # Each cell of a CSV has a sign and a separator, and each row of one column a line end.
    if max(size, 2 * rows * columns) > most:
        raise _too_large(f"unpacks to {size} bytes, with {rows} rows of {columns} columns", most)


def _too_large(observed: str, most: int) -> ContractError:
    text = f"The Parquet file {observed}; at most {most >> 20} MiB are read, also as CSV."
    return ContractError(f"{text} Upload a smaller file.")


def _check_types(schema: "pa.Schema") -> None:
    """Raise ContractError, which names every column whose values no cell of a table can hold."""
    refused = [f"{field.name!r} ({field.type})" for field in schema if not _is_cell(field.type)]
    if not refused:
        return
    shown = ", ".join(text[:100] for text in refused[:_SHOWN])
    more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
    raise ContractError(
        f"The Parquet file has columns of nested values, bytes or durations: {shown}{more}. Write "
        "numbers, texts or dates, one column for each value, or leave these columns out."
    )


def _is_cell(kind: "pa.DataType") -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_cell(kind.value_type)
    text = (types.is_string, types.is_large_string, types.is_string_view)
    number = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    moment = (types.is_date, types.is_timestamp, types.is_time)
    return any(check(kind) for check in (types.is_null, *text, *number, *moment))


def _texts(file: "pq.ParquetFile", indices: Sequence[int], most: int) -> Iterator[list[list[str]]]:
    """Yield the cells of these columns as text, by column, for some rows at a time."""
    import pyarrow.compute as pc

    size = 0
    for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
        columns = [_as_text(batch.column(index)) for index in indices]
        size += sum(pc.sum(pc.binary_length(column)).as_py() + len(column) for column in columns)
        if size > most:
            raise _too_large("has more text", most)
        yield [[cell.strip() for cell in column.to_pylist()] for column in columns]


def _as_text(column: "pa.Array") -> "pa.Array":
    """Return a column as text, with numbers in the shortest form that reads back as the same one.

    Times with a zone are written in UTC, because the zones' table may be absent.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind, ending = column.type, ""
    if pa.types.is_floating(kind):
        column = column.cast(pa.float32()) if pa.types.is_float16(kind) else column
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column, ending = column.cast(pa.timestamp(kind.unit)), "Z"
    texts = pc.fill_null(column.cast(pa.large_string()), "")
    if ending:
        moment = pc.not_equal(texts, "")
        zone, glue = (pa.scalar(text, texts.type) for text in (ending, ""))
        texts = pc.if_else(moment, pc.binary_join_element_wise(texts, zone, glue), texts)
    if pc.any(pc.match_substring(texts, "\x00")).as_py():
        raise ContractError(
            "The Parquet file has a text with a NUL byte. Remove such bytes from its texts."
        )
    return texts
