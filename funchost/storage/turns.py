"""Histories: the table `turns`, one row for each turn of an instance.

The history of an instance is replaced when it continues as new. The table `formers` keeps the last
execution of each such instance, so that a replay can compare it with the code.
"""

from __future__ import annotations

import json
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


MOST_TURNS = 1000  # a longer execution is not kept
MOST = 1_000_000  # characters of its history; a larger one is not kept


class FormerExecution(NamedTuple):
    """An execution that continued as new.

    `input` and `following`, the input of the next execution, are JSON texts; so is `events`, its
    whole history.
    """

    instance: str
    execution: str
    input: str | None
    following: str | None
    events: str


_COLUMNS = ", ".join(FormerExecution._fields)


def keep_former(db: Connection, one: FormerExecution, number: int) -> None:
    """Store an execution with the events of its last turn, whose number is given.

    The events of its other turns are read from the store. It replaces an earlier execution, also
    when it is too long to be kept.
    """
    db.execute("DELETE FROM formers WHERE instance=?", (one.instance,))
    if number >= MOST_TURNS:
        return
    lists = [turn.events for turn in read(db, one.instance)]
    if sum(map(len, lists)) + len(one.events) > MOST:
        return
    events = [event for text in (*lists, one.events) for event in json.loads(text)]
    whole = one._replace(events=json.dumps(events))
    db.execute(f"INSERT INTO formers({_COLUMNS}) VALUES(?,?,?,?,?)", whole)


def former(reader: Reader, instance: str) -> FormerExecution | None:
    """Return the last execution of an instance that continued as new, None without one."""
    row = reader.row(f"SELECT {_COLUMNS} FROM formers WHERE instance=?", instance)
    return FormerExecution(*row) if row else None
