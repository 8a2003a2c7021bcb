"""Rows on this machine: one table of a SQLite file."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from function_app.adapters.local.reach.database import Database
from function_app.ports.rows import (
    Delete,
    Put,
    Row,
    RowsChangedError,
    check_key,
    checked,
    read_content,
)

# Keys are UTF-8 in BLOBs: every text is legal, and bytes sort as code points do.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    partition BLOB NOT NULL, key BLOB NOT NULL, content TEXT NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (partition, key)) WITHOUT ROWID;
"""


class LocalRows:
    """Rows that survive a crash of any process."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)

    def get(self, partition: str, key: str) -> Row | None:
        check_key(partition)
        check_key(key)
        with self._database.reading() as connection:
            query = "SELECT content, etag FROM rows WHERE partition = ? AND key = ?"
            row = connection.execute(query, (_bytes(partition), _bytes(key))).fetchone()
        if row is None:
            return None
        return Row(partition=partition, key=key, content=read_content(row[0], key), etag=row[1])

    def query(
        self, partition: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> tuple[Row, ...]:
        check_key(partition)
        # No UTF-8 has the byte 0xFF, so that it sorts behind every key with the prefix. The least
        # key behind `after` is `after` with the byte 0.
        start, end = _bytes(prefix), _bytes(prefix) + b"\xff"
        if after:
            start = max(start, _bytes(after) + b"\0")
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT key, content, etag FROM rows "
                "WHERE partition = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
                (_bytes(partition), start, end, -1 if limit is None else limit),
            ).fetchall()
        return tuple(
            Row(partition=partition, key=key, content=read_content(content, key), etag=etag)
            for key, content, etag in ((_text(key), content, etag) for key, content, etag in rows)
        )

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        texts = checked(partition, changes)
        with self._database.transaction() as connection:
            for change, text in texts:
                where = (_bytes(partition), _bytes(change.key))
                if isinstance(change, Delete):
                    made = connection.execute(
                        "DELETE FROM rows WHERE partition = ? AND key = ? AND etag = ?",
                        (*where, change.etag),
                    )
                elif change.etag is None:
                    made = connection.execute(
                        "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)",
                        (*where, text, uuid.uuid4().hex),
                    )
                else:
                    made = connection.execute(
                        "UPDATE rows SET content = ?, etag = ? "
                        "WHERE partition = ? AND key = ? AND etag = ?",
                        (text, uuid.uuid4().hex, *where, change.etag),
                    )
                if made.rowcount != 1:
                    # The connection closes without COMMIT, so that nothing of this write stays.
                    raise RowsChangedError(f"Row {change.key[:100]!r} was changed in between.")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
