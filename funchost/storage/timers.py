"""The last and next run of each timer function: the table `timers`."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class TimerRecord(NamedTuple):
    """The status of a timer function, with times as history.stamp writes them.

    `last` is "" before the first run. `updated` is the time from which `next` was counted, "" in a
    row of an earlier version.
    """

    function: str
    last: str
    next: str
    updated: str


def get(reader: Reader, function: str) -> TimerRecord | None:
    """Return the record of a timer function, None before its first start."""
    row = reader.row("SELECT function, last, next, updated FROM timers WHERE function=?", function)
    return TimerRecord(*row) if row else None


def put(db: Connection, record: TimerRecord) -> None:
    """Store the record of a timer function."""
    db.execute(
        "INSERT OR REPLACE INTO timers(function, last, next, updated) VALUES(?,?,?,?)", record
    )
