"""The ledger on this machine: one SQLite file."""

import json
import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.database import Database
from function_app.domain.codec import dump, find_damaged, load
from function_app.domain.release.approval import Decision, Settlement, settle
from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    forbidden_change,
    may_become,
    version_key,
)
from function_app.domain.stories.lane import LaneHolder, LanePlace, LaneRequest
from function_app.errors import ConflictError
from function_app.ports.rows import read_content
from function_app.records.readable import load_each

_SCHEMA = """
CREATE TABLE IF NOT EXISTS releases (
    release_id TEXT PRIMARY KEY, updated_at TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (release_id TEXT PRIMARY KEY, decision TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lane_places (
    lane TEXT NOT NULL, owner TEXT NOT NULL, inside INTEGER NOT NULL DEFAULT 0,
    since TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (lane, owner));
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, content TEXT NOT NULL);
"""


class LocalLedger:
    """Releases, lanes and notes that survive a crash of any process."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)
        self._transaction = self._database.transaction

    def save_release(self, record: ReleaseRecord) -> None:
        release_id = record.release.release_id
        with self._transaction() as connection:
            stored = self._release(connection, release_id)
            if stored is not None and not may_become(stored.status, record.status):
                raise ConflictError(forbidden_change(release_id, stored.status, record.status))
            self._save(connection, record)

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        with self._transaction() as connection:
            return self._release(connection, release_id)

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        return load_each(ReleaseRecord, self._stored_releases())

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        return find_damaged(ReleaseRecord, self._stored_releases())

    def _stored_releases(self) -> list[tuple[str, Any]]:
        with self._transaction() as connection:
            query = "SELECT release_id, record FROM releases ORDER BY updated_at DESC"
            rows = connection.execute(query).fetchall()
        return [(name, read_content(text, name)) for name, text in rows]

    def supersede(self, newer: Release, now: datetime) -> tuple[str, ...]:
        reasons = (f"{newer.release_id} superseded it.",)
        taken = []
        with self._transaction() as connection:
            query = "SELECT release_id, record FROM releases ORDER BY release_id"
            rows = connection.execute(query).fetchall()
            stored = ((name, read_content(text, name)) for name, text in rows)
            for record in load_each(ReleaseRecord, stored):
                release = record.release
                if release.model != newer.model or release.release_id == newer.release_id:
                    continue
                if record.status is ReleaseStatus.SUPERSEDED and record.reasons == reasons:
                    taken.append(release.release_id)
                elif record.status is ReleaseStatus.AWAITING_APPROVAL and (
                    version_key(release.version) < version_key(newer.version)
                ):
                    self._save(
                        connection,
                        replace(
                            record, status=ReleaseStatus.SUPERSEDED, reasons=reasons, updated_at=now
                        ),
                    )
                    taken.append(release.release_id)
        return tuple(taken)

    def settle(
        self, release_id: str, now: datetime, decision: Decision | None = None
    ) -> Settlement:
        with self._transaction() as connection:
            record = self._release(connection, release_id)
            settlement, approved = settle(record, decision, now)
            if approved is not None:
                self._save(connection, approved)
            return settlement

    def take_lane(self, request: LaneRequest, now: datetime) -> LaneHolder:
        lane, owner = request.lane, request.owner
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM lane_places WHERE lane = ? AND owner <> ? AND until < ?",
                (lane, owner, now.isoformat()),
            )
            connection.execute(
                "INSERT INTO lane_places (lane, owner, since, until) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (lane, owner) DO UPDATE SET until = excluded.until",
                (lane, owner, request.since.isoformat(), (now + request.patience).isoformat()),
            )
            # Who is in stays in, even when an older story asks late.
            query = (
                "SELECT owner FROM lane_places WHERE lane = ? ORDER BY inside DESC, since, owner"
            )
            queue = [row[0] for row in connection.execute(query, (lane,))]
            ahead = queue.index(owner)
            if ahead < request.capacity:
                connection.execute(
                    "UPDATE lane_places SET inside = 1, until = ? WHERE lane = ? AND owner = ?",
                    ((now + request.hold).isoformat(), lane, owner),
                )
        return LaneHolder(
            owner=queue[0],
            ahead=ahead,
            behind=len(queue) - ahead - 1,
            inside=ahead < request.capacity,
        )

    def leave_lane(self, lane: str, owner: str) -> None:
        with self._transaction() as connection:
            delete = "DELETE FROM lane_places WHERE lane = ? AND owner = ?"
            connection.execute(delete, (lane, owner))

    def list_lanes(self) -> tuple[LanePlace, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT lane, owner, since, inside FROM lane_places "
                "ORDER BY lane, inside DESC, since, owner"
            ).fetchall()
        return tuple(
            LanePlace(
                lane=lane, owner=owner, since=datetime.fromisoformat(since), inside=bool(inside)
            )
            for lane, owner, since, inside in rows
        )

    def keep_note(self, name: str, content: dict[str, str]) -> None:
        row = (name, json.dumps(content))
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", row)

    def read_note(self, name: str) -> dict[str, str] | None:
        with self._database.reading() as connection:
            query = "SELECT content FROM notes WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
        content: dict[str, str] | None = json.loads(row[0]) if row else None
        return content

    def get_decision(self, release_id: str) -> Decision | None:
        with self._database.reading() as connection:
            query = "SELECT decision FROM decisions WHERE release_id = ?"
            row = connection.execute(query, (release_id,)).fetchone()
        return load(Decision, json.loads(row[0])) if row else None

    def list_decisions(self) -> tuple[Decision, ...]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT release_id, decision FROM decisions").fetchall()
        return load_each(Decision, ((name, json.loads(text)) for name, text in rows))

    @staticmethod
    def _save(connection: sqlite3.Connection, record: ReleaseRecord) -> None:
        text = json.dumps(dump(record))
        row = (record.release.release_id, record.updated_at.isoformat(), text)
        connection.execute("INSERT OR REPLACE INTO releases VALUES (?, ?, ?)", row)

    @staticmethod
    def _release(connection: sqlite3.Connection, release_id: str) -> ReleaseRecord | None:
        query = "SELECT record FROM releases WHERE release_id = ?"
        row = connection.execute(query, (release_id,)).fetchone()
        return load(ReleaseRecord, json.loads(row[0])) if row else None
