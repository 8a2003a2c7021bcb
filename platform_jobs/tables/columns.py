"""Reads the needed columns of a CSV, with bounded lines, rows and memory."""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from typing import IO

from platform_jobs.errors import ContractError

# Characters of one line: 10,000 columns of 20 digits are 200,000.
MAX_LINE = 1 << 20
MAX_LABELS = 500_000


def read_columns(file: IO[str], names: Sequence[str]) -> "list[array[float]]":
    """Return the numbers of these columns, each in the order of the rows.

    Other columns are skipped. ContractError when a column is missing or holds something else.
    """
    reader = csv.reader(_lines(file))
    columns = [array("d") for _ in names]
    try:
        places = _places(next(reader, []), names)
        for row in reader:
            if row and len(row) <= max(places):
                text = f"line {reader.line_num} has {len(row)} cells, less than its header."
                raise ContractError(text)
            if row:
                for column, place in zip(columns, places, strict=True):
                    column.append(float(row[place]))
    except (ValueError, csv.Error) as error:
        raise ContractError(f"line {reader.line_num}: {error}.") from None
    return columns


def read_labels(file: IO[str], target: str) -> list[tuple[str, float]]:
    """Return ids and truths of a file; ContractError when it is no file of labels."""
    reader = csv.reader(_lines(file))
    try:
        id_place, target_place = _places(next(reader, []), ("id", target))
    except (ValueError, csv.Error):
        raise ContractError(
            f"it needs the columns id and {target}. Put a corrected file there."
        ) from None
    labels: list[tuple[str, float]] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            text = f"line {reader.line_num} is not a CSV ({error}). Put a corrected file there."
            raise ContractError(text) from None
        if row is None:
            return labels
        if not row:
            continue
        try:
            truth = float(row[target_place])
        except (ValueError, IndexError):
            truth = math.nan
        if not math.isfinite(truth) or len(row) <= id_place:
            text = f"line {reader.line_num} has no number in {target}. Put a corrected file there."
            raise ContractError(text)
        if len(labels) == MAX_LABELS:
            raise ContractError(
                f"it has more than {MAX_LABELS} labels. Split it into several files."
            )
        labels.append((row[id_place].strip(), truth))


def _places(header: Sequence[str], names: Sequence[str]) -> list[int]:
    return [header.index(name) for name in names]


def _lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith("\n"):
            text = f"A line has more than {MAX_LINE} characters. Keep the columns that are needed."
            raise ContractError(text)
        yield line
