"""The documents in which the status routes show an instance, its history, or an entity.

An ended task is one entry of the history, with the name and the start of the entry that scheduled
it. Sources: Durable Functions documentation, "HTTP API reference"; the recorded answers of the
extension 3.19.0 (tests/conformance).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from funchost.durable import history as h
from funchost.storage.entities import EntityRecord
from funchost.storage.instances import InstanceRecord

Shown = dict[str, Any]
_ENDED_TASKS = {
    h.TASK_COMPLETED: "TaskCompleted",
    h.TASK_FAILED: "TaskFailed",
    h.SUB_COMPLETED: "SubOrchestrationInstanceCompleted",
    h.SUB_FAILED: "SubOrchestrationInstanceFailed",
}
_CHILDREN = (h.SUB_COMPLETED, h.SUB_FAILED)
_FAILURES = (h.TASK_FAILED, h.SUB_FAILED)
_MESSAGE = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
_PAUSES = {h.EXECUTION_SUSPENDED: "ExecutionSuspended", h.EXECUTION_RESUMED: "ExecutionResumed"}


def _moment(text: str) -> str:
    return text[:19] + "Z"


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def status_document(row: InstanceRecord, show_input: bool = True) -> Shown:
    """Write an instance as the status endpoint shows it."""
    return {
        "name": row.name,
        **({"version": row.version} if row.version else {}),
        "instanceId": row.id,
        "runtimeStatus": row.status,
        "input": _load(row.input) if show_input else None,
        "customStatus": _load(row.custom),
        "output": _load(row.output),
        "createdTime": _moment(row.created),
        "lastUpdatedTime": _moment(row.updated),
    }


def entity_document(entity: EntityRecord, show_input: bool = True) -> Shown:
    """Write an entity as the status endpoint shows it: an instance that runs for ever."""
    return {
        "name": entity.id,
        "instanceId": entity.id,
        "runtimeStatus": "Running",
        "input": {"exists": bool(entity.present), "state": entity.state} if show_input else None,
        "customStatus": None,
        "output": None,
        "createdTime": _moment(entity.created),
        "lastUpdatedTime": _moment(entity.updated),
    }


def history_document(
    row: InstanceRecord, events: Iterable[h.Event], *, start: bool, inputs: bool, outputs: bool
) -> list[Shown]:
    """Return the events that are shown, without any input unless `start` is set.

    `inputs` also shows those of its tasks, and `outputs` their results and its own.
    """
    shown: list[Shown] = []
    scheduled: dict[int, h.Event] = {}
    calls: set[str] = set()
    for event in events:
        kind = event["EventType"]
        if kind in (h.TASK_SCHEDULED, h.SUB_CREATED):
            scheduled[event["EventId"]] = event
        elif kind in _ENDED_TASKS:
            shown.append(_ended_task(event, scheduled, inputs=inputs, outputs=outputs))
        elif kind == h.EXECUTION_STARTED:
            shown.append(_started(row, event))
        elif kind == h.EVENT_SENT:
            shown.append(_sent(row, event, calls))
        elif kind == h.EVENT_RAISED:
            shown.append(_raised(event, calls))
        else:
            shown += _other(event)
    shown += _end(row, outputs=outputs) if row.ended else []
    if not start:
        for entry in shown:
            entry.pop("Input", None)
    return shown


def _started(row: InstanceRecord, event: h.Event) -> Shown:
    return {
        "EventType": "ExecutionStarted",
        "Correlation": None,
        "ScheduledStartTime": None,
        "ParentTraceContext": None,
        "GenerateNewTrace": False,
        "Generation": event.get("Generation", 0),
        "Timestamp": event["Timestamp"],
        "FunctionName": row.name,
        "Input": event["Input"],
    }


def _ended_task(
    event: h.Event, scheduled: dict[int, h.Event], *, inputs: bool, outputs: bool
) -> Shown:
    kind, begun = event["EventType"], scheduled.get(event["TaskScheduledId"], {})
    entry: Shown = {"EventType": _ENDED_TASKS[kind], "Timestamp": event["Timestamp"]}
    if kind in _FAILURES:
        entry |= {"Reason": event["Reason"], "Details": event["Details"], "FailureDetails": None}
    elif outputs:
        entry["Result"] = _json(event["Result"])
    if kind in _CHILDREN:
        entry["InstanceId"] = begun.get("InstanceId")
    return entry | {
        "ScheduledTime": begun.get("Timestamp"),
        "FunctionName": begun.get("Name"),
        "Input": begun.get("Input") if inputs else None,
    }


def _sent(row: InstanceRecord, event: h.Event, calls: set[str]) -> Shown:
    """Return the entry of an operation of an entity, and remember the id of its answer."""
    request = json.loads(event["Input"])
    calls.add(request["id"])
    message = {
        "$type": f"{_MESSAGE}.RequestMessage, {_MESSAGE}",
        "op": event["Name"],
        **({"signal": True} if request["signal"] else {}),
        "input": json.dumps(request["input"]),
        "id": request["id"],
        "parent": row.id,
        "parentExecution": row.execution,
        "Timestamp": event["Timestamp"],
        "Predecessor": "0001-01-01T00:00:00",
        "requestTime": event["Timestamp"],
    }
    return {
        "EventType": "EventSent",
        "Timestamp": event["Timestamp"],
        "Name": "op",
        "InstanceId": event["InstanceId"],
        "Input": _compact(message),
    }


def _raised(event: h.Event, calls: set[str]) -> Shown:
    value = _json(event["Input"])
    if event["Name"] in calls:
        value = {"$type": f"{_MESSAGE}.ResponseMessage, {_MESSAGE}", **value}
    return {
        "EventType": "EventRaised",
        "Timestamp": event["Timestamp"],
        "Name": event["Name"],
        "Input": _compact(value),
        "ParentTraceContext": None,
    }


def _other(event: h.Event) -> list[Shown]:
    """Return the entry of an event that stands alone; [] for one that is not shown."""
    kind = event["EventType"]
    entry: Shown = {"Timestamp": event["Timestamp"]}
    if kind in (h.TIMER_CREATED, h.TIMER_FIRED):
        name = "TimerCreated" if kind == h.TIMER_CREATED else "TimerFired"
        entry |= {"EventType": name, "FireAt": event["FireAt"]}
    elif kind in _PAUSES:
        entry |= {"EventType": _PAUSES[kind], "Reason": event["Reason"]}
    else:
        return []
    return [entry]


def _end(row: InstanceRecord, *, outputs: bool) -> list[Shown]:
    end: Shown = {
        "EventType": "ExecutionCompleted",
        "OrchestrationStatus": row.status,
        "FailureDetails": None,
        "Timestamp": row.updated,
    }
    if outputs:
        end["Result"] = _json(row.output)
    if row.status != "Terminated":
        return [end]
    # The extension keeps the reason as the event's input.
    ended = {"EventType": "ExecutionTerminated", "Input": _json(row.output)}
    return [{**ended, "Timestamp": row.updated}, end]


def _json(text: str | None) -> Any:
    """Return the value of a JSON text; a text that is none is shown as it is."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
