"""Reads a table from a file of any usual dialect; every cell stays the text that the file holds.

A file that can be read in one way only is read, and notes say how. Everything else is a fault that
names the dialect, the line and the remedy; all faults of a file are found at once.
"""

import csv
import stat
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.tables.containers import refuse_markup, unpack
from platform_jobs.tables.dialects import Dialect, Record, check_width, detect, records
from platform_jobs.tables.encodings import decode
from platform_jobs.tables.parquet import is_parquet, parse_parquet
from platform_jobs.tables.parts import is_parts, read_parts
from platform_jobs.tables.shapes import Shape

_SHOWN = 3  # rows, columns or parts that a text names
_FAULTY = 20  # parts whose faults are named
# Invisible characters that editors and joined files leave in names.
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as text: each row has one cell per column, in the order of `columns`.

    `lines` holds the line of the file in which each row begins, counted from 1; `parts` the name of
    its part, where the file is a folder of parts. `notes` says how the file differs from a plain
    CSV; `faults` has its faults with their remedies. There are no columns where the first line is
    no header.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def line(self, row: int) -> int:
        """Return the line of a row in its file or part; without lines the header is line 1."""
        return self.lines[row] if self.lines else row + 2

    def part(self, row: int) -> str:
        """Return the name of the part that holds a row, "" without parts."""
        return self.parts[row] if self.parts else ""

    def where(self, rows: Sequence[int]) -> str:
        """Return the lines of the first of these rows, such as `line 9` or `lines 9, 12`."""
        if self.parts:
            texts = [f"line {self.line(row)} of {self.part(row)}" for row in rows[:_SHOWN]]
        else:
            texts = [str(self.line(row)) for row in rows[:_SHOWN]]
            texts[0] = f"{'line' if len(rows) == 1 else 'lines'} {texts[0]}"
        return ", ".join(texts) + (", …" if len(rows) > _SHOWN else "")


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
    """Return the table in the bytes of a file, or of an archive of parts, as scan_table does."""
    if is_parts(content):
        return _joined(read_parts(content))
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


def _joined(parts: Iterable[tuple[str, bytes]]) -> Table:
    """Return the rows of all parts, which must have the columns of the first one, in its order.

    Notes and faults name their part; the form of each part is read by itself. Faults of more than
    _FAULTY parts are only counted. A part of no bytes is left out with a note, because Hadoop
    writes one for a task without rows.
    """
    columns: tuple[str, ...] | None = None
    first = ""
    rows: list[tuple[str, ...]] = []
    lines = array("q")
    names: list[str] = []
    notes: dict[str, str] = {}
    faults: dict[str, Sequence[str]] = {}
    empty: list[str] = []
    for name, content in parts:
        if not content:
            empty.append(name)
            continue
        try:
            if is_parts(content):
                raise ContractError("It is an archive of parts itself. Send its parts.")
            table = parse_table(content)
        except ContractError as error:
            faults[name] = (str(error),)
            continue
        if table.faults:
            faults[name] = table.faults
        for note in table.notes:
            notes.setdefault(note, name)
        if not table.columns:
            continue
        if columns is None:
            columns, first = table.columns, name
        elif table.columns != columns:
            faults[name] = (_other_columns(table.columns, first, columns),)
            continue
        rows += table.rows
        lines.extend(table.lines)
        names += [name] * len(table.rows)
    return Table(
        columns=columns or (),
        rows=tuple(rows),
        lines=tuple(lines),
        notes=(*empty_parts(empty), *(f"{name}: {note}" for note, name in notes.items())),
        faults=_faults(faults, all_empty=bool(empty) and columns is None),
        parts=tuple(names),
    )


def empty_parts(names: Sequence[str]) -> Iterable[str]:
    """Yield the note on parts without bytes, if there are any."""
    if names:
        noun = "part without bytes was" if len(names) == 1 else "parts without bytes were"
        yield f"{len(names)} {noun} left out: {', '.join(names[:_SHOWN])}" + (
            ", …." if len(names) > _SHOWN else "."
        )


def _faults(by_part: Mapping[str, Sequence[str]], *, all_empty: bool) -> tuple[str, ...]:
    if all_empty and not by_part:
        return ("All parts are empty. They need a header and rows.",)
    shown = list(by_part)[:_FAULTY]
    texts = [f"{name}: {fault}" for name in shown for fault in by_part[name]]
    if more := len(by_part) - len(shown):
        texts.append(f"{more} more part{'s have' if more > 1 else ' has'} faults.")
    return tuple(texts)


def _other_columns(columns: Sequence[str], first: str, expected: Sequence[str]) -> str:
    absent = [column for column in expected if column not in columns]
    more = [column for column in columns if column not in expected]
    differences = []
    if absent:
        differences.append(f"lacks {', '.join(absent[:_SHOWN])}")
    if more:
        shown = (column or "a column without a name" for column in more[:_SHOWN])
        differences.append(f"also has {', '.join(shown)}")
    difference = " and ".join(differences) or "has another order of columns"
    return (
        f"it {difference}; {first} has {', '.join(expected[:_SHOWN])}"
        f"{', …' if len(expected) > _SHOWN else ''}. Write all parts with the same columns."
    )


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
