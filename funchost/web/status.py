"""The documents in which the status routes show an instance.

Source: Durable Functions documentation, "HTTP API reference", get instance status.
"""

from __future__ import annotations

import json
from typing import Any

from funchost.durable import history as h
from funchost.storage import entities
from funchost.storage.connection import Reader
from funchost.storage.instances import InstanceRecord

_NAMES = {
    4: "TaskScheduled",
    5: "TaskCompleted",
    6: "TaskFailed",
    7: "SubOrchestrationInstanceCreated",
    8: "SubOrchestrationInstanceCompleted",
    9: "SubOrchestrationInstanceFailed",
    10: "TimerCreated",
    11: "TimerFired",
    0: "ExecutionStarted",
    15: "EventRaised",
}


def _moment(text: str) -> str:
    return text[:19] + "Z"


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def status_document(row: InstanceRecord, show_input: bool = True) -> dict[str, Any]:
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


def entity_as_instance(reader: Reader, entity: str) -> InstanceRecord | None:
    """Return an entity as the instance as which the extension runs it, None when there is none."""
    record = entities.get(reader, entity)
    if record is None:
        return None
    return InstanceRecord(
        id=record.id,
        name=record.id,
        execution="",
        status="Running",
        input=None,
        output=None,
        custom=None,
        created=record.created,
        updated=record.updated,
        parent=None,
        parent_execution=None,
        parent_task=None,
        version="",
        trace="",
        caller="",
    )


def history_document(events: list[h.Event], *, inputs: bool, outputs: bool) -> list[dict[str, Any]]:
    """Write a history as the status endpoint shows it: an ended task is one entry."""
    shown: list[dict[str, Any]] = []
    scheduled: dict[int, dict[str, Any]] = {}
    for event in events:
        kind = event["EventType"]
        if kind not in _NAMES:
            continue
        event["EventType"] = _NAMES[kind]
        if not outputs:
            event.pop("Result", None)
        if not inputs:
            event.pop("Input", None)
        if kind in (h.TASK_SCHEDULED, h.SUB_CREATED):
            scheduled[event["EventId"]] = event
        # The extension shows an ended task with its name and its start.
        begun = scheduled.get(event.get("TaskScheduledId", -1))
        if begun is not None:
            event |= {"FunctionName": begun["Name"], "ScheduledTime": begun["Timestamp"]}
            shown.remove(begun)
        shown.append(event)
    return shown
