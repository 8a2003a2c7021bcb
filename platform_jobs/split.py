"""Splits a table into the rows that a training may see and the rows that judge the model."""

import hashlib
import math

from platform_jobs.tables.tables import Table

# The share of the rows that are held out, in expectation.
HELD_OUT = 0.2


def split_rows(table: Table, key: str) -> tuple[Table, Table]:
    """Return the seen and the held-out rows, each sorted by a keyed hash of the row's content.

    The hash decides alone, so equal rows fall on one side, a row keeps its side in every later file
    that holds it, and the order of the rows or columns in the file changes nothing. `key` is the
    name of the model: models that share a file hold out different rows. A row that occurs several
    times is seen as often as it came, and held out once: its copies are no further evidence.
    """
    places = sorted(range(len(table.columns)), key=lambda place: table.columns[place])
    hashed = sorted((_hash(row, places, key), row) for row in table.rows)
    bound = int(HELD_OUT * 2**64)
    seen = tuple(row for number, row in hashed if number >= bound)
    distinct: dict[int, tuple[str, ...]] = {}
    for number, row in hashed:
        if number < bound:
            distinct.setdefault(number, row)
    held_out = tuple(distinct.values())
    return Table(columns=table.columns, rows=seen), Table(columns=table.columns, rows=held_out)


def _hash(row: tuple[str, ...], places: list[int], key: str) -> int:
    content = "\0".join([key, *(_canonical(row[place]) for place in places)])
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big")


def _canonical(cell: str) -> str:
    """Return the cell so that 1, 1.0 and 1e0 are the same text."""
    text = cell.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(number + 0.0) if math.isfinite(number) else text
