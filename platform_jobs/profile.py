"""Figures of a table: what the data gate needs, never the rows."""

import math
from typing import Any

from platform_jobs.tables import Table


def profile_table(table: Table) -> dict[str, Any]:
    """Return rows and, by column, name, missing cells, mean and standard deviation.

    A cell is missing when it is empty or not a finite number; mean and deviation are None for a
    column without numbers.
    """
    cells = [[_number(row[place]) for row in table.rows] for place in range(len(table.columns))]
    columns = [_figures(name, values) for name, values in zip(table.columns, cells, strict=True)]
    return {"rows": len(table.rows), "columns": columns}


def _figures(name: str, values: list[float | None]) -> dict[str, Any]:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return {"name": name, "missing": len(values), "mean": None, "std": None}
    mean = math.fsum(numbers) / len(numbers)
    variance = math.fsum((value - mean) ** 2 for value in numbers) / len(numbers)
    return {
        "name": name,
        "missing": len(values) - len(numbers),
        "mean": mean,
        "std": math.sqrt(variance),
    }


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
