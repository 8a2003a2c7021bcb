"""What clients do to orchestration instances, each in one transaction."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass

from funchost import clock
from funchost.durable import history as h
from funchost.storage.store import Store
from funchost.tracing import child

TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")


def post(
    db: sqlite3.Connection,
    instance: str,
    execution: str | None,
    event: h.Event,
    due: float | None = None,
    timer: int | None = None,
) -> None:
    """Put a message in an instance's inbox."""
    db.execute(
        "INSERT INTO inbox(instance, execution, due, timer, event) VALUES(?,?,?,?,?)",
        (instance, execution, clock.time() if due is None else due, timer, json.dumps(event)),
    )


def clear(db: sqlite3.Connection, instance: str) -> None:
    """Forget everything an instance still had to do and had done."""
    for table in ("inbox", "work", "turns"):
        db.execute(f"DELETE FROM {table} WHERE instance=?", (instance,))


def create(
    db: sqlite3.Connection,
    instance: str,
    name: str,
    text: str | None,
    parent: tuple[str, str, int] | None = None,
    *,
    version: str = "",
    replace: bool = False,
    caller: str = "",
) -> bool:
    """Start an instance; refuse an id that a live one uses, unless it shall be replaced.

    `caller` is the trace parent of who starts it.
    """
    row = db.execute("SELECT status FROM instances WHERE id=?", (instance,)).fetchone()
    if row is not None and row["status"] not in TERMINAL and not replace:
        return False
    if row is not None:
        clear(db, instance)
    execution, moment = uuid.uuid4().hex, h.stamp(clock.now())
    db.execute(
        "INSERT OR REPLACE INTO instances VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            instance,
            name,
            execution,
            "Pending",
            text,
            None,
            None,
            moment,
            moment,
            *(parent or (None, None, None)),
            version,
            child(caller),
            caller,
        ),
    )
    post(db, instance, execution, h.execution_started(name, text, instance, execution, version))
    return True


def finish(db: sqlite3.Connection, row: sqlite3.Row, status: str, output: str | None) -> str | None:
    """End an instance and tell its parent; return the parent's id, if it has one."""
    instance = row["id"]
    db.execute(
        "UPDATE instances SET status=?, output=?, updated=? WHERE id=?",
        (status, output, h.stamp(clock.now()), instance),
    )
    db.execute("DELETE FROM inbox WHERE instance=?", (instance,))
    db.execute("DELETE FROM work WHERE instance=?", (instance,))
    if row["parent"] is None:
        return None
    task = row["parent_task"]
    if status == "Completed":
        event = h.event(h.SUB_COMPLETED, TaskScheduledId=task, Result=output)
    else:
        why = json.loads(output) if output else status
        event = h.event(
            h.SUB_FAILED,
            TaskScheduledId=task,
            Details=None,
            Reason=f"The sub-orchestrator function '{row['name']}' failed: {why}",
        )
    post(db, row["parent"], row["parent_execution"], event)
    return str(row["parent"])


def raise_event(db: sqlite3.Connection, instance: str, name: str, text: str) -> str | None:
    """Buffer an external event; return the status the instance had."""
    row = db.execute("SELECT status FROM instances WHERE id=?", (instance,)).fetchone()
    if row is not None and row["status"] not in TERMINAL:
        post(db, instance, None, h.event(h.EVENT_RAISED, Name=name, Input=text))
    return row["status"] if row else None


def change(
    db: sqlite3.Connection, instance: str, verb: str, reason: str
) -> tuple[str | None, str | None]:
    """Terminate, suspend or resume; return the status that it had, and a parent to tell."""
    row = db.execute("SELECT * FROM instances WHERE id=?", (instance,)).fetchone()
    if row is None or row["status"] in TERMINAL:
        return (row["status"] if row else None), None
    if verb == "terminate":
        return row["status"], finish(db, row, "Terminated", json.dumps(reason))
    status = "Suspended" if verb == "suspend" else "Running"
    db.execute(
        "UPDATE instances SET status=?, updated=? WHERE id=?",
        (status, h.stamp(clock.now()), instance),
    )
    return row["status"], None


def purge(db: sqlite3.Connection, ids: list[str]) -> int:
    """Delete ended instances with their history; return how many."""
    deleted = 0
    for instance in ids:
        gone = db.execute(
            "DELETE FROM instances WHERE id=? AND status IN (?,?,?,?)", (instance, *TERMINAL)
        ).rowcount
        if gone:
            clear(db, instance)
        deleted += gone
    return deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which instances to list; what is empty filters nothing. Times are written as stored."""

    statuses: tuple[str, ...] = ()
    prefix: str = ""
    created_from: str | None = None
    created_to: str | None = None


def select(store: Store, filters: Filters) -> list[sqlite3.Row]:
    """List instances by status, id prefix and time of creation, the oldest first."""
    where, values = ["substr(id, 1, ?) = ?"], [len(filters.prefix), filters.prefix]
    if filters.statuses:
        where.append(f"lower(status) IN ({','.join('?' * len(filters.statuses))})")
        values += filters.statuses
    for bound, sign in ((filters.created_from, ">="), (filters.created_to, "<=")):
        if bound is not None:
            where.append(f"created {sign} ?")
            values.append(bound)
    query = f"SELECT * FROM instances WHERE {' AND '.join(where)} ORDER BY created, id"
    return store.rows(query, *values)
