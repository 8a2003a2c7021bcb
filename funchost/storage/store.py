"""The host's durable state: one SQLite file, one host at a time, one thread that writes.

Commits are grouped: writes that arrive while the disk is busy share the next fsync. SQLite runs in
WAL mode with synchronous=FULL, so that an answered commit survives a loss of power.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TextIO, TypeVar

from funchost.storage.connection import Connection, connect
from funchost.storage.migrations import MIGRATIONS

LOG = logging.getLogger("funchost.store")
T = TypeVar("T")
Work = Callable[[Connection], Any]
# Called with "before" and "after" each commit; tests crash there to prove that nothing is lost.
Probe = Callable[[str], None]
LOG_BYTES = 4 * 1024 * 1024  # SQLite restarts the log at 1,000 pages of 4 KB
CACHE = {"writer": 1000, "reader": 250}  # KB of pages in memory; SQLite's own is 2,000 each
MOST = 500  # units in one commit, so that the first write of a burst does not wait for the last

# An operation of SQLite that failed, such as a write on a full disk.
DatabaseError: type[sqlite3.Error] = sqlite3.Error


class StoreError(Exception):
    """The store cannot be opened; the text has the reason and a remedy."""


def _running_at(folder: Path) -> str:
    """Return the published address of the host of this folder; "" while it starts."""
    try:
        return f" and runs already at {json.loads((folder / 'host.json').read_text())['url']}"
    except (OSError, ValueError, KeyError):
        return ""


def _open_lock(path: Path) -> TextIO:
    """Return the open lock file of a store; StoreError when it is a symbolic link.

    Opening a link would empty the file that it names.
    """
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w")
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror}; delete it when it is a symbolic link"
        ) from error


def _make_private(folder: Path) -> None:
    """Remove the rights of other users on a folder of an earlier version and its files."""
    for path in (*folder.iterdir(), folder):
        # A file of another user: the lock reports it. A missing file: a host that ended deleted its
        # log.
        with contextlib.suppress(PermissionError, FileNotFoundError):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o700)


def schema_version(db: Connection) -> int:
    """Return how many of the MIGRATIONS a store has had."""
    row = db.execute("SELECT COALESCE(MAX(version), 0) FROM migrations").fetchone()
    return int(row[0])


class Store:
    """Opens the file, locks out other hosts, groups commits and reads committed rows."""

    def __init__(self, folder: Path, probe: Probe | None = None) -> None:
        """Open and migrate the store in a folder."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_private(folder)
        self._lock_file = _open_lock(folder / "lock")  # held while the host lives
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise StoreError(
                f"another host already uses {folder}{_running_at(folder)}; stop it or give --state "
                "another folder"
            ) from None
        self._path, self._probe = folder / "store.db", probe or (lambda point: None)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._mutex, self._readers = threading.Lock(), threading.local()
        self._opened: list[Connection] = []
        try:
            self._db = self._connect("writer")
            self._open()
        except (StoreError, sqlite3.Error) as error:
            for db in self._opened:
                db.close()
            self._lock_file.close()
            if isinstance(error, StoreError):
                raise
            raise StoreError(
                f"{self._path} cannot be opened: {error}; make room on its disk, or move it away "
                "to start without its instances"
            ) from error
        self._queue: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="writer", daemon=True)
        self._writer.start()

    def _connect(self, kind: str = "reader") -> Connection:
        db = connect(self._path.resolve(), cache=CACHE[kind])
        self._opened.append(db)
        return db

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._migrate()

    def _migrate(self) -> None:
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS migrations(version INTEGER PRIMARY KEY, applied TEXT)"
        )
        version = schema_version(self._db)
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self._path} was written by a newer funchost (schema {version}, this one knows "
                f"{len(MIGRATIONS)}); upgrade funchost or move the file away"
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            with self.transaction() as db:
                for statement in script.split(";"):
                    if statement.strip():
                        db.execute(statement)
                db.execute("INSERT INTO migrations VALUES(?, datetime('now'))", (number,))

    def _lay_out_log(self) -> None:
        """Give the write-ahead log its full size at once.

        A log that grows with each commit makes the disk record the growth too, which takes several
        times as long as writing into blocks that are there.
        """
        log = self._path.with_name(self._path.name + "-wal")
        if log.exists() and log.stat().st_size >= LOG_BYTES:
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("CREATE TABLE filler(content)")
        self._db.execute("INSERT INTO filler VALUES(zeroblob(?))", (LOG_BYTES,))
        self._db.execute("DROP TABLE filler")
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def commit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run the work in the writer's next transaction; the future is set once it is durable.

        Work that raises is undone alone. It must only use the connection that it is given, and it
        may run twice: a group of which one unit raised is undone and written again.
        """
        future: Future[T] = Future()
        # A task that waits for it may be cancelled; the writer must still be able to set it.
        future.set_running_or_notify_cancel()
        self._queue.put((work, future))
        return future

    def commit_now(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run the work on this thread when no other commit is under way, else as `commit` does.

        A switch to the writer's thread would only cost time then. While there is another commit,
        the work joins the writer's next group, so that it shares a commit with others.
        """
        if self._mutex.locked() or not self._queue.empty():
            return self.commit(work)
        future: Future[T] = Future()
        self._write_together([(work, future)])
        return future

    async def committed(self, work: Callable[[Connection], T]) -> T:
        """Run the work in the writer's next transaction and wait until it is durable."""
        return await asyncio.wrap_future(self.commit(work))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run one write transaction at once, all or nothing; the caller's thread waits."""
        with self._mutex:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._probe("before")
            except BaseException:
                # SQLite has rolled back by itself when the disk was full or failed.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self._probe("after")

    def _write(self) -> None:
        with self._mutex:
            try:
                self._lay_out_log()
            except sqlite3.Error as error:
                # A log that grows by and by is only slower; without this thread no commit ends.
                LOG.warning("the write-ahead log has not its full size: %s", error)
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        while (first := self._queue.get()) is not None:
            units = [first]
            last = False
            while len(units) < MOST and not last:
                try:
                    unit = self._queue.get_nowait()
                except Empty:
                    break
                last = unit is None
                units += [unit] if unit else []
            self._write_together(units)
            if last:
                return

    def _write_together(self, units: list[tuple[Work, Future[Any]]]) -> None:
        failed = False
        try:
            results = list[Any]()
            with self.transaction() as db:
                try:
                    results += [work(db) for work, _ in units]
                except Exception:
                    failed = True
                    raise
        except BaseException as error:
            # Nothing of the group is stored.
            if failed and len(units) > 1:
                self._write_each(units)
                return
            for _, future in units:
                future.set_exception(error)
        else:
            for (_, future), result in zip(units, results, strict=True):
                future.set_result(result)

    def _write_each(self, units: list[tuple[Work, Future[Any]]]) -> None:
        """Write a group again of which one unit raised, so that only that unit is undone.

        The first try needs no savepoints, which are a quarter of the statements of a group.
        """
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self.transaction() as db:
                for work, future in units:
                    db.execute("SAVEPOINT unit")
                    try:
                        done.append((future, work(db), None))
                    except Exception as error:
                        if not db.in_transaction:
                            raise
                        db.execute("ROLLBACK TO unit")
                        done.append((future, None, error))
                    db.execute("RELEASE unit")
        except BaseException as error:
            # Nothing of the group is stored; each sender gets the exception.
            done = [(future, None, error) for _, future in units]
        for future, result, failure in done:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Read all rows of a query, as of the last commit."""
        return self._reader().rows(query, *values)

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Read the first row of a query, if any."""
        return self._reader().row(query, *values)

    def _reader(self) -> Connection:
        # One connection per thread, because in WAL mode readers never wait.
        reader: Connection | None = getattr(self._readers, "db", None)
        if reader is None:
            reader = self._readers.db = self._connect()
        return reader

    def close(self) -> None:
        """Write the queued work, close the file and release the lock."""
        self._queue.put(None)
        self._writer.join()
        for db in self._opened:
            db.close()
        self._lock_file.close()
