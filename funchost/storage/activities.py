"""Activities to run: the table `work`. A row stays until the activity's result is stored."""

from __future__ import annotations

from typing import NamedTuple

from funchost.storage.connection import Connection, Reader


class ScheduledActivity(NamedTuple):
    """An activity to run; `task` is its number in the history, `input` JSON text."""

    seq: int
    instance: str
    execution: str
    task: int
    name: str
    input: str | None


def schedule(
    db: Connection, instance: str, execution: str, task: int, name: str, text: str | None
) -> ScheduledActivity:
    """Store an activity and return it."""
    insert = "INSERT INTO work(instance, execution, task, name, input) VALUES(?,?,?,?,?)"
    seq = db.execute(insert, (instance, execution, task, name, text)).lastrowid or 0
    return ScheduledActivity(seq, instance, execution, task, name, text)


def scheduled(reader: Reader) -> list[ScheduledActivity]:
    """Return every activity without a stored result, in order of scheduling."""
    query = "SELECT seq, instance, execution, task, name, input FROM work ORDER BY seq"
    return [ScheduledActivity(*row) for row in reader.rows(query)]


def delete(db: Connection, instance: str, execution: str, task: int) -> None:
    """Delete an activity whose result is stored with it."""
    query = "DELETE FROM work WHERE instance=? AND execution=? AND task=?"
    db.execute(query, (instance, execution, task))
