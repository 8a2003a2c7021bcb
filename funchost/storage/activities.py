"""Activities to run: the table `work`. A row stays until the activity's result is stored."""

from __future__ import annotations

import json
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader

MOST = 500  # rows of one statement


class TaskId(NamedTuple):
    """A task of an instance; `task` is its number in the history of the execution."""

    instance: str
    execution: str
    task: int


class ScheduledActivity(NamedTuple):
    """An activity to run; `task` is its number in the history, `input` JSON text.

    `trace` is the trace parent of its orchestration, so that no activity reads its instance.
    """

    instance: str
    execution: str
    task: int
    name: str
    input: str | None
    trace: str

    @property
    def task_id(self) -> TaskId:
        """Return the id of the task that this activity runs for."""
        return TaskId(self.instance, self.execution, self.task)


def schedule(db: Connection, new: list[ScheduledActivity]) -> None:
    """Store activities, with one statement for hundreds of them."""
    for first in range(0, len(new), MOST):
        rows = [row[:5] for row in new[first : first + MOST]]
        marks = ",".join(["(?,?,?,?,?)"] * len(rows))
        insert = f"INSERT INTO work(instance, execution, task, name, input) VALUES{marks}"
        db.execute(insert, [value for row in rows for value in row])


def scheduled(reader: Reader, until: int, most: int = -1) -> list[ScheduledActivity]:
    """Return activities without a stored result up to a `seq`, in order of scheduling.

    `most` is the most of them to return, -1 for all.
    """
    query = (
        "SELECT instance, w.execution, task, w.name, w.input, COALESCE(trace, '') "
        "FROM work w LEFT JOIN instances i ON i.id=instance WHERE seq<=? ORDER BY seq LIMIT ?"
    )
    return [ScheduledActivity(*row) for row in reader.rows(query, until, most)]


def last_scheduled(reader: Reader) -> int:
    """Return the `seq` of the activity that was scheduled last, 0 when none is stored.

    One that is scheduled later has a higher `seq`.
    """
    row = reader.row("SELECT COALESCE(MAX(seq), 0) FROM work")
    return int(row[0]) if row else 0


def delete(db: Connection, instance: str, execution: str, tasks: list[int]) -> None:
    """Delete activities whose results are stored with it."""
    query = "DELETE FROM work WHERE instance=? AND execution=? AND task "
    if len(tasks) == 1:
        db.execute(f"{query}=?", (instance, execution, tasks[0]))
    elif tasks:
        within = f"{query}IN (SELECT value FROM json_each(?))"
        db.execute(within, (instance, execution, json.dumps(tasks)))
