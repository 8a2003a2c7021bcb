"""Rewinding a failed instance: its history is cut before the last failure and goes on from there.

Results before the cut stay. The failed task is done again, results after it are put back in the
inbox, and tasks that were only scheduled after the cut are scheduled again. Tasks that had
no answer at the failure are done again too, because the end of an instance deletes them. The
extension takes the failed tasks out of the history instead; both lead to the same next turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from funchost.clock import now
from funchost.durable import history as h
from funchost.durable.instances import answer_parent, post
from funchost.storage import activities, instances, turns
from funchost.storage.activities import ScheduledActivity
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord

FAILURES = (h.TASK_FAILED, h.SUB_FAILED)
ANSWERS = (h.TASK_COMPLETED, h.SUB_COMPLETED, h.TIMER_FIRED, h.EVENT_RAISED, h.EXECUTION_STARTED)


@dataclass(frozen=True, slots=True)
class Rewound:
    """The status that an instance had; which instances and activities go on when it had failed."""

    status: str | None
    instances: list[str] = field(default_factory=list)
    work: list[ScheduledActivity] = field(default_factory=list)


def rewind(db: Connection, instance: str) -> Rewound:
    """Set a failed instance going again; one with another status stays as it is."""
    row = instances.get(db, instance)
    rewound = Rewound(row.status if row else None)
    if row is not None and row.status == "Failed":
        _rewind(db, row, rewound)
    return rewound


def _rewind(db: Connection, row: InstanceRecord, rewound: Rewound) -> None:
    instance, execution = row.id, row.execution
    events = h.read(turns.read(db, instance))
    failed = [n for n, e in enumerate(events) if e["EventType"] in FAILURES]
    last = failed[-1] if failed else len(events)
    cut = max(n for n, e in enumerate(events[:last]) if e["EventType"] == h.ORCHESTRATOR_STARTED)
    kept, gone = events[:cut], events[cut:]
    turns.replace(db, instance, json.dumps(kept))
    instances.set_rewound(db, instance, h.stamp(now()))
    rewound.instances.append(instance)
    begun = {e["EventId"]: e for e in kept if e["EventId"] >= 0}
    again = set(begun) - {_task_of(e) for e in events}
    for event in gone:
        task = _task_of(event)
        if event["EventType"] in FAILURES and task is not None and task in begun:
            again.add(task)
        elif event["EventType"] in ANSWERS and (task is None or task in begun):
            post(db, instance, execution, event)
    for task in sorted(again):
        _repeat(db, row, begun[task], rewound)


def _task_of(event: h.Event) -> int | None:
    """Return the number of the task that an event answers, None when it answers none."""
    task: int | None = event.get("TaskScheduledId", event.get("TimerId"))
    return task


def _repeat(db: Connection, row: InstanceRecord, scheduled: h.Event, rewound: Rewound) -> None:
    """Do a task again under its old number."""
    kind, task = scheduled["EventType"], scheduled["EventId"]
    if kind == h.TASK_SCHEDULED:
        name, text = scheduled["Name"], scheduled["Input"]
        rewound.work.append(activities.schedule(db, row.id, row.execution, task, name, text))
    elif kind == h.TIMER_CREATED:
        due = h.parse_stamp(scheduled["FireAt"]).timestamp()
        fired = h.event(h.TIMER_FIRED, TimerId=task, FireAt=scheduled["FireAt"])
        post(db, row.id, row.execution, fired, due, task)
    elif kind == h.SUB_CREATED:
        child = instances.get(db, scheduled["InstanceId"])
        if child is None or not child.ended or not _is_child(child, row, task):
            return
        if child.status == "Failed":
            _rewind(db, child, rewound)
        else:
            # It ended after its parent, which took no answer any more.
            answer_parent(db, child, child.status, child.output)


def _is_child(child: InstanceRecord, row: InstanceRecord, task: int) -> bool:
    """Return whether an instance was started by this task and not by another orchestration."""
    parent = (child.parent, child.parent_execution, child.parent_task)
    return parent == (row.id, row.execution, task)
