"""Rows in the memory of a test: the records above the port are tested once, over these."""

import threading
import uuid
from collections.abc import Sequence

from function_app.ports.rows import (
    Delete,
    Put,
    Row,
    RowsChangedError,
    check_key,
    checked,
    read_content,
)


class MemoryRows:
    """A dictionary by partition and key, which many threads may use; values are JSON text."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[str, str]] = {}
        self._lock = threading.Lock()

    def get(self, partition: str, key: str) -> Row | None:
        check_key(partition)
        check_key(key)
        found = self._rows.get((partition, key))
        return _row(partition, key, found) if found else None

    def query(
        self, partition: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        check_key(partition)
        with self._lock:
            keys = sorted(
                key
                for own, key in self._rows
                if own == partition and key.startswith(prefix) and (not after or key > after)
            )
            return tuple(_row(partition, k, self._rows[partition, k]) for k in keys[:limit])

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        texts = checked(partition, changes)
        with self._lock:
            for change, _ in texts:
                stored = self._rows.get((partition, change.key))
                if change.etag != (stored[1] if stored else None):
                    raise RowsChangedError(f"Row {change.key[:100]!r} was changed in between.")
            for change, text in texts:
                if isinstance(change, Delete):
                    del self._rows[partition, change.key]
                else:
                    self._rows[partition, change.key] = (text, uuid.uuid4().hex)

    def damage(self, partition: str, key: str, text: str = "{") -> None:
        """Replace the stored text of a row, as a damaged disk does."""
        self._rows[partition, key] = (text, uuid.uuid4().hex)


def _row(partition: str, key: str, stored: tuple[str, str]) -> Row:
    text, etag = stored
    return Row(partition=partition, key=key, content=read_content(text, key), etag=etag)
