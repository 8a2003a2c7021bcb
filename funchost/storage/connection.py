"""Connections to the SQLite file of a store; only the package `storage` contains SQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol


class Reader(Protocol):
    """Reads the store: a connection, or the store itself as of the last commit."""

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        ...

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a query, None when it has none."""
        ...


class Connection(sqlite3.Connection):
    """A connection whose rows have names."""

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return self.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a query, None when it has none."""
        row: sqlite3.Row | None = self.execute(query, values).fetchone()
        return row


def connect(path: Path, *, cache: int, read_only: bool = False) -> Connection:
    """Open a connection that commits by itself; `cache` is the memory for its pages in KB."""
    uri = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
    db = sqlite3.connect(
        uri, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection, uri=True
    )
    db.row_factory = sqlite3.Row
    db.execute(f"PRAGMA cache_size=-{cache}")
    return db
