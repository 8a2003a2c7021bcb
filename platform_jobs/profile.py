"""Figures of a table for the data gate, without its rows."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from platform_jobs.tables import cells
from platform_jobs.tables.dates import Moments, date_figures
from platform_jobs.tables.tables import Table

# Different cells that an example shows, and the characters of each.
_EXAMPLES, _LONGEST = 2, 40


def profile_table(table: Table, moments: Moments | None = None) -> dict[str, Any]:
    """Return rows, notes, faults and, by column, its name, figures and cells that are no number.

    `missing` counts the cells that are not a finite number, `found` the same cells by kind, each
    with the line of the first; mean and deviation are None for a column without numbers. A column
    of `moments` has dates: its cells that are no date count, and it has its range.
    """
    moments = moments or {}
    by_column = list(zip(*table.rows, strict=True)) or [() for _ in table.columns]
    columns = [
        date_figures(name, values, moments[name], table)
        if name in moments
        else _figures(name, values, table)
        for name, values in zip(table.columns, by_column, strict=True)
    ]
    return {
        "rows": len(table.rows),
        "columns": columns,
        "notes": list(table.notes),
        "faults": list(table.faults),
    }


def mean_and_deviation(numbers: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the mean and the standard deviation (of the population), None without numbers.

    Both are finite for all finite numbers: squares of numbers over 1e154 would overflow, so that
    such a column is divided by its greatest number first.
    """
    if not numbers:
        return None, None
    with suppress(OverflowError):
        mean = math.fsum(numbers) / len(numbers)
        std = math.sqrt(math.fsum((value - mean) ** 2 for value in numbers) / len(numbers))
        if math.isfinite(std):
            return mean, std
    most = max(map(abs, numbers))
    shares = [value / most for value in numbers]
    mean = math.fsum(shares) / len(shares)
    std = math.sqrt(math.fsum((share - mean) ** 2 for share in shares) / len(shares))
    return mean * most, std * most


def _figures(name: str, values: tuple[str, ...], table: Table) -> dict[str, Any]:
    numbers = cells.numbers(values)
    kinds: list[dict[str, Any]] = []
    if numbers is None:
        numbers = [number for cell in values if (number := cells.number(cell)) is not None]
        kinds = _kinds(values, table)
    mean, std = mean_and_deviation(numbers)
    missing = len(values) - len(numbers)
    return {"name": name, "missing": missing, "mean": mean, "std": std, "found": kinds}


def _kinds(values: tuple[str, ...], table: Table) -> list[dict[str, Any]]:
    """Return the cells that are not a finite number by kind, the most frequent first."""
    kinds: dict[str, dict[str, Any]] = {}
    for row, cell in enumerate(values):
        if cells.number(cell) is not None:
            continue
        kind = cells.kind(cell)
        if kind not in kinds:
            kinds[kind] = {"kind": kind, "count": 0, "line": table.line(row), "examples": []}
            if table.parts:
                kinds[kind]["part"] = table.part(row)
        known = kinds[kind]
        known["count"] += 1
        shown = cell.strip()[:_LONGEST]
        if shown and shown not in known["examples"] and len(known["examples"]) < _EXAMPLES:
            known["examples"].append(shown)
    return sorted(kinds.values(), key=lambda known: -known["count"])
