"""The folders of rows of a large plain file, whose lines are copied as they arrived."""

from collections.abc import Sequence
from pathlib import Path

from platform_jobs.files import write_json
from platform_jobs.large.fast_reader import Plain
from platform_jobs.large.split import PlainSplit, Rows
from platform_jobs.models.asking import ASKED, FEATURES
from platform_jobs.splitting.hashes import (
    FOLDS,
    GROUP_HASHES,
    ROW_HASHES,
    SEEN_HASHES,
    write_hashes,
)
from platform_jobs.splitting.held_out import ROWS, SCHEMA
from platform_jobs.tables.tables import Table, write_table
from platform_jobs.tables.words import Words

_LINES = 10_000  # lines that are written at a time


class Folders:
    """Writes the folders of one file below `out`."""

    def __init__(self, plain: Plain, target: str, out: Path) -> None:
        self._plain, self._target, self._out = plain, target, out

    def write(self, split: PlainSplit, seen: str, held_out: str, every: str) -> None:
        """Write the folders of a split; the names are those of the parts, as in `prepare`."""
        folder = self._out / held_out
        self._write_rows(folder, split.judging)
        for name, numbers in (
            (ROW_HASHES, split.hashes),
            (GROUP_HASHES, split.hashes),
            (FOLDS, split.folds),
            (SEEN_HASHES, split.seen_hashes),
        ):
            write_hashes(folder / name, numbers.tolist())
        many = split.fold_count > 1
        self._write_rows(self._out / seen / (every if many else ""), split.seen)
        self._write_asked(every if many else "", split.judging)
        for fold in range(split.fold_count) if many else ():
            self._write_rows(self._out / seen / str(fold + 1), split.seen[split.seen_folds != fold])
            self._write_asked(str(fold + 1), split.judging[split.folds == fold])

    def _write_rows(self, folder: Path, rows: Rows) -> None:
        columns = self._plain.columns
        features = [name for name in columns if name != self._target]
        self._write(folder / ROWS, columns, rows, None)
        schema: dict[str, object] = {
            "columns": list(columns),
            "features": features,
            "target": self._target,
            "rows": len(rows),
            **Words().describe(features, self._target),
        }
        write_json(folder / SCHEMA, schema)

    def _write_asked(self, part: str, rows: Rows) -> None:
        columns = self._plain.columns
        left_out = columns.index(self._target)
        features = [name for name in columns if name != self._target]
        self._write(self._out / ASKED / part / FEATURES, features, rows, left_out)

    def _write(self, path: Path, names: Sequence[str], rows: Rows, left_out: int | None) -> None:
        """Write header and lines; without the cell of the column that is left out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, Table(columns=tuple(names), rows=()))
        plain, content = self._plain, self._plain.content
        with path.open("ab") as file:
            for low in range(0, len(rows), _LINES):
                part = rows[low : low + _LINES]
                begins, ends = plain.starts[part].tolist(), plain.ends[part].tolist()
                lines = [content[b:e] for b, e in zip(begins, ends, strict=True)]
                if left_out is not None:
                    lines = [_without(line, left_out) for line in lines]
                file.write(b"\n".join(lines) + b"\n")


def _without(line: bytes, column: int) -> bytes:
    cells = line.split(b",")
    del cells[column]
    return b",".join(cells)
