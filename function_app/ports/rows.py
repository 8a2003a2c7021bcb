"""Rows with etags: the small port under the records package.

A row is a JSON object under a partition and a key. One write is atomic for one partition. An etag
names the stored version of a row, so that a writer that read an older version gets ConflictError.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from function_app.errors import ConflictError, ContractError

LOG = logging.getLogger("mlops.rows")
# Azure Tables: at most 100 changes in one transaction, 1 MiB for one entity, 4 MiB for one request.
MOST_CHANGES = 100
LONGEST_CONTENT = 480_000
LONGEST_WRITE = 1_500_000
LONGEST_KEY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stored row; `etag` differs after every write of the row."""

    partition: str
    key: str
    content: dict[str, Any] = field(default_factory=dict)
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A write: a new row when `etag` is None, else a replacement of that version."""

    key: str
    content: dict[str, Any]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete this version of a row."""

    key: str
    etag: str


class RowsChangedError(ConflictError):
    """Another writer changed a row after this writer read it. Read again, decide, write again."""

    code = "ROWS_CHANGED"


class Rows(Protocol):
    """Rows of one platform.

    Partitions and keys are any text of 1 to LONGEST_KEY characters. A key is found only in its own
    partition.
    """

    def get(self, partition: str, key: str) -> Row | None:
        """Return the row; None when the partition has no row with this key."""

    def query(
        self, partition: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        """Return the rows of a partition whose keys begin with `prefix`, in the order of keys.

        The order is that of the keys' Unicode code points. With `after`, only greater keys count;
        with `limit`, at most that number of rows is read. A page with `after` or `limit` is in the
        order of the platform, and Azure sorts encoded keys: keys that have only letters, digits,
        `-`, `.` and `_` behind the prefix keep the order of code points. Every order allows to read
        all rows page by page, each page after the last key of the page before. The result is a
        snapshot on this machine; in Azure, rows that are written during a query of more than 1,000
        rows may be missing.
        """

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        """Write all of the changes atomically.

        RowsChangedError when a row exists that should be new, or when a row is gone or has another
        etag. A call whose answer was lost may be repeated by the SDK and then raises
        RowsChangedError for its own write: callers read again. ContractError when a key or content
        is too long, or there are more than MOST_CHANGES changes, or two of one key.
        """


def checked(partition: str, changes: Sequence[Put | Delete]) -> list[tuple[Put | Delete, str]]:
    """Return each change with its content as JSON text, or raise ContractError.

    Both adapters call this function, so that both platforms have the same limits.
    """
    check_key(partition)
    texts: list[tuple[Put | Delete, str]] = []
    for change in changes:
        check_key(change.key)
        text = json.dumps(change.content, allow_nan=False) if isinstance(change, Put) else ""
        if len(text) > LONGEST_CONTENT:
            raise ContractError(
                f"Row {change.key[:100]!r} has {len(text)} characters of JSON; "
                f"{LONGEST_CONTENT} are allowed. Store less in it."
            )
        texts.append((change, text))
    if len(changes) > MOST_CHANGES:
        raise ContractError(f"One write has {len(changes)} changes; {MOST_CHANGES} are allowed.")
    if len({change.key for change in changes}) < len(changes):
        raise ContractError("One write changes the same row twice.")
    if sum(len(text) for _, text in texts) > LONGEST_WRITE:
        raise ContractError(f"One write may have {LONGEST_WRITE} characters of JSON in all.")
    return texts


def read_content(text: str, key: str) -> dict[str, Any]:
    """Return the JSON object of a stored row, {} for other text, because the row was damaged.

    Readers of {} miss its fields and report it; a query still returns the other rows.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    LOG.error("the row %r holds no JSON object: it was damaged", key[:100])
    return {}


def check_key(key: str) -> None:
    """Raise ContractError when the text is empty or too long for a partition or a key."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise ContractError(f"A key has {len(key)} characters; 1 to {LONGEST_KEY} are allowed.")
