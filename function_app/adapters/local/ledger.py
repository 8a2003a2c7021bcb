"""The ledger on this machine: one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from function_app.codec import dump, load
from function_app.domain.approval import Decision
from function_app.domain.release import ReleaseRecord, may_become
from function_app.errors import ConflictError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS releases (
    release_id TEXT PRIMARY KEY, updated_at TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (release_id TEXT PRIMARY KEY, decision TEXT NOT NULL);
"""


class LocalLedger:
    """Claims, releases and decisions that survive a crash of any process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connect()
        try:
            connection.executescript(_SCHEMA)
        finally:
            connection.close()

    def claim(self, key: str, owner: str) -> str:
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (key, owner))
            row = connection.execute("SELECT owner FROM claims WHERE key = ?", (key,)).fetchone()
            return str(row[0])

    def save_release(self, record: ReleaseRecord) -> None:
        release_id = record.release.release_id
        with self._transaction() as connection:
            stored = self._release(connection, release_id)
            if stored is not None and not may_become(stored.status, record.status):
                raise ConflictError(
                    f"{release_id} is {stored.status} and cannot become {record.status}."
                )
            connection.execute(
                "INSERT OR REPLACE INTO releases VALUES (?, ?, ?)",
                (release_id, record.updated_at.isoformat(), json.dumps(dump(record))),
            )

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        with self._transaction() as connection:
            return self._release(connection, release_id)

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT record FROM releases ORDER BY updated_at DESC")
            return tuple(load(ReleaseRecord, json.loads(row[0])) for row in rows)

    def decide(self, decision: Decision) -> Decision:
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO decisions VALUES (?, ?)",
                (decision.release_id, json.dumps(dump(decision))),
            )
            stored = self._decision(connection, decision.release_id)
        assert stored is not None  # inserted above, or there before
        return stored

    def get_decision(self, release_id: str) -> Decision | None:
        with self._transaction() as connection:
            return self._decision(connection, release_id)

    @staticmethod
    def _release(connection: sqlite3.Connection, release_id: str) -> ReleaseRecord | None:
        query = "SELECT record FROM releases WHERE release_id = ?"
        row = connection.execute(query, (release_id,)).fetchone()
        return load(ReleaseRecord, json.loads(row[0])) if row else None

    @staticmethod
    def _decision(connection: sqlite3.Connection, release_id: str) -> Decision | None:
        query = "SELECT decision FROM decisions WHERE release_id = ?"
        row = connection.execute(query, (release_id,)).fetchone()
        return load(Decision, json.loads(row[0])) if row else None

    def _connect(self) -> sqlite3.Connection:
        # Several threads and processes write: wait for the other writer instead of failing.
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connect()
        try:
            # IMMEDIATE: a read that later writes must not find that somebody wrote in between.
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()
