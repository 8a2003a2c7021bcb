"""Runs an orchestrator function on events, by the SDK's own replay.

Both classes lead to the same outcome. `Replayed` hands the whole history to the function at every
turn, as the real host does. `Resident` keeps the SDK's executor of a live orchestration and feeds
it only new events, so that a chain costs linear, not quadratic time; after an eviction or a restart
it replays once. Source: azure-durable-functions 1.7.0, models/TaskOrchestrationExecutor.py.
"""

from __future__ import annotations

import copy
import functools
import json
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import contained
from funchost.app.json_text import TooDeepError, check_depth, encoded, without_nan
from funchost.app.limits import StatusTooLargeError, check_status
from funchost.durable import history as h
from funchost.durable.actions import Walk
from funchost.storage.instances import InstanceRecord

if TYPE_CHECKING:
    from azure.durable_functions.models import DurableOrchestrationContext
    from azure.durable_functions.models.history import HistoryEvent

MARK = "\n\n$OutOfProcData$:"
TIMER, ORCHESTRATION = 5, "orchestrationTrigger"
_DEFAULTS = dict.fromkeys(("Name", "InstanceId", "TaskScheduledId", "Reason", "Details", "Input"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The facts of an instance that an execution needs.

    `retry_scale` multiplies the pauses between the attempts of an activity. `stored` returns the
    events of the turns that were stored.
    """

    id: str
    name: str
    execution: str
    input: str | None
    parent: str | None
    retry_scale: float = 1.0
    stored: Callable[[], list[h.Event]] = list


def instance_of(
    row: InstanceRecord, stored: Callable[[], list[h.Event]], retry_scale: float = 1.0
) -> Instance:
    """Return the facts of a stored instance; `stored` and `retry_scale` are those of Instance."""
    return Instance(
        id=row.id,
        name=row.name,
        execution=row.execution,
        input=row.input,
        parent=row.parent,
        retry_scale=retry_scale,
        stored=stored,
    )


class UnknownFunctionError(LookupError):
    """Says in the words of the real host that the app has no such orchestrator function."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """Take the name and the names of the orchestrator functions of the app."""
        names = ", ".join(f"'{one}'" for one in sorted(known))
        super().__init__(
            f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function."
            f" Additional info: The following are the known orchestrator functions: {names}."
        )


class Replayed:
    """Replays the whole history through the function's public entry, JSON text in and out."""

    def __init__(
        self, function: HostedFunction | None, instance: Instance, known: Sequence[str] = ()
    ) -> None:
        """Take the function, None when the app has none, and the names of those that it has."""
        self.function, self.instance, self._known = function, instance, known
        self.custom: str | None = None
        self.done, self.output, self.result = False, None, "null"
        self.failure: str | None = None
        self.walk = Walk(instance.id, instance.execution, instance.retry_scale)

    def run(self, past: list[h.Event], live: list[h.Event]) -> None:
        """Replay everything."""
        one, events = self.instance, past + live

        def call() -> str:
            text = json.dumps(h.context_document(events, one.input, one.id, one.parent))
            if self.function is None:
                raise UnknownFunctionError(one.name, self._known)
            return str(self.function.call(text))

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
        self.function, self.instance = function, instance
        self._histories = Histories(instance.stored)
        # None until the past was fed.
        self._executor: Any = None
        self._timers: list[tuple[Any, dict[str, Any]]] = []
        self.custom: str | None = None
        self.done, self.output, self.result = False, None, "null"
        self.failure: str | None = None
        self.walk = Walk(instance.id, instance.execution, instance.retry_scale)

    def run(self, past: list[h.Event], live: list[h.Event]) -> None:
        """Feed the past once, then only new events."""
        events = past + live
        self._histories.begin(live)
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
        code = self.function.call
        history = [_sdk_event(event) for event in events]
        context = _context(self.instance, history[0])
        context._input_expected_type = getattr(code, "_df_input_type", None)
        context._histories = self._histories
        context._version = context._extract_version_from_history(history)
        self._executor = copy.copy(_executor())
        self._executor.initialize()
        self._executor.context = context
        function = code.orchestrator_function  # type: ignore[attr-defined]
        return str(self._executor.execute(context, history, function))

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


@functools.cache
def _executor() -> Any:
    """Return an executor to copy: its constructor makes a class, which takes 0.1 ms each time."""
    from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

    return TaskOrchestrationExecutor()


def _context(one: Instance, begun: HistoryEvent) -> DurableOrchestrationContext:
    """Return the context of an instance whose first turn begins with the SDK's event `begun`."""
    context = copy.copy(_blank_context())
    document = h.context_document([], one.input, one.id, one.parent)
    given = document["input"]
    context._instance_id, context._parent_instance_id = one.id, one.parent
    context._input = json.dumps(given) if isinstance(given, dict) else given
    # The host runs in UTC, where the zone that the SDK's parser chose has the same time.
    first = copy.copy(context.decision_started_event)
    first._timestamp = begun.timestamp.replace(tzinfo=first.timestamp.tzinfo)
    context.decision_started_event, context._current_utc_datetime = first, first.timestamp
    # An instance changes these objects, so that no other may share them.
    context._action_payload_v1, context._action_payload_v2 = [], []
    context.open_tasks, context.deferred_tasks = defaultdict(list), {}
    context._function_context = copy.copy(context._function_context)
    return context


@functools.cache
def _blank_context() -> DurableOrchestrationContext:
    """Return a context to copy: its constructor reads times by parsers, 0.1 ms each time."""
    from azure.durable_functions.models import DurableOrchestrationContext

    started = h.event(h.ORCHESTRATOR_STARTED)
    return DurableOrchestrationContext(**h.context_document([started], None, "", None))


class Histories(Sequence[object]):
    """The history that the code of a live orchestration sees; it is read when the code asks.

    The turns before the present one are stored already, so none of it is kept in memory.
    """

    def __init__(self, stored: Callable[[], list[h.Event]]) -> None:
        """Take the reader of the stored events."""
        self._stored = stored
        self._live: list[h.Event] = []
        self._built: list[object] | None = None

    def begin(self, live: list[h.Event]) -> None:
        """Take the events of the present turn."""
        self._live, self._built = live, None

    def _events(self) -> list[object]:
        if self._built is None:
            past = [{**event, "IsPlayed": True} for event in self._stored()]
            self._built = [_sdk_event(event) for event in [*past, *self._live]]
        return self._built

    def __len__(self) -> int:
        return len(self._events())

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> list[object]: ...
    def __getitem__(self, index: int | slice) -> object:
        return self._events()[index]


def execution(
    functions: Mapping[str, HostedFunction], instance: Instance, *, replays: bool
) -> Replayed | Resident:
    """Return a resident execution where the SDK allows it and replay is not requested."""
    function = functions.get(instance.name.lower())
    if function is None or function.kind != ORCHESTRATION:
        known = [one.name for one in functions.values() if one.kind == ORCHESTRATION]
        return Replayed(None, instance, known)
    if replays or not hasattr(function.call, "orchestrator_function"):
        return Replayed(function, instance)
    return Resident(function, instance)


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
        if isinstance(error, UnknownFunctionError):
            return {"isDone": True}, str(error)
        return {"isDone": True}, f"{type(error).__name__}: {error}"


def _walk(
    run: Replayed | Resident, events: list[h.Event], actions: list[dict[str, Any]], *, known: bool
) -> None:
    try:
        # A failure without a state says nothing about the actions, so there is nothing to walk.
        if known:
            run.walk.feed(events, actions)
        else:
            run.walk.end_at_once()
        if run.custom is not None:
            check_depth(run.custom)
            check_status(run.custom)
            run.custom = without_nan(run.custom)
        if run.done and run.failure is None:
            run.result = encoded(run.output)
    except Exception as error:
        if isinstance(error, StatusTooLargeError | TooDeepError):
            run.custom = None
        run.failure = str(error)
        run.walk.end_at_once()


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
