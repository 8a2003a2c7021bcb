"""Numbers and labels of CSV files, which a limited process of the platform's jobs reads."""

import json
import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from function_app.adapters.reader_process import read_apart
from function_app.domain.events.arrivals import MIB, FileLimit
from function_app.errors import ContractError

# 500,000 labels with long ids have less.
LABEL_LIMIT = FileLimit(most=32 * MIB)


def read_columns(file: IO[bytes], names: Sequence[str]) -> "list[array[float]]":
    """Return the numbers of these columns of a file on disk, each in the order of the rows.

    Other columns are skipped. Raises ContractError when a column is missing or holds something
    else, or when the file takes too much memory or time.
    """
    with tempfile.TemporaryDirectory(prefix="columns-") as private:
        out = Path(private, "columns")
        read_apart(["columns", "--out", str(out), "--", *names], out, file)
        columns, size = [array("d") for _ in names], out.stat().st_size
        if not names or size % (8 * len(names)):
            raise ContractError("The columns of a file were not read whole. Send the file again.")
        with out.open("rb") as numbers:
            for column in columns:
                column.fromfile(numbers, size // (8 * len(names)))
        return columns


def read_labels(file: IO[bytes], target: str) -> list[tuple[str, float]]:
    """Return ids and truths of a file on disk; ContractError when it is no file of labels."""
    with tempfile.TemporaryDirectory(prefix="labels-") as private:
        out = Path(private, "labels.json")
        read_apart(["labels", "--target", target, "--out", str(out)], out, file)
        content = json.loads(out.read_text(encoding="utf-8"))
    return [(str(label_id), cast(float, truth)) for label_id, truth in content]
