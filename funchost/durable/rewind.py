"""Rewinding a failed instance: its history is cut before the first failure and goes on from there.

Each failed task runs again, and none whose result is stored does: answers to tasks that began
before the cut are put back in the inbox, and answers to later ones wait in the table `answers`
until the code schedules these tasks again. So do the ids of children that had no result: they go on
where they were (`recall`). Other tasks without a result are done again, because the end of an
instance deletes them. The extension takes the failed tasks out of the history instead; both lead to
the same next turn.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field

from funchost.clock import now
from funchost.durable import history as h
from funchost.durable.instances import answer_parent, post, start_child
from funchost.storage import activities, answers, instances, turns
from funchost.storage.activities import ScheduledActivity, TaskId
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord

FAILURES = (h.TASK_FAILED, h.SUB_FAILED)
CHILD = -h.SUB_CREATED  # the kind of an answer that has the id of a child without a result
RESULTS = (h.TASK_COMPLETED, h.SUB_COMPLETED)
ANSWERS = (*RESULTS, h.TIMER_FIRED, h.EVENT_RAISED, h.EXECUTION_STARTED)


@dataclass(frozen=True, slots=True)
class Rewound:
    """The status that an instance had; which instances and activities go on when it had failed.

    `dropped` are the tasks that its code schedules again, perhaps with other numbers, so that a
    result of their earlier run must not be taken.
    """

    status: str | None
    instances: list[str] = field(default_factory=list)
    work: list[ScheduledActivity] = field(default_factory=list)
    dropped: list[TaskId] = field(default_factory=list)


def rewind(db: Connection, instance: str) -> Rewound:
    """Set a failed instance going again; one with another status stays as it is."""
    row = instances.get(db, instance)
    rewound = Rewound(row.status if row else None)
    if row is not None and row.status == "Failed":
        rewind_failed(db, row, rewound)
    return rewound


def rewind_failed(db: Connection, row: InstanceRecord, rewound: Rewound) -> None:
    """Set a failed instance going again, and add what goes on to `rewound`."""
    instance, execution = row.id, row.execution
    events = h.read(turns.read(db, instance))
    if not events:
        # It failed before its first turn, which needs the message of its start.
        started = h.execution_started(row.name, row.input, instance, execution, row.version)
        events = [h.event(h.ORCHESTRATOR_STARTED), started]
    failed = [n for n, e in enumerate(events) if e["EventType"] in FAILURES]
    first = failed[0] if failed else len(events)
    cut = max(n for n, e in enumerate(events[:first]) if e["EventType"] == h.ORCHESTRATOR_STARTED)
    kept, gone = events[:cut], events[cut:]
    turns.replace(db, instance, json.dumps(kept))
    instances.set_rewound(db, instance, h.stamp(now()))
    rewound.instances.append(instance)
    begun = {e["EventId"]: e for e in kept if e["EventId"] >= 0}
    again = set(begun) - {_task_of(e) for e in events}
    later = {e["EventId"]: e for e in gone if e["EventId"] >= 0}
    replies = _store_answers(db, row, later, gone)
    rewound.dropped.extend(TaskId(instance, execution, task) for task in later)
    for event in gone:
        task = _task_of(event)
        if event["EventType"] in FAILURES and task is not None and task in begun:
            again.add(task)
        elif event["EventType"] not in ANSWERS or event.get("Name") in replies:
            continue
        elif task is None or task in begun:
            post(db, instance, execution, event)
    for task in sorted(again):
        _repeat(db, row, begun[task], rewound)


def _store_answers(
    db: Connection, row: InstanceRecord, later: dict[int, h.Event], gone: list[h.Event]
) -> set[str]:
    """Store the answers to tasks that began after the cut; return the names of entities' replies.

    A signal has no answer; it is stored with an empty one, so that it is not sent again. The id of
    a child without a result is stored, and the child answers no task until one takes it over.
    """
    answered = {_task_of(e): e for e in gone if e["EventType"] in RESULTS}
    raised = {e["Name"]: e for e in gone if e["EventType"] == h.EVENT_RAISED}
    replies: set[str] = set()
    for task, scheduled in later.items():
        kind, answer = scheduled["EventType"], answered.get(task)
        if kind == h.EVENT_SENT:
            request = json.loads(scheduled["Input"])
            answer = {} if request["signal"] else raised.get(request["id"])
            replies.add(request["id"])
        elif kind == h.SUB_CREATED and answer is None:
            kind, answer = CHILD, {"InstanceId": scheduled["InstanceId"]}
            instances.set_parent_task(db, scheduled["InstanceId"], row, None)
        if answer is not None:
            name, key = scheduled["Name"], task_key(row, scheduled)
            answers.add(db, row.id, kind, name, key, json.dumps(answer))
    return replies


def task_key(row: InstanceRecord, scheduled: h.Event) -> str:
    """Return the JSON text that separates tasks of the same kind and name: the input.

    It also has the id of a child that the code names, because such children are not alike.
    """
    if scheduled["EventType"] == h.EVENT_SENT:
        request = json.loads(scheduled["Input"])
        return json.dumps([scheduled["InstanceId"], request["signal"], request["input"]])
    if scheduled["EventType"] == h.SUB_CREATED and not has_automatic_id(row, scheduled):
        return json.dumps([scheduled.get("Input"), scheduled["InstanceId"]])
    return json.dumps(scheduled.get("Input"))


def has_automatic_id(row: InstanceRecord, scheduled: h.Event) -> bool:
    """Return whether the host has made the id of a scheduled child."""
    return str(scheduled["InstanceId"]).startswith(f"{row.execution}:")


def _task_of(event: h.Event) -> int | None:
    """Return the number of the task that an event answers, None when it answers none."""
    task: int | None = event.get("TaskScheduledId", event.get("TimerId"))
    return task


def _repeat(db: Connection, row: InstanceRecord, scheduled: h.Event, rewound: Rewound) -> None:
    """Do a task again under its old number."""
    kind, task = scheduled["EventType"], scheduled["EventId"]
    if kind == h.TASK_SCHEDULED:
        name, text = scheduled["Name"], scheduled["Input"]
        again = ScheduledActivity(row.id, row.execution, task, name, text, row.trace)
        activities.schedule(db, [again])
        rewound.work.append(again)
    elif kind == h.TIMER_CREATED:
        due = h.parse_stamp(scheduled["FireAt"]).timestamp()
        fired = h.event(h.TIMER_FIRED, TimerId=task, FireAt=scheduled["FireAt"])
        post(db, row.id, row.execution, fired, due, task)
    elif kind == h.SUB_CREATED:
        _repeat_child(db, row, scheduled, rewound)


def _repeat_child(
    db: Connection, row: InstanceRecord, scheduled: h.Event, rewound: Rewound
) -> None:
    """Let a child go on; start it again when it was purged, or when another took its id."""
    name, task = scheduled["InstanceId"], scheduled["EventId"]
    child = instances.get(db, name)
    if child is not None and _is_child(child, row, task):
        if child.status == "Failed":
            rewind_failed(db, child, rewound)
        elif child.ended:
            # It ended after its parent, which took no answer any more.
            answer_again(db, child)
    else:
        rewound.instances.append(start_child(db, row, scheduled))


def answer_again(db: Connection, child: InstanceRecord) -> None:
    """Send the result of an ended child to its parent, which took none before."""
    value = None if child.output is None else json.loads(child.output)
    reason = value if isinstance(value, str) else child.output
    answer_parent(db, child, child.status, child.output, reason)


def _is_child(child: InstanceRecord, row: InstanceRecord, task: int) -> bool:
    """Return whether an instance was started by this task and not by another orchestration."""
    parent = (child.parent, child.parent_execution, child.parent_task)
    return parent == (row.id, row.execution, task)


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

    The code's numbers begin again at a rewind, so that the host would make an id twice. The ids of
    an execution without a rewind are new, so that no instance is read for them.
    """
    name = str(scheduled["InstanceId"])
    if not row.rewound or not has_automatic_id(row, scheduled):
        return name
    if instances.get(db, name) is None:
        return name
    others = (f"{name}:{number:x}" for number in itertools.count(1))
    return next(other for other in others if instances.get(db, other) is None)
