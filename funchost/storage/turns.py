"""Histories: the table `turns`, one row for each turn of an instance."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class TurnRecord(NamedTuple):
    """The history events of one turn, as JSON text."""

    turn: int
    events: str


def read(reader: Reader, instance: str) -> list[TurnRecord]:
    """Return the turns of an instance in order."""
    query = "SELECT turn, events FROM turns WHERE instance=? ORDER BY turn"
    return [TurnRecord(*row) for row in reader.rows(query, instance)]


def count(reader: Reader, instance: str) -> int:
    """Return the number of an instance's turns."""
    row = reader.row("SELECT COUNT(*) FROM turns WHERE instance=?", instance)
    return int(row[0]) if row else 0


def append(db: Connection, instance: str, turn: int, events: str) -> None:
    """Store the next turn of an instance."""
    db.execute("INSERT INTO turns VALUES(?,?,?)", (instance, turn, events))


def replace(db: Connection, instance: str, events: str) -> None:
    """Store one turn in place of all that an instance had."""
    db.execute("DELETE FROM turns WHERE instance=?", (instance,))
    append(db, instance, 0, events)
