"""The host's durable state: one SQLite file, one host at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from funchost.migrations import MIGRATIONS


class StoreError(Exception):
    """Says why the store cannot be opened, with a remedy."""


class Store:
    """Opens the file, keeps other hosts out and hands out transactions."""

    def __init__(self, folder: Path) -> None:
        """Open and migrate the store in a folder."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_file = open(folder / "lock", "w")  # noqa: SIM115 - held while the host lives
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise StoreError(
                f"another host already uses {folder}; stop it or give --state another folder"
            ) from None
        self._mutex = threading.RLock()
        path = folder / "store.db"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._migrate(path)

    def _migrate(self, path: Path) -> None:
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS migrations(version INTEGER PRIMARY KEY, applied TEXT)"
        )
        row = self._db.execute("SELECT COALESCE(MAX(version), 0) FROM migrations").fetchone()
        version = int(row[0])
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{path} was written by a newer funchost (schema {version}, this one knows "
                f"{len(MIGRATIONS)}); upgrade funchost or move the file away"
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            with self.transaction() as db:
                for statement in script.split(";"):
                    if statement.strip():
                        db.execute(statement)
                db.execute("INSERT INTO migrations VALUES(?, datetime('now'))", (number,))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one write transaction, all or nothing."""
        with self._mutex:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Read all rows of a query."""
        with self._mutex:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Read the first row of a query, if any."""
        found = self.rows(query, *values)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file and let other hosts in."""
        with self._mutex:
            self._db.close()
        self._lock_file.close()
