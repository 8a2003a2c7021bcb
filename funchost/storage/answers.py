"""Results of tasks that a rewind cut from a history: the table `answers`.

The code schedules these tasks again after the rewind. It gets the stored result then, so that no
finished task runs a second time.
"""

from __future__ import annotations

from funchost.storage.connection import Connection, Reader


def add(db: Connection, instance: str, kind: int, name: str, key: str, event: str) -> None:
    """Store the answer, a history event as JSON text, to a task of this kind, name and input."""
    insert = "INSERT INTO answers(instance, kind, name, key, event) VALUES(?,?,?,?,?)"
    db.execute(insert, (instance, kind, name, key, event))


def take(db: Connection, instance: str, kind: int, name: str, key: str) -> str | None:
    """Delete and return the oldest answer to such a task, None when there is none."""
    query = (
        "DELETE FROM answers WHERE seq=(SELECT MIN(seq) FROM answers "
        "WHERE instance=? AND kind=? AND name=? AND key=?) RETURNING event"
    )
    row = db.row(query, instance, kind, name, key)
    return row["event"] if row else None


def exist(reader: Reader, instance: str) -> bool:
    """Return whether an instance has stored answers."""
    return reader.row("SELECT 1 FROM answers WHERE instance=?", instance) is not None
