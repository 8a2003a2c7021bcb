"""A SQLite file that several threads and processes write."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from function_app.errors import PlatformError

_UNUSABLE = sqlite3.DatabaseError
_LOST = ("no such table", "not a database", "malformed")


class _Cached:
    """A connection that a thread keeps, and the file that it has open: process, device, inode."""

    def __init__(self, connection: sqlite3.Connection, file: tuple[int, int, int] | None) -> None:
        self.connection, self.file = connection, file

    def __del__(self) -> None:
        # Another thread may collect this object; sqlite3 then closes the connection by itself.
        with suppress(sqlite3.ProgrammingError):
            self.connection.close()


class Database:
    """Transactions on one file, which is made with its tables when it is not there."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path, self._local = path, threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection; its writes are committed when the block ends without an error."""
        with self._connected() as connection:
            # IMMEDIATE takes the write lock first: a transaction that reads and then writes would
            # fail if another writer came in between.
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Yield a new connection, which is closed afterwards; translate the errors of SQLite."""
        connection = self._connect()
        try:
            yield connection
        except _UNUSABLE as error:
            raise self._translated(error) from error
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state and keeps no writer waiting.

        Each thread keeps its connection, because to open one takes longer than to read a row.
        """
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")
        except BaseException as error:
            self._local.cached = None
            if isinstance(error, _UNUSABLE):
                raise self._translated(error) from error
            raise

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection; a new one when the file is another or gone, or after a
        fork, because the cached one would read a deleted file."""
        try:
            status = os.stat(self._path)
            file = (os.getpid(), status.st_dev, status.st_ino)
        except OSError:
            file = None
        cached: _Cached | None = getattr(self._local, "cached", None)
        if cached is None or file is None or cached.file != file:
            cached = self._local.cached = _Cached(self._connect(), file)
        return cached.connection

    def _connect(self) -> sqlite3.Connection:
        # Several threads and processes write: wait for the other writer instead of failing.
        try:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except _UNUSABLE as error:
            raise self._translated(error) from error
        return connection

    def _translated(self, error: sqlite3.DatabaseError) -> PlatformError:
        """Return the error with the file and a remedy: the disk's, or a backup of the file."""
        if isinstance(error, sqlite3.IntegrityError):
            raise error
        advice = (
            "Is the disk of the state folder full or read-only? Free space or make the folder "
            "writable, then try again: the app continues without a restart."
        )
        if any(sign in str(error) for sign in _LOST):
            advice = (
                "The file was deleted, replaced or damaged. Stop the app, restore the file from a "
                "backup or move it away, and start the app: it makes an empty one."
            )
        return PlatformError("local", f"use {self._path}", f"SQLite says: {error}. {advice}")
