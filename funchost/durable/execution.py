"""Runs an orchestrator function on events, by the SDK's own replay.

Both classes lead to the same outcome. `Replayed` hands the whole history to the function at every
turn, as the real host does. `Resident` keeps the SDK's executor of a live orchestration and feeds
it only new events, so that a chain costs linear, not quadratic time; after an eviction or a restart
it replays once. Source: azure-durable-functions 1.7.0, models/TaskOrchestrationExecutor.py.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import contained
from funchost.app.limits import StatusTooLargeError, check_status
from funchost.durable import history as h
from funchost.durable.actions import Walk

MARK = "\n\n$OutOfProcData$:"
TIMER = 5
_DEFAULTS = dict.fromkeys(("Name", "InstanceId", "TaskScheduledId", "Reason", "Details", "Input"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The facts of an instance that an execution needs.

    `retry_scale` multiplies the pauses between the attempts of an activity.
    """

    id: str
    name: str
    execution: str
    input: str | None
    parent: str | None
    retry_scale: float = 1.0


class Replayed:
    """Replays the whole history through the function's public entry, JSON text in and out."""

    def __init__(self, function: HostedFunction | None, instance: Instance) -> None:
        """Take the function; None when the app no longer has it."""
        self._function, self.instance = function, instance
        self.custom: str | None = None
        self.done, self.output = False, None
        self.failure: str | None = None
        self.walk = Walk(instance.id, instance.execution, instance.retry_scale)

    def run(self, past: list[h.Event], live: list[h.Event]) -> None:
        """Replay everything."""
        one, events = self.instance, past + live

        def call() -> str:
            text = json.dumps(h.context_document(events, one.input, one.id, one.parent))
            return str(_existing(self._function, one)(text))

        document, self.failure = _state(call)
        status = document.get("customStatus")
        self.custom = None if status is None else json.dumps(status)
        self.done, self.output = bool(document.get("isDone")), document.get("output")
        actions = (document.get("actions") or [[]])[0]
        _walk(self, events, actions, known="actions" in document)


class Resident:
    """A live orchestration: the SDK's executor and the walk, both fed only new events."""

    def __init__(self, function: HostedFunction, instance: Instance) -> None:
        """Take a function that `can_reside`."""
        self._function, self.instance = function, instance
        # None until the past was fed.
        self._executor: Any = None
        self._timers: list[tuple[Any, dict[str, Any]]] = []
        self.custom: str | None = None
        self.done, self.output = False, None
        self.failure: str | None = None
        self.walk = Walk(instance.id, instance.execution, instance.retry_scale)

    def run(self, past: list[h.Event], live: list[h.Event]) -> None:
        """Feed the past once, then only new events."""
        events = past + live
        # The operations that the walk sent last; the SDK reads the ids of their answers from them.
        sent = [e for e in self.walk.new if e["EventType"] == h.EVENT_SENT]
        document, failure = _state(lambda: self._feed([*sent, *events]))
        if "isDone" in document:
            self.done, self.output = bool(document["isDone"]), document.get("output")
            self.failure = failure
        _walk(self, events, self._new_actions(), known=failure is None or "actions" in document)

    def _feed(self, events: list[h.Event]) -> str:
        text = "{}"
        try:
            if self._executor is None:
                text = self._begin(events)
            elif not self._executor.has_execution_completed:
                for event in events:
                    self._executor.process_event(_sdk_event(event))
                    if self._executor.has_execution_completed:
                        text = self._executor.get_orchestrator_state_str()
                        break
        finally:
            if self._executor is not None:
                status = self._executor.context.custom_status
                self.custom = _dumps(status) if status else None
        return text

    def _begin(self, events: list[h.Event]) -> str:
        from azure.durable_functions.models import DurableOrchestrationContext
        from azure.durable_functions.models.TaskOrchestrationExecutor import (
            TaskOrchestrationExecutor,
        )

        one, code = self.instance, self._function.call
        # The constructor needs one event only, and would parse the dates of all events.
        document = h.context_document(events[:1], one.input, one.id, one.parent)
        context: Any = DurableOrchestrationContext(**document)
        context._input_expected_type = getattr(code, "_df_input_type", None)
        context._histories = [_sdk_event(event) for event in events]
        context._version = context._extract_version_from_history(context._histories)
        self._executor = TaskOrchestrationExecutor()
        self._executor.context = context
        function = code.orchestrator_function  # type: ignore[attr-defined]
        return str(self._executor.execute(context, context.histories, function))

    def _new_actions(self) -> list[dict[str, Any]]:
        """Take the actions since the last turn, and find the timers that were cancelled since."""
        if self._executor is None:
            return []
        taken = self._executor.context._action_payload_v2
        self._executor.context._action_payload_v2 = []
        actions: list[dict[str, Any]] = json.loads(_dumps([a.to_json() for a in taken]))
        for action, document in self._timers:
            document["isCanceled"] = action.is_cancelled
        self._timers = [(a, d) for a, d in self._timers if not a.is_cancelled]
        _find_timers(taken, actions, self._timers)
        return actions


def execution(
    function: HostedFunction | None, instance: Instance, *, replays: bool
) -> Replayed | Resident:
    """Return a resident execution where the SDK allows it and replay is not requested."""
    if replays or function is None or not hasattr(function.call, "orchestrator_function"):
        return Replayed(function, instance)
    return Resident(function, instance)


def _existing(function: HostedFunction | None, instance: Instance) -> Callable[..., Any]:
    if function is None:
        raise LookupError(f"the app has no orchestrator function {instance.name}")
    return function.call


def _state(call: Callable[[], str]) -> tuple[dict[str, Any], str | None]:
    """Return the state that the SDK wrote and the text of its failure."""
    # Early and late events make the SDK warn although they are normal here.
    warnings.filterwarnings("ignore", "Potential duplicate Task completion", UserWarning)
    try:
        with contained():
            return json.loads(call()), None
    except Exception as error:
        message, marker, state = str(error).partition(MARK)
        if marker:
            document: dict[str, Any] = json.loads(state)
            return {**document, "isDone": True}, str(document.get("error") or message)
        return {"isDone": True}, f"{type(error).__name__}: {error}"


def _walk(
    run: Replayed | Resident, events: list[h.Event], actions: list[dict[str, Any]], *, known: bool
) -> None:
    try:
        # A failure without a state says nothing about the actions, so there is nothing to walk.
        if known:
            run.walk.feed(events, actions)
        else:
            run.walk.finished = True
        check_status(run.custom)
    except Exception as error:
        if isinstance(error, StatusTooLargeError):
            run.custom = None
        run.failure, run.walk.finished = str(error), True
        run.walk.new.clear()


def _find_timers(
    actions: list[Any], documents: list[dict[str, Any]], found: list[tuple[Any, dict[str, Any]]]
) -> None:
    for action, document in zip(actions, documents, strict=True):
        if document["actionType"] == TIMER:
            found.append((action, document))
        elif "compoundActions" in document:
            _find_timers(action.compound_tasks, document["compoundActions"], found)


def _dumps(value: Any) -> str:
    from azure.durable_functions.models.utils.df_serialization import df_dumps

    return str(df_dumps(value))


def _sdk_event(event: h.Event) -> Any:
    """Build the SDK's event without its date parser, which takes most of a long replay's time."""
    from azure.durable_functions.models.history import HistoryEvent

    built: Any = HistoryEvent.__new__(HistoryEvent)
    values: dict[str, Any] = {**_DEFAULTS, **event}
    moment = datetime.fromisoformat(values.pop("Timestamp"))
    built.__dict__.update(
        values,
        _event_type=values["EventType"],
        _event_id=values["EventId"],
        _is_played=values["IsPlayed"],
        _timestamp=moment,
        _is_processed=False,
    )
    return built
