"""Cells that are dates or times, in the extended form of ISO 8601 that RFC 3339 and Parquet use."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from platform_jobs.tables import cells
from platform_jobs.tables.tables import Table

# Why a cell is no date, beside EMPTY and NOT_AVAILABLE of cells.py.
NO_DATE, OTHER_DATE, NO_SUCH_DATE = "no_date", "other_date", "no_such_date"
# The text of a cell, and the lines of the file, that a fault shows.
_LONGEST, _EXAMPLES, _LINES = 40, 2, 3
_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# By column the moment of each cell, None for a cell that is no date.
Moments = Mapping[str, Sequence[datetime | None]]


def read_moment(cell: str) -> datetime | None:
    """Return the moment of a cell, of a date its beginning; None for a cell that is no date.

    It has a time zone when the cell has one. Digits after microseconds are left out.
    """
    text = cell.strip()
    if not _FORM.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def read_moments(table: Table, names: Sequence[str]) -> Moments:
    """Return the moments of those columns of dates that the table has."""
    places = [(name, table.columns.index(name)) for name in names if name in table.columns]
    return {name: [read_moment(row[place]) for row in table.rows] for name, place in places}


def kind(cell: str) -> str:
    """Return why a cell is no date."""
    text = cell.strip()
    if _FORM.fullmatch(text):
        return NO_SUCH_DATE
    other = cells.kind(text)
    if other in (cells.EMPTY, cells.NOT_AVAILABLE):
        return other
    if text.lower() == "nan":
        return cells.NOT_AVAILABLE
    return OTHER_DATE if other == cells.DATE else NO_DATE


def date_figures(
    name: str,
    texts: Sequence[str],
    moments: Sequence[datetime | None],
    table: Table,
) -> dict[str, object]:
    """Return the figures of a column of dates, as `profile_table` does for each column.

    `found` also has the first lines of each kind, in the part of the first one; `earliest`
    and `latest` are dates, "" without any.
    """
    rows_of: dict[str, list[int]] = {}
    for row, (text, moment) in enumerate(zip(texts, moments, strict=True)):
        if moment is None:
            rows_of.setdefault(kind(text), []).append(row)
    ordered = sorted(rows_of.items(), key=lambda one: -len(one[1]))
    days = [moment.date() for moment in moments if moment is not None]
    return {
        "name": name,
        "missing": len(moments) - len(days),
        "mean": None,
        "std": None,
        "found": [_cells(why, rows, texts, table) for why, rows in ordered],
        "earliest": min(days).isoformat() if days else "",
        "latest": max(days).isoformat() if days else "",
    }


def _cells(why: str, rows: Sequence[int], texts: Sequence[str], table: Table) -> dict[str, object]:
    """Return count, first lines and examples of the cells in these rows."""
    part = table.part(rows[0])
    shown = dict.fromkeys(texts[row].strip()[:_LONGEST] for row in rows)
    return {
        "kind": why,
        "count": len(rows),
        "line": table.line(rows[0]),
        "lines": [table.line(row) for row in rows if table.part(row) == part][:_LINES],
        "part": part,
        "examples": [text for text in shown if text][:_EXAMPLES],
    }


def utc(moment: datetime) -> datetime:
    """Return a moment in UTC, which one without a time zone is taken to be in."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last day that Python has
        return moment.replace(tzinfo=UTC)
