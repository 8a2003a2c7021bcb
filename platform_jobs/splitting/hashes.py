"""Keyed hashes of rows and groups, and the files that store them: 8 bytes a row."""

import hashlib
import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.tables.tables import Table

# Files beside the rows that judge: a number for each row, in their order, and the hashes of the
# rows and groups that the training gets.
ROW_HASHES, GROUP_HASHES, FOLDS = "rows.hashes", "groups.hashes", "folds.hashes"
SEEN_HASHES = "seen.hashes"
BITS = 64
# The first bytes of a file of hashes: a file of another form is recognised.
_HEADER = b"ROWHASH1"


def row_hashes(table: Table, key: str) -> list[int]:
    """Return a hash of BITS bits for each row: equal rows have equal hashes.

    Neither the order of the rows nor that of the columns changes a hash; 1, 1.0 and 1e0 are equal.
    """
    indices = sorted(range(len(table.columns)), key=lambda index: table.columns[index])
    return [_hash(key, *(canonical(row[index]) for index in indices)) for row in table.rows]


def group_hashes(table: Table, key: str, group: str, alone: Sequence[int]) -> list[int]:
    """Return a hash of BITS bits for each row: rows with an equal cell in `group` have equal ones.

    A row without a group has its own hash, which `alone` holds.
    """
    index = table.columns.index(group)
    cells = [canonical(row[index]) for row in table.rows]
    return [
        # The empty first cell keeps groups apart from rows of a table of one column.
        _hash(key, "", "group", cell) if cell else own
        for cell, own in zip(cells, alone, strict=True)
    ]


def canonical(cell: str) -> str:
    """Return the cell so that 1, 1.0 and 1e0 are the same text."""
    text = cell.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(number + 0.0) if math.isfinite(number) else text


def _hash(*parts: str) -> int:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[: BITS // 8], "big")


def write_hashes(path: Path, hashes: Iterable[int]) -> None:
    """Write hashes, or other whole numbers of at most BITS bits, in their order."""
    numbers = array("Q", hashes)
    if sys.byteorder == "little":
        numbers.byteswap()
    path.write_bytes(_HEADER + numbers.tobytes())


def read_hashes(path: Path) -> "array[int] | None":
    """Return the numbers of a file in their order, None when there is no file.

    ContractError when the file has another form.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    numbers = array("Q")
    if not content.startswith(_HEADER) or (len(content) - len(_HEADER)) % numbers.itemsize:
        raise ContractError(f"{path.name} is not a file of hashes. Restore it, or train again.")
    numbers.frombytes(content[len(_HEADER) :])
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
