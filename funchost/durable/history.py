"""Builds the history events that the Durable SDK replays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from funchost.clock import now
from funchost.storage.messages import Message
from funchost.storage.turns import TurnRecord

Event = dict[str, Any]

EXECUTION_STARTED = 0
TASK_SCHEDULED, TASK_COMPLETED, TASK_FAILED = 4, 5, 6
SUB_CREATED, SUB_COMPLETED, SUB_FAILED = 7, 8, 9
TIMER_CREATED, TIMER_FIRED = 10, 11
ORCHESTRATOR_STARTED, ORCHESTRATOR_COMPLETED = 12, 13
EVENT_SENT, EVENT_RAISED = 14, 15
EXECUTION_SUSPENDED, EXECUTION_RESUMED = 19, 20


def stamp(moment: datetime) -> str:
    """Write a moment as the real host does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """Read a moment; one without a zone is UTC."""
    moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def event(kind: int, event_id: int = -1, **keys: Any) -> Event:
    """Build one history event stamped with the present moment."""
    return {
        "EventType": kind,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": stamp(now()),
        **keys,
    }


def read(turns: list[TurnRecord]) -> list[Event]:
    """Return the events of an instance's turns, in order."""
    return [event for turn in turns for event in json.loads(turn.events)]


def waiting(inbox: list[Message], execution: str) -> list[Event]:
    """Return the events of an inbox that an execution will take, in order."""
    return [json.loads(one.event) for one in inbox if one.execution in (None, execution)]


def execution_started(
    name: str,
    input_text: str | None,
    instance: str,
    execution: str,
    version: str,
    generation: int | None = 0,
) -> Event:
    """Build the event that starts an execution; its generation is None after a continue-as-new."""
    # The SDK 1.7.0 raises AttributeError when Version is missing; without a version it is null.
    return event(
        EXECUTION_STARTED,
        Name=name,
        Input=input_text,
        Version=version or None,
        Tags=None,
        Generation=generation,
        OrchestrationInstance={"InstanceId": instance, "ExecutionId": execution},
    )


def context_document(
    history: list[Event], input_text: str | None, instance: str, parent: str | None
) -> dict[str, Any]:
    """Return the document that the orchestrator trigger receives."""
    return {
        "history": history,
        # The SDK's get_input() reads objects and JSON within a string. Bare numbers, booleans and
        # lists make it raise, here as on the real host.
        "input": None if input_text is None else json.loads(input_text),
        "instanceId": instance,
        "isReplaying": False,
        "parentInstanceId": parent,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }
