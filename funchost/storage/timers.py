"""The last and next run of each timer function: the table `timers`."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class TimerRecord(NamedTuple):
    """A timer function, its last and its next occurrence as history.stamp writes times."""

    function: str
    last: str
    next: str


def get(reader: Reader, function: str) -> TimerRecord | None:
    """Return the record of a timer function, None before its first start."""
    row = reader.row("SELECT function, last, next FROM timers WHERE function=?", function)
    return TimerRecord(*row) if row else None


def put(db: Connection, record: TimerRecord) -> None:
    """Store the record of a timer function."""
    db.execute("INSERT OR REPLACE INTO timers VALUES(?,?,?)", record)
