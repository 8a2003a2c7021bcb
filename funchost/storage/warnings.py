"""Warnings to the user: the table `warnings`, one row for each kind of warning and instance."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class WarningRecord(NamedTuple):
    """A warning: its kind, the instance, the cause, the remedy, and the time in ISO form."""

    seq: int
    kind: str
    instance: str
    cause: str
    remedy: str
    at: str


def add(db: Connection, kind: str, instance: str, cause: str, remedy: str, at: str) -> bool:
    """Store a warning; False when the instance has one of this kind already."""
    insert = "INSERT OR IGNORE INTO warnings(kind, instance, cause, remedy, at) VALUES(?,?,?,?,?)"
    return bool(db.execute(insert, (kind, instance, cause, remedy, at)).rowcount)


def newest(reader: Reader, most: int) -> list[WarningRecord]:
    """Return at most so many warnings, the newest first."""
    query = "SELECT seq, kind, instance, cause, remedy, at FROM warnings ORDER BY seq DESC LIMIT ?"
    return [WarningRecord(*row) for row in reader.rows(query, most)]


def count(reader: Reader) -> int:
    """Return how many warnings the store has."""
    row = reader.row("SELECT COUNT(*) AS n FROM warnings")
    return int(row["n"]) if row else 0


def has(reader: Reader, kind: str) -> bool:
    """Return whether there is a warning of a kind."""
    return reader.row("SELECT 1 FROM warnings WHERE kind=?", kind) is not None


def delete(db: Connection, kind: str) -> None:
    """Delete the warnings of a kind."""
    db.execute("DELETE FROM warnings WHERE kind=?", (kind,))
