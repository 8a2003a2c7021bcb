"""Events that no attempt could deliver: listed, delivered again, or discarded."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from funchost import clock

LIST = "SELECT * FROM dead_letters ORDER BY seq"


def document(row: sqlite3.Row) -> dict[str, Any]:
    """Return a dead letter in Event Grid's words.

    Source: Event Grid documentation, "Dead-letter location", deadLetterProperties.
    """
    return {
        "id": row["seq"],
        "function": row["function"],
        "deadLetterReason": row["reason"],
        "deliveryAttempts": row["attempts"],
        "lastDeliveryOutcome": row["outcome"],
        "publishTime": row["published"],
        "deadLetterTime": row["buried"],
        "event": json.loads(row["event"]),
    }


def replay(db: sqlite3.Connection, number: int) -> bool:
    """Put a dead letter back among the deliveries, with all its attempts; False when unknown."""
    row = db.execute("SELECT * FROM dead_letters WHERE seq=?", (number,)).fetchone()
    if row is None:
        return False
    db.execute(
        "INSERT INTO deliveries(function, event, due, published) VALUES(?,?,?,?)",
        (row["function"], row["event"], clock.time(), row["published"]),
    )
    return discard(db, number)


def discard(db: sqlite3.Connection, number: int) -> bool:
    """Delete a dead letter; False when unknown."""
    return bool(db.execute("DELETE FROM dead_letters WHERE seq=?", (number,)).rowcount)
