"""Rewinding a failed instance: its history is cut before the last failure and goes on from there.

What was answered before the cut stays; the failed task is done again, answers after it are
put back in the inbox, and what was only scheduled after the cut is scheduled again. The extension
takes the failed tasks out of the history instead; both lead to the same next turn.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from funchost.clock import now
from funchost.durable import history as h
from funchost.durable.instances import post

FAILURES = (h.TASK_FAILED, h.SUB_FAILED)
ANSWERS = (h.TASK_COMPLETED, h.SUB_COMPLETED, h.TIMER_FIRED, h.EVENT_RAISED, h.EXECUTION_STARTED)


def rewind(db: sqlite3.Connection, instance: str) -> str | None:
    """Set a failed instance going again; return the status that it had."""
    row = db.execute("SELECT * FROM instances WHERE id=?", (instance,)).fetchone()
    if row is not None and row["status"] == "Failed":
        _rewind(db, row)
    return row["status"] if row else None


def _rewind(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    instance, execution = row["id"], row["execution"]
    events = h.read(db.execute(h.TURNS, (instance,)).fetchall())
    failed = [n for n, e in enumerate(events) if e["EventType"] in FAILURES]
    last = failed[-1] if failed else len(events)
    cut = max(n for n, e in enumerate(events[:last]) if e["EventType"] == h.ORCHESTRATOR_STARTED)
    kept, gone = events[:cut], events[cut:]
    db.execute("DELETE FROM turns WHERE instance=?", (instance,))
    db.execute("INSERT INTO turns VALUES(?,0,?)", (instance, json.dumps(kept)))
    db.execute(
        "UPDATE instances SET status='Running', output=NULL, updated=? WHERE id=?",
        (h.stamp(now()), instance),
    )
    begun = {e["EventId"]: e for e in kept if e["EventId"] >= 0}
    for event in gone:
        task = event.get("TaskScheduledId", event.get("TimerId"))
        if event["EventType"] in FAILURES and task in begun:
            _again(db, row, begun[task])
        elif event["EventType"] in ANSWERS and (task is None or task in begun):
            post(db, instance, execution, event)


def _again(db: sqlite3.Connection, row: sqlite3.Row, scheduled: dict[str, Any]) -> None:
    """Do a failed task again under its old number."""
    if scheduled["EventType"] == h.TASK_SCHEDULED:
        db.execute(
            "INSERT INTO work(instance, execution, task, name, input) VALUES(?,?,?,?,?)",
            (
                row["id"],
                row["execution"],
                scheduled["EventId"],
                scheduled["Name"],
                scheduled["Input"],
            ),
        )
        return
    query = "SELECT * FROM instances WHERE id=?"
    child = db.execute(query, (scheduled["InstanceId"],)).fetchone()
    if child is not None and child["status"] == "Failed":
        _rewind(db, child)
