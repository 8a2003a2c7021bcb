"""Reads the rows that judge from the folder that `prepare` wrote."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.splitting.hashes import FOLDS, GROUP_HASHES, ROW_HASHES, read_hashes
from platform_jobs.splitting.unseen import Hashes
from platform_jobs.tables.tables import Table, read_table
from platform_jobs.tables.words import read_label

ROWS, SCHEMA = "rows.csv", "schema.json"  # of each folder of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Rows that judge: the features as text, the true targets, and the rows' hashes.

    `actual` has shape (rows,): numbers, or for a target with `labels` the number of the true one,
    counted from 0: of two labels 1 where the last one is true. `kinds` has the kind of each column,
    {} when all are numbers.
    """

    features: Table
    target: str
    actual: tuple[float, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    hashes: Hashes = field(default_factory=Hashes)

    @property
    def fold_count(self) -> int:
        return max(self.hashes.folds, default=0) + 1


def read_held_out(folder: Path) -> HeldOut:
    """Return the rows of a folder of `prepare`; ContractError when they cannot judge."""
    schema = json.loads((folder / SCHEMA).read_text(encoding="utf-8"))
    table, target = read_table(folder / ROWS), str(schema["target"])
    if not table.rows:
        raise ContractError("There are no held-out rows to judge by. Send more rows.")
    index = table.columns.index(target)
    others = [table.columns.index(name) for name in schema["features"]]
    features = Table(
        columns=tuple(table.columns[number] for number in others),
        rows=tuple(tuple(row[number] for number in others) for row in table.rows),
    )
    labels = tuple(schema.get("labels", ()))
    actual = tuple(_target(row[index], target, labels) for row in table.rows)
    return HeldOut(
        features=features,
        target=target,
        actual=actual,
        kinds=schema.get("kinds", {}),
        labels=labels,
        hashes=_read_hashes(folder, len(actual)),
    )


def _read_hashes(folder: Path, rows: int) -> Hashes:
    """Return the hashes beside the rows, empty when an earlier version of this app prepared them.

    ContractError when there is not one hash for each row.
    """
    kinds = [read_hashes(folder / name) for name in (ROW_HASHES, GROUP_HASHES, FOLDS)]
    if all(kind is None for kind in kinds):
        return Hashes()
    if any(kind is None or len(kind) != rows for kind in kinds):
        raise ContractError(
            f"{folder.name} does not have one hash for each of its {rows} rows. Prepare the data "
            "again."
        )
    row, group, fold = (kind or () for kind in kinds)
    return Hashes(rows=tuple(row), groups=tuple(group), folds=tuple(fold))


def _target(text: str, target: str, labels: tuple[str, ...]) -> float:
    """Return the target of a cell: a finite number, or the number of its label, counted from 0.

    ContractError when the cell is neither a finite number nor a label.
    """
    if labels:
        if read_label(text) not in labels:
            raise ContractError(
                f"The target {target} has {text[:40]!r}, which is none of the labels "
                f"{', '.join(labels)[:200]}. Remove such rows, or correct `labels` in mlops.toml."
            )
        return float(labels.index(read_label(text)))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        seen = (
            f"has {text[:40]!r}, which is not a finite number"
            if text.strip()
            else "has an empty cell"
        )
        remedy = (
            "Remove such rows, or encode the labels as numbers, such as 0 and 1, or name them: "
            "`labels` of the model in mlops.toml."
        )
        raise ContractError(f"The target {target} {seen}. {remedy}")
    return value
