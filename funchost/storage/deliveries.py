"""Events in delivery, and events that were given up: the tables `deliveries`, `dead_letters`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class Delivery(NamedTuple):
    """An event for one function: JSON text, its attempts, and when the next is due (epoch, s)."""

    seq: int
    function: str
    event: str
    attempts: int
    due: float
    published: str


class DeadLetter(NamedTuple):
    """An event that was given up: after how many attempts, why, and when."""

    seq: int
    function: str
    event: str
    attempts: int
    reason: str
    outcome: str
    published: str
    buried: str


def add(db: Connection, deliveries: Iterable[tuple[str, str, float, str]]) -> None:
    """Store deliveries: function, event as JSON text, when it is due, when it was published."""
    insert = "INSERT INTO deliveries(function, event, due, published) VALUES(?,?,?,?)"
    db.executemany(insert, deliveries)


def due(reader: Reader, moment: float, since: float = -math.inf, seq: int = 0) -> list[Delivery]:
    """Return the deliveries that are due, the oldest first.

    With the moment and the last number of an earlier call, only deliveries that fell due or were
    stored after it: those that it returned may still run.
    """
    query = (
        "SELECT seq, function, event, attempts, due, published FROM deliveries "
        "WHERE due<=? AND (due>? OR seq>?) ORDER BY seq"
    )
    return [Delivery(*row) for row in reader.rows(query, moment, since, seq)]


def next_due(reader: Reader, after: float) -> float | None:
    """Return when the next delivery falls due, None when there is none."""
    row = reader.row("SELECT MIN(due) AS due FROM deliveries WHERE due>?", after)
    return row["due"] if row else None


def delete(db: Connection, seq: int) -> None:
    """Delete a delivery that succeeded."""
    db.execute("DELETE FROM deliveries WHERE seq=?", (seq,))


def postpone(db: Connection, seq: int, attempts: int, due_at: float) -> None:
    """Store a failed attempt and when the next one is due."""
    db.execute("UPDATE deliveries SET attempts=?, due=? WHERE seq=?", (attempts, due_at, seq))


def give_up(
    db: Connection, delivery: Delivery, attempts: int, reason: str, outcome: str, moment: str
) -> None:
    """Turn a delivery into a dead letter."""
    delete(db, delivery.seq)
    db.execute(
        "INSERT INTO dead_letters(function, event, attempts, reason, outcome, published, buried) "
        "VALUES(?,?,?,?,?,?,?)",
        (
            delivery.function,
            delivery.event,
            attempts,
            reason,
            outcome,
            delivery.published,
            moment,
        ),
    )


_LETTERS = f"SELECT {', '.join(DeadLetter._fields)} FROM dead_letters"


def dead_letters(reader: Reader) -> list[DeadLetter]:
    """Return every dead letter, the oldest first."""
    return [DeadLetter(*row) for row in reader.rows(f"{_LETTERS} ORDER BY seq")]


def dead_letter(reader: Reader, seq: int) -> DeadLetter | None:
    """Return a dead letter, None when there is none of this number."""
    row = reader.row(f"{_LETTERS} WHERE seq=?", seq)
    return DeadLetter(*row) if row else None


def delete_dead_letter(db: Connection, seq: int) -> bool:
    """Delete a dead letter; False when there is none of this number."""
    return bool(db.execute("DELETE FROM dead_letters WHERE seq=?", (seq,)).rowcount)
