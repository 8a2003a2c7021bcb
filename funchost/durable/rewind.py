"""Rewinds a failed instance: cuts its history before the last failure and continues from there.

What was answered before the cut stays; the failed task is done again, answers after it are
put back in the inbox, and what was only scheduled after the cut is scheduled again. The extension
takes the failed tasks out of the history instead; both lead to the same next turn.
"""

from __future__ import annotations

import json
from typing import Any

from funchost.clock import now
from funchost.durable import history as h
from funchost.durable.instances import post
from funchost.storage import activities, instances, turns
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord

FAILURES = (h.TASK_FAILED, h.SUB_FAILED)
ANSWERS = (h.TASK_COMPLETED, h.SUB_COMPLETED, h.TIMER_FIRED, h.EVENT_RAISED, h.EXECUTION_STARTED)


def rewind(db: Connection, instance: str) -> str | None:
    """Make a failed instance run again; return the status that it had."""
    row = instances.get(db, instance)
    if row is not None and row.status == "Failed":
        _rewind(db, row)
    return row.status if row else None


def _rewind(db: Connection, row: InstanceRecord) -> None:
    instance, execution = row.id, row.execution
    events = h.read(turns.read(db, instance))
    failed = [n for n, e in enumerate(events) if e["EventType"] in FAILURES]
    last = failed[-1] if failed else len(events)
    cut = max(n for n, e in enumerate(events[:last]) if e["EventType"] == h.ORCHESTRATOR_STARTED)
    before, after = events[:cut], events[cut:]
    turns.replace(db, instance, json.dumps(before))
    instances.set_rewound(db, instance, h.stamp(now()))
    begun = {e["EventId"]: e for e in before if e["EventId"] >= 0}
    for event in after:
        task = event.get("TaskScheduledId", event.get("TimerId"))
        if event["EventType"] in FAILURES and task in begun:
            _again(db, row, begun[task])
        elif event["EventType"] in ANSWERS and (task is None or task in begun):
            post(db, instance, execution, event)


def _again(db: Connection, row: InstanceRecord, scheduled: dict[str, Any]) -> None:
    """Schedule a failed task again under its old number."""
    if scheduled["EventType"] == h.TASK_SCHEDULED:
        task, name, text = scheduled["EventId"], scheduled["Name"], scheduled["Input"]
        activities.schedule(db, row.id, row.execution, task, name, text)
        return
    child = instances.get(db, scheduled["InstanceId"])
    if child is not None and child.status == "Failed":
        _rewind(db, child)
