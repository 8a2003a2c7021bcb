"""Orchestration instances: the table `instances`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader

TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")


class InstanceRecord(NamedTuple):
    """An instance as it is stored.

    `input`, `output` and `custom` are JSON text, `created` and `updated` times as
    funchost.durable.history.stamp writes them. The parent's three fields are those of the
    orchestration that waits for this one. `trace` is its own trace parent, `caller` that of its
    starter.
    """

    id: str
    name: str
    execution: str
    status: str
    input: str | None
    output: str | None
    custom: str | None
    created: str
    updated: str
    parent: str | None
    parent_execution: str | None
    parent_task: int | None
    version: str
    trace: str
    caller: str

    @property
    def ended(self) -> bool:
        """Tell whether the present execution has ended."""
        return self.status in TERMINAL


_SELECT = f"SELECT {', '.join(InstanceRecord._fields)} FROM instances"


def get(reader: Reader, instance: str) -> InstanceRecord | None:
    """Return an instance, None when there is none of this id."""
    row = reader.row(f"{_SELECT} WHERE id=?", instance)
    return InstanceRecord(*row) if row else None


def put(db: Connection, record: InstanceRecord) -> None:
    """Store an instance in place of an earlier one of its id."""
    marks = ",".join("?" * len(record))
    db.execute(
        f"INSERT OR REPLACE INTO instances({', '.join(record._fields)}) VALUES({marks})", record
    )


def set_status(db: Connection, instance: str, status: str, moment: str) -> None:
    """Change the status of an instance."""
    db.execute("UPDATE instances SET status=?, updated=? WHERE id=?", (status, moment, instance))


def set_running(db: Connection, instance: str, custom: str | None, moment: str) -> None:
    """Store that an instance took a turn, and its custom status after this turn, None for none."""
    db.execute(
        "UPDATE instances SET status='Running', updated=?, custom=? WHERE id=?",
        (moment, custom, instance),
    )


def set_ended(db: Connection, instance: str, status: str, output: str | None, moment: str) -> None:
    """Store the end of an instance, and delete its open messages and activities."""
    db.execute(
        "UPDATE instances SET status=?, output=?, updated=? WHERE id=?",
        (status, output, moment, instance),
    )
    db.execute("DELETE FROM inbox WHERE instance=?", (instance,))
    db.execute("DELETE FROM work WHERE instance=?", (instance,))


def set_rewound(db: Connection, instance: str, moment: str) -> None:
    """Store that a failed instance runs again: without an output."""
    db.execute(
        "UPDATE instances SET status='Running', output=NULL, updated=? WHERE id=?",
        (moment, instance),
    )


def start_execution(db: Connection, instance: str, execution: str, text: str | None) -> None:
    """Begin the next execution of an instance with a new input.

    Everything of the former execution is deleted, except external events that it did not take.
    """
    db.execute("DELETE FROM work WHERE instance=?", (instance,))
    db.execute("DELETE FROM turns WHERE instance=?", (instance,))
    db.execute("DELETE FROM answers WHERE instance=?", (instance,))
    db.execute("DELETE FROM inbox WHERE instance=? AND execution IS NOT NULL", (instance,))
    db.execute("UPDATE instances SET execution=?, input=? WHERE id=?", (execution, text, instance))


def clear(db: Connection, instance: str) -> None:
    """Delete the messages, the activities, the history and the warnings of an instance."""
    for table in ("inbox", "work", "turns", "answers", "warnings"):
        db.execute(f"DELETE FROM {table} WHERE instance=?", (instance,))


def delete_ended(db: Connection, ids: Iterable[str]) -> int:
    """Delete instances that have ended, with their history; return how many there were."""
    deleted = 0
    for instance in ids:
        query = "DELETE FROM instances WHERE id=? AND status IN (?,?,?,?)"
        if db.execute(query, (instance, *TERMINAL)).rowcount:
            clear(db, instance)
            deleted += 1
    return deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """A filter of instances; an empty field filters nothing. Times are in the stored format."""

    statuses: tuple[str, ...] = ()
    prefix: str = ""
    created_from: str | None = None
    created_to: str | None = None


def select(reader: Reader, filters: Filters) -> list[InstanceRecord]:
    """List instances by status, id prefix and time of creation, the oldest first."""
    where, values = ["substr(id, 1, ?) = ?"], [len(filters.prefix), filters.prefix]
    if filters.statuses:
        where.append(f"lower(status) IN ({','.join('?' * len(filters.statuses))})")
        values += filters.statuses
    for bound, sign in ((filters.created_from, ">="), (filters.created_to, "<=")):
        if bound is not None:
            where.append(f"created {sign} ?")
            values.append(bound)
    query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY created, id"
    return [InstanceRecord(*row) for row in reader.rows(query, *values)]


def unchanged_since(reader: Reader, moment: str, statuses: tuple[str, ...], most: int) -> list[str]:
    """Return the ids of at most so many instances of these statuses that changed before."""
    query = (
        f"SELECT id FROM instances WHERE status IN ({','.join('?' * len(statuses))}) "
        f"AND updated<? LIMIT {most}"
    )
    return [row["id"] for row in reader.rows(query, *statuses, moment)]
