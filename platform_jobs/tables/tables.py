"""Reads a table from a file of any usual dialect; every cell stays the text that the file holds.

A file that can be read in one way only is read, and notes say how. Everything else is a fault that
names the dialect, the line and the remedy; all faults of a file are found at once.
"""

import csv
import stat
from dataclasses import dataclass
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.tables.containers import refuse_markup, unpack
from platform_jobs.tables.dialects import Dialect, Record, check_width, detect, records
from platform_jobs.tables.encodings import decode
from platform_jobs.tables.parquet import is_parquet, parse_parquet
from platform_jobs.tables.shapes import Shape

# Invisible characters that editors and joined files leave in names.
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as text: each row has one cell per column, in the order of `columns`.

    `lines` holds the line of the file in which each row begins, counted from 1; `notes` says how
    the file differs from a plain CSV; `faults` has its faults with their remedies. There
    are no columns where the first line is no header.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """Return the table in a file; ContractError, with every fault, when it has any."""
    table = scan_table(path)
    if table.faults:
        raise ContractError(" ".join(table.faults))
    return table


def scan_table(path: Path) -> Table:
    """Return the table in a file with its faults; a row with a fault is left out.

    Raises ContractError when the file holds no table at all.
    """
    try:
        # A FIFO without a writer would block this job for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ContractError(f"{path.name} is not a regular file. Give a CSV file.")
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path.name} cannot be read: {error.strerror}.") from None
    return parse_table(content)


def parse_table(content: bytes) -> Table:
    """Return the table in the bytes of a file, as scan_table does."""
    content, packed = unpack(content)
    if is_parquet(content):
        names, cells, notes = parse_parquet(content)
        header = Record(line=1, fields=names)
        return _shaped(Shape(header=header, rows=cells, dialect=Dialect()), (*packed, *notes))
    text, encoded = decode(content)
    if not text.strip():
        raise ContractError("The file is empty. It needs a header and rows.")
    refuse_markup(text)
    check_width(text)
    dialect = detect(text)
    header, *rows = (
        Record(line=record.line, fields=[field.strip() for field in record.fields])
        for record in records(text, dialect)
    )
    shape = Shape(header=header, rows=rows, dialect=dialect)
    cut_off = not text.endswith(("\n", "\r"))
    return _shaped(shape, (*packed, *encoded, *dialect.notes), cut_off=cut_off)


def _shaped(shape: Shape, read: tuple[str, ...], *, cut_off: bool = False) -> Table:
    """Return the table of header and rows; `read` are the notes on the form of the file."""
    header = shape.header
    header.fields[:] = [name.strip(_INVISIBLE).strip() for name in header.fields]
    shape.leave_out_blank_rows()
    shape.leave_out_trailing_cells()
    shape.leave_out_index()
    shape.check_header()
    shape.check_rows(cut_off=cut_off)
    shape.read_decimal_commas()
    notes, faults = (*read, *shape.notes), tuple(shape.faults)
    if shape.is_headless:
        return Table(columns=(), rows=(), notes=notes, faults=faults)
    return Table(
        columns=tuple(shape.header.fields),
        rows=tuple(tuple(row.fields) for row in shape.rows),
        lines=tuple(row.line for row in shape.rows),
        notes=notes,
        faults=faults,
    )


def write_table(path: Path, table: Table) -> None:
    """Write a table as CSV: UTF-8, commas, one line feed per row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)
