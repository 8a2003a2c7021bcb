"""The ledger on this machine: one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from function_app.codec import dump, load
from function_app.domain.approval import Decision
from function_app.domain.inbox import Claim, DeadLetter
from function_app.domain.release import ReleaseRecord, may_become
from function_app.errors import ConflictError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, claimed_at TEXT NOT NULL, claim TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (
    letter_id TEXT PRIMARY KEY, buried_at TEXT NOT NULL, letter TEXT NOT NULL);
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

    def claim(self, claim: Claim) -> Claim:
        text = json.dumps(dump(claim))
        with self._transaction() as connection:
            row = (claim.key, claim.claimed_at.isoformat(), text)
            connection.execute("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", row)
            query = "SELECT claim FROM claims WHERE key = ?"
            stored = connection.execute(query, (claim.key,)).fetchone()
            return load(Claim, json.loads(stored[0]))

    def list_claims(self) -> tuple[Claim, ...]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT claim FROM claims ORDER BY claimed_at DESC")
            return tuple(load(Claim, json.loads(row[0])) for row in rows)

    def bury(self, letter: DeadLetter) -> None:
        row = (letter.letter_id, letter.buried_at.isoformat(), json.dumps(dump(letter)))
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?)", row)

    def list_dead_letters(self) -> tuple[DeadLetter, ...]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT letter FROM dead_letters ORDER BY buried_at DESC")
            return tuple(load(DeadLetter, json.loads(row[0])) for row in rows)

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
