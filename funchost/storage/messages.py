"""Messages for orchestration instances: the table `inbox`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class Message(NamedTuple):
    """A history event that waits for its instance.

    `execution` is None for one that any execution may take. `due` is a time in seconds since the
    epoch, `timer` the number of the timer that fires then, `event` JSON text.
    """

    seq: int
    instance: str
    execution: str | None
    due: float
    timer: int | None
    event: str


def add(
    db: Connection, instance: str, execution: str | None, event: str, due: float, timer: int | None
) -> None:
    """Store a message."""
    db.execute(
        "INSERT INTO inbox(instance, execution, due, timer, event) VALUES(?,?,?,?,?)",
        (instance, execution, due, timer, event),
    )


def due(reader: Reader, instance: str, moment: float) -> list[Message]:
    """Return the messages of an instance that are due, the oldest first."""
    query = (
        "SELECT seq, instance, execution, due, timer, event FROM inbox "
        "WHERE instance=? AND due<=? ORDER BY seq"
    )
    return [Message(*row) for row in reader.rows(query, instance, moment)]


def delete(db: Connection, numbers: Iterable[int]) -> None:
    """Delete messages by their `seq`."""
    values = [(number,) for number in numbers]
    if values:
        db.executemany("DELETE FROM inbox WHERE seq=?", values)


def delete_timer(db: Connection, instance: str, timer: int) -> None:
    """Delete the message of a timer that was cancelled."""
    db.execute("DELETE FROM inbox WHERE instance=? AND timer=?", (instance, timer))


def instances_due(reader: Reader, until: float, after: float = float("-inf")) -> list[str]:
    """Return the instances with a message that falls due in (after, until]."""
    query = "SELECT DISTINCT instance FROM inbox WHERE due>? AND due<=?"
    return [row["instance"] for row in reader.rows(query, after, until)]


def next_due(reader: Reader, after: float) -> float | None:
    """Return when the next message falls due, None when there is none."""
    row = reader.row("SELECT MIN(due) AS due FROM inbox WHERE due>?", after)
    return row["due"] if row else None
