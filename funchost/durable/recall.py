"""Settles tasks that began before a rewind, when the code schedules them again.

Their numbers may have changed since, because the code takes another way when a failure is gone.
"""

from __future__ import annotations

import itertools
import json

from funchost.durable import history as h
from funchost.durable.instances import post
from funchost.durable.rewind import (
    CHILD,
    Rewound,
    answer_again,
    has_automatic_id,
    rewind_failed,
    task_key,
)
from funchost.storage import answers, instances
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord


def recall(db: Connection, row: InstanceRecord, scheduled: h.Event) -> Rewound | None:
    """Settle a task that began before a rewind; None when it did not begin then.

    A task with a result gets this result. A child without one goes on, and the event gets its id.
    """
    if scheduled["EventType"] == h.TIMER_CREATED:
        return None
    answer = stored_answer(db, row, scheduled)
    if answer is None:
        return (
            _resume_child(db, row, scheduled) if scheduled["EventType"] == h.SUB_CREATED else None
        )
    if answer:
        post(db, row.id, row.execution, answer)
    return Rewound(row.status, [row.id] if answer else [])


def stored_answer(db: Connection, row: InstanceRecord, scheduled: h.Event) -> h.Event | None:
    """Return the answer that this task had before a rewind, under the task's present number.

    It is empty for a signal that was sent, and None when the task has no stored answer.
    """
    if not answers.exist(db, row.id):
        return None
    kind, task = scheduled["EventType"], scheduled["EventId"]
    answer = _take(db, row, kind, scheduled)
    if answer and kind == h.EVENT_SENT:
        answer["Name"] = json.loads(scheduled["Input"])["id"]
    elif answer:
        answer["TaskScheduledId"] = task
    return answer


def _resume_child(db: Connection, row: InstanceRecord, scheduled: h.Event) -> Rewound | None:
    """Let a child go on that began before a rewind; None when there is none, or not any more."""
    begun = _take(db, row, CHILD, scheduled)
    name = begun["InstanceId"] if begun else None
    if name is None or not instances.set_parent_task(db, name, row, scheduled["EventId"]):
        return None
    child = instances.get(db, name)
    assert child is not None
    scheduled["InstanceId"] = name
    rewound = Rewound(child.status)
    if child.status == "Failed":
        rewind_failed(db, child, rewound)
    elif child.ended:
        answer_again(db, child)
        rewound.instances.append(row.id)
    return rewound


def _take(db: Connection, row: InstanceRecord, kind: int, scheduled: h.Event) -> h.Event | None:
    # An earlier version stored the results of all children under their inputs.
    for key in dict.fromkeys((task_key(row, scheduled), json.dumps(scheduled["Input"]))):
        text = answers.take(db, row.id, kind, scheduled["Name"], key)
        if text is not None:
            taken: h.Event = json.loads(text)
            return taken
    return None


def free_id(db: Connection, row: InstanceRecord, scheduled: h.Event) -> str:
    """Return the id for a new child: its own, or another one when an earlier child has this.

    The code's numbers begin again at a rewind, so that the host would make an id twice.
    """
    name = str(scheduled["InstanceId"])
    if not has_automatic_id(row, scheduled) or instances.get(db, name) is None:
        return name
    others = (f"{name}:{number:x}" for number in itertools.count(1))
    return next(other for other in others if instances.get(db, other) is None)
