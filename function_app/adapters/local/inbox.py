"""The inbox on this machine: one SQLite file."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from function_app.adapters.local.reach.database import Database
from function_app.domain.codec import dump, load
from function_app.domain.events.inbox import Claim, Claimed, InboxEvent, Outcome, renewed, repeated

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    event_key TEXT PRIMARY KEY, channel TEXT NOT NULL, received_at TEXT NOT NULL,
    outcome TEXT, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_time ON events (received_at);
CREATE INDEX IF NOT EXISTS events_pending ON events (received_at) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, type TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    claimed_at TEXT NOT NULL, claim TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS claims_by_subject ON claims (type, subject, place);
CREATE INDEX IF NOT EXISTS claims_by_time ON claims (claimed_at);
"""


class LocalInbox:
    """Events and claims that survive a crash of any process."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)

    def accept(self, events: Sequence[InboxEvent]) -> tuple[InboxEvent, ...]:
        kept = []
        with self._database.transaction() as connection:
            for event in events:
                row = (event.event_key, event.channel, _time(event.received_at), _text(event))
                connection.execute(
                    "INSERT OR IGNORE INTO events (event_key, channel, received_at, event) "
                    "VALUES (?, ?, ?, ?)",
                    row,
                )
                query = "SELECT event FROM events WHERE event_key = ?"
                kept.append(_event(connection.execute(query, (event.event_key,)).fetchone()))
        return tuple(kept)

    def claim(self, claim: Claim) -> Claimed:
        with self._database.transaction() as connection:
            kept, created = _keep(connection, claim)
            if not created:
                before = _neighbour(connection, claim, "<=", "DESC")
                after = _neighbour(connection, claim, ">", "ASC")
                stored = repeated(claim, kept, before, after)
                if stored is not None:
                    kept = _extend(connection, stored, claim.order)
                elif before is not None:
                    kept, created = _keep(connection, renewed(claim, before))
            newer = _neighbour(connection, kept, ">", "DESC") if kept.order else None
        return Claimed(claim=kept, newer=newer, created=created)

    def settle(self, event: InboxEvent) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE events SET outcome = ?, event = ? WHERE event_key = ?",
                (event.outcome, _text(event), event.event_key),
            )

    def get(self, event_key: str) -> InboxEvent | None:
        with self._database.reading() as connection:
            query = "SELECT event FROM events WHERE event_key = ?"
            row = connection.execute(query, (event_key,)).fetchone()
            return _event(row) if row else None

    def list_events(
        self, outcome: Outcome | None = None, limit: int = 500
    ) -> tuple[InboxEvent, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT event FROM events WHERE ? IS NULL OR outcome = ? "
                "ORDER BY received_at DESC, event_key LIMIT ?",
                (outcome, outcome, limit),
            )
            return tuple(_event(row) for row in rows)

    def list_pending(self, before: datetime) -> tuple[InboxEvent, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT event FROM events WHERE outcome IS NULL AND received_at < ? "
                "ORDER BY received_at, event_key",
                (_time(before),),
            )
            return tuple(_event(row) for row in rows)

    def discard(self, event_key: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM events WHERE event_key = ?", (event_key,))

    def list_claims(self, limit: int = 500) -> tuple[Claim, ...]:
        with self._database.reading() as connection:
            query = "SELECT claim FROM claims ORDER BY claimed_at DESC, key LIMIT ?"
            return tuple(_claim(row) for row in connection.execute(query, (limit,)))

    def forget(self, events_before: datetime, claims_before: datetime) -> int:
        with self._database.transaction() as connection:
            events = connection.execute(
                "DELETE FROM events WHERE received_at < ? AND outcome IS NOT NULL",
                (_time(events_before),),
            )
            claims = connection.execute(
                "DELETE FROM claims WHERE claimed_at < ?", (_time(claims_before),)
            )
            return events.rowcount + claims.rowcount


def _keep(connection: sqlite3.Connection, claim: Claim) -> tuple[Claim, bool]:
    """Return the claim that is stored under this key, and whether this call stored it."""
    row = (claim.key, claim.type, claim.subject, claim.order, _time(claim.claimed_at))
    made = connection.execute(
        "INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?, ?)", (*row, json.dumps(dump(claim)))
    )
    query = "SELECT claim FROM claims WHERE key = ?"
    stored = _claim(connection.execute(query, (claim.key,)).fetchone())
    return stored, made.rowcount == 1


def _extend(connection: sqlite3.Connection, claim: Claim, order: str) -> Claim:
    """Let a claim also hold for a later write of the same content; return it."""
    if order <= claim.order:
        return claim
    claim = replace(claim, order=order)
    query = "UPDATE claims SET place = ?, claim = ? WHERE key = ?"
    connection.execute(query, (order, json.dumps(dump(claim)), claim.key))
    return claim


def _neighbour(
    connection: sqlite3.Connection, claim: Claim, relation: str, direction: str
) -> Claim | None:
    """Return the first claim of the same subject on one side of this claim's order, or None."""
    row = connection.execute(
        "SELECT claim FROM claims WHERE type = ? AND subject = ? AND place != '' "
        f"AND place {relation} ? ORDER BY place {direction} LIMIT 1",
        (claim.type, claim.subject, claim.order),
    ).fetchone()
    return _claim(row) if row else None


def _text(event: InboxEvent) -> str:
    # The payload is anything that JSON can say: it is not ours to decode.
    return json.dumps({**dump(replace(event, payload=None)), "payload": event.payload})


def _event(row: tuple[str]) -> InboxEvent:
    return load(InboxEvent, json.loads(row[0]))


def _claim(row: tuple[str]) -> Claim:
    return load(Claim, json.loads(row[0]))


def _time(moment: datetime) -> str:
    # Of one width, so that text sorts like time.
    return moment.isoformat(timespec="microseconds")
