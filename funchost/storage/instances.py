"""Orchestration instances: the table `instances`."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from funchost.storage.connection import Connection, Reader

TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")


class InstanceRecord(NamedTuple):
    """An instance as it is stored.

    `input`, `output` and `custom` are JSON text, `created` and `updated` times as
    funchost.durable.history.stamp writes them. The parent's three fields are those of the
    orchestration that waits for this one; its task is None while no task waits. `trace` is its own
    trace parent, `caller` that of its starter. `rewound` is 1 when the present execution was
    rewound, or began before the host stored this, else 0.
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
    rewound: int = 0

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


def set_status(db: Connection, instance: str, status: str, moment: str, output: str | None) -> None:
    """Change the status and the output of an instance."""
    db.execute(
        "UPDATE instances SET status=?, output=?, updated=? WHERE id=?",
        (status, output, moment, instance),
    )


def set_running(db: Connection, row: InstanceRecord, moment: str) -> None:
    """Store that an instance took a turn, and the custom status that its row has."""
    # The status is in two indexes, so that it is written only when it changes.
    status = "" if row.status == "Running" else "status='Running', "
    db.execute(
        f"UPDATE instances SET {status}updated=?, custom=? WHERE id=?", (moment, row.custom, row.id)
    )


def set_ended(
    db: Connection, row: InstanceRecord, status: str, output: str | None, moment: str
) -> None:
    """Store the end of an instance with the custom status that its row has.

    Its open messages and activities are deleted.
    """
    db.execute(
        "UPDATE instances SET status=?, output=?, custom=?, updated=? WHERE id=?",
        (status, output, row.custom, moment, row.id),
    )
    db.execute("DELETE FROM inbox WHERE instance=?", (row.id,))
    db.execute("DELETE FROM work WHERE instance=?", (row.id,))


def set_rewound(db: Connection, instance: str, moment: str) -> None:
    """Store that a failed instance runs again: without an output."""
    db.execute(
        "UPDATE instances SET status='Running', output=NULL, updated=?, rewound=1 WHERE id=?",
        (moment, instance),
    )


def set_parent_task(
    db: Connection, instance: str, parent: InstanceRecord, task: int | None
) -> bool:
    """Set the task of its parent that an instance answers, None for no task.

    False when there is no such child of the parent's present execution.
    """
    query = "UPDATE instances SET parent_task=? WHERE id=? AND parent=? AND parent_execution=?"
    return bool(db.execute(query, (task, instance, parent.id, parent.execution)).rowcount)


def start_execution(db: Connection, instance: str, execution: str, text: str | None) -> None:
    """Begin the next execution of an instance with a new input.

    Everything of the former execution is deleted, except external events that it did not take.
    """
    db.execute("DELETE FROM work WHERE instance=?", (instance,))
    db.execute("DELETE FROM turns WHERE instance=?", (instance,))
    db.execute("DELETE FROM answers WHERE instance=?", (instance,))
    db.execute("DELETE FROM inbox WHERE instance=? AND execution IS NOT NULL", (instance,))
    query = "UPDATE instances SET execution=?, input=?, rewound=0 WHERE id=?"
    db.execute(query, (execution, text, instance))


def clear(db: Connection, instance: str) -> None:
    """Delete the messages, the activities, the histories and the warnings of an instance."""
    for table in ("inbox", "work", "turns", "formers", "answers", "warnings"):
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


# Every status that is stored. The index by status and id is read once for each of them.
STATUSES = ("Pending", "Running", "Suspended", *TERMINAL)
# So many matches of a range of times are sorted; of more, enough stand early in the order of ids.
FEW = 3_000
_LAST = "\U0010ffff"


def ids(reader: Reader, filters: Filters, after: str = "", most: int = -1) -> list[str]:
    """Return at most so many ids (-1: all) behind `after`, in the order of ids.

    An index leads to each page: the one by status and id, which is in this order, or, for a range
    of creation times with few instances, the one by creation time.
    """
    statuses = filters.statuses or STATUSES
    where, values = _bounds("id", filters.prefix, after)
    times, moments = _times("created", filters)
    if are_few(reader, "instances", "created", filters):
        query = (
            "SELECT id FROM instances INDEXED BY instances_created WHERE "
            f"{' AND '.join([*times, *where])} AND status IN ({','.join('?' * len(statuses))}) "
            "ORDER BY id LIMIT ?"
        )
        return [row["id"] for row in reader.rows(query, *moments, *values, *statuses, most)]
    query = (
        "SELECT id FROM instances INDEXED BY instances_status WHERE "
        f"{' AND '.join(['status=?', *where, *times])} ORDER BY id LIMIT ?"
    )
    pages = (
        [row["id"] for row in reader.rows(query, status, *values, *moments, most)]
        for status in statuses
    )
    merged = list(heapq.merge(*pages))
    return merged if most < 0 else merged[:most]


def conditions(filters: Filters, after: str, moment: str) -> tuple[list[str], list[str]]:
    """Return conditions and values for ids and for times in the column `moment`."""
    (where, values), (times, moments) = (
        _bounds("id", filters.prefix, after),
        _times(moment, filters),
    )
    return [*where, *times], [*values, *moments]


def _bounds(column: str, prefix: str, after: str) -> tuple[list[str], list[str]]:
    """Return the conditions and values of a range of ids; an index takes one lower bound."""
    where, values = ([f"{column}>?"], [after]) if after >= prefix else ([f"{column}>=?"], [prefix])
    if prefix:
        where.append(f"{column}<?")
        values.append(prefix + _LAST)
    return where, values


def _times(column: str, filters: Filters) -> tuple[list[str], list[str]]:
    """Return the conditions and values of a range of times."""
    bounds = ((filters.created_from, ">="), (filters.created_to, "<="))
    given = [(bound, sign) for bound, sign in bounds if bound is not None]
    return [f"{column}{sign}?" for _, sign in given], [bound for bound, _ in given]


def are_few(reader: Reader, table: str, moment: str, filters: Filters) -> bool:
    """Return whether a filter has times, in the column `moment`, and at most FEW rows fit them."""
    times, moments = _times(moment, filters)
    if not times:
        return False
    query = (
        f"SELECT COUNT(*) AS count FROM (SELECT 1 FROM {table} INDEXED BY {table}_{moment} "
        f"WHERE {' AND '.join(times)} LIMIT ?)"
    )
    row = reader.row(query, *moments, FEW + 1)
    return row is None or row["count"] <= FEW


def get_many(reader: Reader, names: Sequence[str]) -> dict[str, InstanceRecord]:
    """Return the instances of these ids that are there, by id."""
    records: dict[str, InstanceRecord] = {}
    for at in range(0, len(names), 500):
        group = names[at : at + 500]
        query = f"{_SELECT} WHERE id IN ({','.join('?' * len(group))})"
        records |= {row["id"]: InstanceRecord(*row) for row in reader.rows(query, *group)}
    return records


def select(reader: Reader, filters: Filters) -> list[InstanceRecord]:
    """Return all instances of a filter, the oldest first."""
    records = get_many(reader, ids(reader, filters)).values()
    return sorted(records, key=lambda row: (row.created, row.id))


def unchanged_since(reader: Reader, moment: str, statuses: tuple[str, ...], most: int) -> list[str]:
    """Return the ids of at most so many instances of these statuses that changed before."""
    query = (
        f"SELECT id FROM instances WHERE status IN ({','.join('?' * len(statuses))}) "
        f"AND updated<? LIMIT {most}"
    )
    return [row["id"] for row in reader.rows(query, *statuses, moment)]
