"""The operations of clients on orchestration instances, each in one transaction."""

from __future__ import annotations

import json
import uuid

from funchost import clock
from funchost.app.json_text import output_of
from funchost.durable import history as h
from funchost.storage import instances, messages, turns
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord
from funchost.tracing import child, identifier


def post(
    db: Connection,
    instance: str,
    execution: str | None,
    event: h.Event,
    due: float | None = None,
    timer: int | None = None,
) -> None:
    """Put a message in an instance's inbox."""
    moment = clock.time() if due is None else due
    messages.add(db, instance, execution, json.dumps(event), moment, timer)


def new(
    instance: str,
    name: str,
    text: str | None,
    parent: tuple[str, str, int] | None = None,
    *,
    version: str = "",
    caller: str = "",
) -> InstanceRecord:
    """Return the record of a new instance; `caller` is the trace parent of its starter."""
    moment = h.stamp(clock.now())
    parent_id, parent_execution, parent_task = parent or (None, None, None)
    return InstanceRecord(
        id=instance,
        name=name,
        execution=new_execution(),
        status="Pending",
        input=text,
        output=None,
        custom=None,
        created=moment,
        updated=moment,
        parent=parent_id,
        parent_execution=parent_execution,
        parent_task=parent_task,
        version=version,
        trace=child(caller),
        caller=caller,
    )


def new_execution() -> str:
    """Return a new id of an execution: a random UUID, which is no secret."""
    return str(uuid.UUID(hex=identifier(16), version=4))


def started(record: InstanceRecord) -> h.Event:
    """Return the event that starts a new instance."""
    return h.execution_started(
        record.name, record.input, record.id, record.execution, record.version
    )


def create(db: Connection, record: InstanceRecord, *, replace: bool = False) -> bool:
    """Start an instance; refuse an id that a live one uses, unless it shall be replaced."""
    former = instances.get(db, record.id)
    if former is not None and not former.ended and not replace:
        return False
    if former is not None:
        instances.clear(db, record.id)
    instances.put(db, record)
    post(db, record.id, record.execution, started(record))
    return True


def start_child(db: Connection, row: InstanceRecord, scheduled: h.Event) -> str:
    """Start the child of a task, or refuse an id in use; return the instance to notify."""
    child = str(scheduled["InstanceId"])
    record = new(
        child,
        scheduled["Name"],
        scheduled["Input"],
        (row.id, row.execution, scheduled["EventId"]),
        version=scheduled["Version"],
        caller=row.trace,
    )
    if create(db, record):
        return child
    refuse_task(db, row, scheduled, f"An instance with id '{child}' is already running")
    return row.id


def refuse_task(db: Connection, row: InstanceRecord, scheduled: h.Event, reason: str) -> None:
    """Let a task fail that cannot begin."""
    kind = h.TASK_FAILED if scheduled["EventType"] == h.TASK_SCHEDULED else h.SUB_FAILED
    failed = h.event(kind, TaskScheduledId=scheduled["EventId"], Reason=reason, Details=None)
    post(db, row.id, row.execution, failed)


def finish(
    db: Connection,
    instance: InstanceRecord,
    status: str,
    output: str | None,
    reason: str | None = None,
) -> str | None:
    """End an instance and send the result to its parent; return the parent's id, if it has one.

    `reason` is the text of a failure or a termination.
    """
    instances.set_ended(db, instance, status, output, h.stamp(clock.now()))
    return answer_parent(db, instance, status, output, reason)


def answer_parent(
    db: Connection,
    instance: InstanceRecord,
    status: str,
    output: str | None,
    reason: str | None,
) -> str | None:
    """Send the result of an ended instance to its parent; return the parent's id.

    None when no parent waits for it. `reason` is the text of a failure or a termination.
    """
    task = instance.parent_task
    if instance.parent is None or task is None:
        return None
    if status == "Completed":
        event = h.event(h.SUB_COMPLETED, TaskScheduledId=task, Result=output)
    else:
        # The real host sends a .NET trace with a failure and none with a termination.
        details = f"Message: {reason}, StackTrace: " if status == "Failed" else None
        event = h.event(h.SUB_FAILED, TaskScheduledId=task, Details=details, Reason=reason)
    post(db, instance.parent, instance.parent_execution, event)
    return instance.parent


def raise_event(db: Connection, instance: str, event: h.Event) -> str | None:
    """Buffer an external event; return the status the instance had."""
    record = instances.get(db, instance)
    if record is not None and not record.ended:
        post(db, instance, None, event)
    return record.status if record else None


def change(
    db: Connection, instance: str, verb: str, reason: str | None
) -> tuple[str | None, str | None]:
    """Terminate, suspend or resume; return the earlier status, and the parent to notify.

    `reason` is None when the request gives none.
    """
    record = instances.get(db, instance)
    if record is None or record.ended:
        return (record.status if record else None), None
    if verb == "terminate":
        if record.status == "Suspended":
            _keep_messages(db, record)
        return record.status, finish(db, record, "Terminated", output_of(reason), reason)
    _pause(db, record, verb, reason)
    return record.status, None


def _keep_messages(db: Connection, record: InstanceRecord) -> None:
    """Store the messages of a suspended instance in its history, as the real host does at once."""
    number = turns.count(db, record.id)
    events = h.waiting(messages.due(db, record.id, clock.time()), record.execution)
    if number and events:
        turn = [h.event(h.ORCHESTRATOR_STARTED), *events, h.event(h.ORCHESTRATOR_COMPLETED)]
        turns.append(db, record.id, number, json.dumps(turn))


def _pause(db: Connection, record: InstanceRecord, verb: str, reason: str | None) -> None:
    """Suspend or resume an instance, unless it is so already; its history gets the event.

    A suspended instance shows the reason as its output, as on the real host.
    """
    suspended = record.status == "Suspended"
    if suspended == (verb == "suspend"):
        return
    kind = h.EXECUTION_RESUMED if suspended else h.EXECUTION_SUSPENDED
    post(db, record.id, record.execution, h.event(kind, Reason=reason))
    status, output = ("Running", None) if suspended else ("Suspended", output_of(reason))
    instances.set_status(db, record.id, status, h.stamp(clock.now()), output)
