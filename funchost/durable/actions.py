"""Walks the actions of an orchestrator strictly in order, as the real host's shim does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from funchost.clock import now
from funchost.durable import history as h
from funchost.durable import http_call

_SCHEDULED = (h.TASK_SCHEDULED, h.SUB_CREATED, h.TIMER_CREATED, h.EVENT_SENT)
_STARTED: dict[str, Any] = {}  # replaces a started action, so that long chains use little memory


class UnsupportedFeatureError(Exception):
    """Says that the app asked for something this host does not do."""


class NonDeterminismError(Exception):
    """Says that the code no longer matches its history."""


@dataclass
class Job:
    """An awaited task and the callbacks that wait for it."""

    done: bool = False
    failed: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def complete(self, failed: bool = False) -> None:
        """Complete once and call every waiting callback."""
        if self.done:
            return
        self.done, self.failed = True, failed
        for wake in self.waiting:
            wake()

    def then(self, wake: Callable[[], None]) -> None:
        """Call wake at once when done, otherwise on completion."""
        if self.done:
            wake()
        else:
            self.waiting.append(wake)


class Walk:
    """Starts actions one after the other as events complete them, and collects the new work.

    It is fed the whole history once; a live orchestration's walk is then fed only the new events.
    """

    def __init__(self, instance: str, execution: str, retry_scale: float = 1.0) -> None:
        """Take the ids that children's ids derive from, and a factor for pauses before retries."""
        self.instance, self.execution = instance, execution
        self._retry_scale = retry_scale
        self.new: list[h.Event] = []
        self.cancelled: set[int] = set()
        self.buffered: dict[str, list[h.Event]] = {}
        self.continue_input: str | None = None
        self.continues = False
        self.finished = False
        self._actions: list[dict[str, Any]] = []
        self._next = 0
        self._index: int | None = None
        self._open: dict[int, Job] = {}
        self._timers: dict[int, tuple[dict[str, Any], Job, datetime]] = {}
        self._waits: dict[str, list[Job]] = {}
        self._known: dict[int, h.Event] = {}
        self._now = now()

    @property
    def working(self) -> bool:
        """Return whether the orchestration awaits more than timers and external events."""
        return len(self._open) > len(self._timers)

    @property
    def has_open_tasks(self) -> bool:
        """Return whether an activity, a child or a timer neither ended nor was cancelled.

        The real host ends no execution before all of them have. Source: Durable Functions
        documentation, "Timers".
        """
        return bool(self._open)

    @property
    def open_timers(self) -> list[datetime]:
        """Return when the code's timers fall due that neither fired nor were cancelled."""
        return [due for action, _, due in self._timers.values() if action]

    def end_at_once(self) -> None:
        """Take the end of the code for that of its tasks, too: the host fails the execution."""
        self.finished = True
        self.new.clear()
        self._open.clear()
        self._timers.clear()

    def feed(self, events: list[h.Event], actions: list[dict[str, Any]]) -> None:
        """Take more actions of the code and more events of the history, in order."""
        self.new, self.cancelled = [], set()
        for event in events:
            if event["EventType"] in _SCHEDULED:
                self._known[event["EventId"]] = event
        http_call.check_uris(actions, len(self._actions))
        self._actions += actions
        for task, (action, job, _) in list(self._timers.items()):
            if action.get("isCanceled"):
                self._cancel(task, job)
        if self._index is not None:
            self._advance(self._index)
        for event in events:
            self._take(event)
        lost = sorted(i for i in self._known if i >= self._next)
        if lost:
            raise NonDeterminismError(
                f"Non-Deterministic workflow detected: task {lost[0]} of the history was not "
                "scheduled again by the code"
            )
        self._known.clear()

    def _take(self, event: h.Event) -> None:
        kind = event["EventType"]
        if kind == h.ORCHESTRATOR_STARTED:
            self._now = h.parse_stamp(event["Timestamp"])
        elif kind == h.EXECUTION_STARTED:
            self._advance(0)
        elif kind in (h.TASK_COMPLETED, h.SUB_COMPLETED, h.TASK_FAILED, h.SUB_FAILED):
            self._settle(event["TaskScheduledId"], kind in (h.TASK_FAILED, h.SUB_FAILED))
        elif kind == h.TIMER_FIRED:
            self._timers.pop(event["TimerId"], None)
            self._settle(event["TimerId"], False)
        elif kind == h.EVENT_RAISED:
            self._raise(event)

    def _advance(self, index: int) -> None:
        # A loop, not recursion, so that thousands of finished actions fit the stack.
        self._index = None
        while index < len(self._actions):
            job = self._start(self._actions[index])
            self._actions[index] = _STARTED
            index += 1
            if not job.done:
                self.finished = False
                job.then(partial(self._advance, index))
                return
        self._index, self.finished = index, True

    def _settle(self, task_id: int, failed: bool) -> None:
        job = self._open.pop(task_id, None)
        if job is not None:
            job.complete(failed)

    def _raise(self, event: h.Event) -> None:
        name = event["Name"].lower()
        waits = self._waits.get(name)
        if waits:
            waits.pop(0).complete()
        else:
            self.buffered.setdefault(name, []).append(event)

    def _schedule(self, kind: int, **keys: Any) -> tuple[int, Job]:
        task_id, job = self._next, Job()
        self._next += 1
        self._open[task_id] = job
        known = self._known.get(task_id)
        if known is None:
            self.new.append(h.event(kind, task_id, **keys))
        elif known["EventType"] != kind or known.get("Name") != keys.get("Name"):
            raise NonDeterminismError(
                f"Non-Deterministic workflow detected: task {task_id} was "
                f"{known.get('Name') or 'a timer'} and is now {keys.get('Name') or 'a timer'}"
            )
        return task_id, job

    def _start(self, action: dict[str, Any]) -> Job:
        kind = action["actionType"]
        if kind in (0, 2):
            return self._call(action)
        if kind in (1, 3):
            return self._retry(action)
        if kind == 4:
            self.continues, self.continue_input = True, _wrapped(action.get("input"))
            return Job(done=True)
        if kind == 5:
            return self._timer(h.parse_stamp(action["fireAt"]), action)
        if kind == 6:
            return self._wait(action["externalEventName"].lower())
        if kind in (7, 9):
            return self._operation(action, signal=kind == 9)
        if kind == 8:
            request = json.dumps(action["httpRequest"])
            return self._schedule(h.TASK_SCHEDULED, Name=http_call.NAME, Version="", Input=request)[
                1
            ]
        if kind in (11, 12):
            return self._compound(kind, action["compoundActions"])
        raise UnsupportedFeatureError(f"action type {kind} is not supported by this local host")

    def _call(self, action: dict[str, Any]) -> Job:
        name, text = action["functionName"], action.get("input")
        if action["actionType"] in (0, 1):
            return self._schedule(h.TASK_SCHEDULED, Name=name, Version="", Input=text)[1]
        child = action.get("instanceId") or f"{self.execution}:{self._next:x}"
        version = action.get("version") or ""
        return self._schedule(
            h.SUB_CREATED, Name=name, InstanceId=child, Input=_wrapped(text), Version=version
        )[1]

    def _operation(self, action: dict[str, Any], *, signal: bool) -> Job:
        """Send an operation to an entity; its answer comes as an event with the request's id."""
        key = f"{self.instance}:{self.execution}:{self._next}"
        request = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
            "signal": signal,
            "input": action.get("input"),
            "parent": self.instance,
        }
        _, sent = self._schedule(
            h.EVENT_SENT,
            Name=action["operation"],
            InstanceId=action["instanceId"],
            Input=json.dumps(request),
        )
        del self._open[self._next - 1]
        sent.complete()
        return sent if signal else self._wait(str(request["id"]))

    def _retry(self, action: dict[str, Any]) -> Job:
        options = action["retryOptions"]
        limit = int(options["maxNumberOfAttempts"])
        interval = int(options["firstRetryIntervalInMilliseconds"]) * self._retry_scale
        pause = timedelta(milliseconds=interval)
        whole = Job()

        def attempt(number: int) -> None:
            job = self._call(action)

            def settled() -> None:
                if not job.failed:
                    whole.complete()
                    return
                # DTFx also waits after the last attempt before the error shows.
                timer = self._timer(self._now + pause, {})
                timer.then(lambda: attempt(number + 1) if number < limit else whole.complete(True))

            job.then(settled)

        attempt(1)
        return whole

    def _timer(self, fire_at: datetime, action: dict[str, Any]) -> Job:
        task_id, job = self._schedule(h.TIMER_CREATED, FireAt=h.stamp(fire_at))
        self._timers[task_id] = (action, job, fire_at)
        if action.get("isCanceled"):
            self._cancel(task_id, job)
        return job

    def _cancel(self, task_id: int, job: Job) -> None:
        del self._timers[task_id], self._open[task_id]
        self.cancelled.add(task_id)
        job.complete()

    def _wait(self, name: str) -> Job:
        early = self.buffered.get(name)
        if early:
            early.pop(0)
            return Job(done=True)
        job = Job()
        self._waits.setdefault(name, []).append(job)
        return job

    def _compound(self, kind: int, actions: list[dict[str, Any]]) -> Job:
        jobs = [self._start(a) for a in actions]
        whole = Job()
        # Counted, because a check of all jobs at each end would take quadratic time.
        missing = 1 if kind == 11 else len(jobs)

        def count() -> None:
            nonlocal missing
            missing -= 1
            if missing <= 0:
                whole.complete()

        for job in jobs:
            job.then(count)
        if not jobs:
            whole.complete()
        return whole


def _wrapped(text: str | None) -> str | None:
    """Return the JSON of a JSON text: the extension passes an action's input on as a string."""
    return None if text is None else json.dumps(text)
