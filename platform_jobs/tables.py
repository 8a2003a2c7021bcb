"""Reads a table from a CSV file; every cell stays the text that the file holds."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from platform_jobs.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as text: each row has one cell per column, in the order of `columns`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_table(path: Path) -> Table:
    """Return the table in a CSV file; ContractError when the file holds none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ContractError(f"{path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path.name} is not UTF-8 text. Save it as UTF-8.") from error
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise ContractError(f"{path.name} is not a readable CSV: {error}.") from error
    if not lines:
        raise ContractError("The file is empty. It needs a header and rows.")
    columns = tuple(name.strip() for name in lines[0])
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(columns):
            raise ContractError(
                f"Row {number} has {len(line)} cells; the header names {len(columns)} columns."
            )
    return Table(columns=columns, rows=tuple(tuple(line) for line in lines[1:]))


def write_table(path: Path, table: Table) -> None:
    """Write a table as CSV: UTF-8, commas, one line feed per row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)
