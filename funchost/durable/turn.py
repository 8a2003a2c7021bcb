"""The results of one orchestration turn, stored in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from funchost import warnings
from funchost.app.indexing import HostedFunction
from funchost.app.limits import LARGE_STATUS_KB, MOST_STATUS_KB, status_size
from funchost.app.versions import MISMATCH, Versions
from funchost.clock import now
from funchost.durable import history as h
from funchost.durable import http_call
from funchost.durable.actions import Walk
from funchost.durable.entities import send_from
from funchost.durable.execution import Instance, Replayed, Resident
from funchost.durable.instances import finish, new_execution, post, refuse_task, start_child
from funchost.durable.rewind import free_id, recall, stored_answer
from funchost.storage import activities, answers, instances, messages, turns
from funchost.storage.activities import ScheduledActivity, TaskId
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord

LOG = logging.getLogger("funchost.turn")
FunctionMap = Mapping[str, HostedFunction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of an activity; it is stored together with the turn that consumes it."""

    execution: str
    event: h.Event


@dataclass(slots=True)
class Effects:
    """The effects to carry out after a turn of the orchestrator `name` is stored.

    `work` are the activities to start: those that this turn scheduled, and others. A result of a
    `dropped` task is not taken.
    """

    name: str
    stored: bool = True
    ended: bool = False
    instances: list[str] = field(default_factory=list)
    scheduled: list[ScheduledActivity] = field(default_factory=list)
    work: list[ScheduledActivity] = field(default_factory=list)
    dropped: list[TaskId] = field(default_factory=list)
    entities: list[str] = field(default_factory=list)
    timers: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A finished turn: the events that it consumed and the actions of the code."""

    number: int
    run: Replayed | Resident
    used: list[int]
    results: list[Result]
    live: list[h.Event]

    @property
    def instance(self) -> Instance:
        return self.run.instance

    def store(self, db: Connection, functions: FunctionMap, version: str) -> Effects:
        """Store history, outgoing work and status atomically; a concurrent change wins."""
        one = self.instance
        effects = Effects(one.name)
        row = instances.get(db, one.id)
        if row is None or row.execution != one.execution or row.ended:
            return Effects(one.name, stored=False)
        tasks = [result.event["TaskScheduledId"] for result in self.results]
        activities.delete(db, one.id, one.execution, tasks)
        if row.status == "Suspended":
            # Its results and messages stay in the inbox.
            for result in self.results:
                post(db, one.id, one.execution, result.event)
            return Effects(one.name, stored=False)
        messages.delete(db, self.used)
        self._keep(db, functions, version, row, effects)
        return effects

    def _keep(
        self,
        db: Connection,
        functions: FunctionMap,
        version: str,
        row: InstanceRecord,
        effects: Effects,
    ) -> None:
        run, walk, one = self.run, self.run.walk, self.instance
        row = row._replace(custom=run.custom)
        size = status_size(run.custom)
        if size >= LARGE_STATUS_KB:
            warnings.large_status(db, one.id, size, MOST_STATUS_KB)
        # As on the real host, nothing ends before its last activity, child or timer.
        ends = walk.finished and not walk.has_open_tasks
        if ends and walk.continues and run.failure is None:
            instances.set_running(db, row, h.stamp(now()))
            self._send(db, row, effects)
            self._continue(db, row, effects)
            return
        ends = ends and (run.done or run.failure is not None)
        settled = set() if ends else self._recall(db, row, effects)
        for event in walk.new:
            if event["EventType"] == h.SUB_CREATED:
                event["Version"] = event["Version"] or version
                if event["EventId"] not in settled:
                    event["InstanceId"] = free_id(db, row, event)
        events = [*self.live, *walk.new, h.event(h.ORCHESTRATOR_COMPLETED)]
        turns.append(db, one.id, self.number, json.dumps(events))
        if ends and run.failure is not None:
            text = f"Orchestrator function '{one.name}' failed: {run.failure}"
            LOG.warning("%s: %s", one.id, text.splitlines()[0])
            if run.function is None:
                warnings.unknown_orchestrator(db, one.id, one.name)
            self._end(db, row, effects, "Failed", json.dumps(text.strip()), text)
        elif ends:
            self._end(db, row, effects, "Completed", run.result)
        else:
            instances.set_running(db, row, h.stamp(now()))
            if walk.finished and (run.done or run.failure is not None):
                _warn_open(db, one.id, walk)
            for event in walk.new:
                if event["EventId"] not in settled:
                    _dispatch(db, functions, row, event, walk.cancelled, effects)
            activities.schedule(db, effects.scheduled)
            effects.work += effects.scheduled
            for task in walk.cancelled:
                messages.delete_timer(db, one.id, task)

    def _recall(self, db: Connection, row: InstanceRecord, effects: Effects) -> set[int]:
        """Settle the new tasks that began before a rewind; return their numbers."""
        settled: set[int] = set()
        for event in self.run.walk.new if answers.exist(db, row.id) else ():
            rewound = recall(db, row, event)
            if rewound is not None:
                settled.add(event["EventId"])
                effects.work += rewound.work
                effects.instances += rewound.instances
                effects.dropped += rewound.dropped
        return settled

    def _send(self, db: Connection, row: InstanceRecord, effects: Effects) -> None:
        # Messages that the code sent before the end are sent, even when it failed.
        for event in self.run.walk.new:
            if event["EventType"] == h.EVENT_SENT and stored_answer(db, row, event) is None:
                effects.entities.append(send_from(db, row, event))

    def _end(
        self,
        db: Connection,
        row: InstanceRecord,
        effects: Effects,
        status: str,
        output: str,
        reason: str | None = None,
    ) -> None:
        self._send(db, row, effects)
        effects.ended = True
        parent = finish(db, row, status, output, reason)
        effects.instances += [parent] if parent else []

    def _continue(self, db: Connection, row: InstanceRecord, effects: Effects) -> None:
        one, walk, execution = self.instance, self.run.walk, new_execution()
        events = json.dumps([*self.live, *walk.new])
        former = turns.FormerExecution(
            one.id, one.execution, row.input, walk.continue_input, events
        )
        turns.keep_former(db, former, self.number)
        instances.start_execution(db, one.id, execution, walk.continue_input)
        started = h.execution_started(
            one.name, walk.continue_input, one.id, execution, row.version, generation=None
        )
        post(db, one.id, execution, started)
        # The SDK cannot ask the extension to keep the events that this execution did not take.
        dropped = [event["Name"] for events in walk.buffered.values() for event in events]
        if dropped:
            warnings.events_dropped(db, one.id, dropped)
        effects.ended = True
        effects.instances.append(one.id)


def refuse(
    db: Connection, row: InstanceRecord, versions: Versions, results: list[Result]
) -> Effects:
    """Store that an instance's turn is not taken because of its version.

    It goes on waiting, with a warning, or it fails, as the app's settings say.
    """
    current = instances.get(db, row.id)
    if current is None or current.execution != row.execution or current.ended:
        return Effects(row.name, stored=False)
    tasks = [result.event["TaskScheduledId"] for result in results]
    activities.delete(db, row.id, row.execution, tasks)
    for result in results:
        post(db, row.id, row.execution, result.event)
    if versions.failure == "Reject":
        warnings.version_not_taken(db, row.id, row.version, versions.default)
        return Effects(row.name, stored=False)
    parent = finish(db, current, "Failed", json.dumps(MISMATCH), MISMATCH)
    return Effects(row.name, ended=True, instances=[parent] if parent else [])


def _warn_open(db: Connection, instance: str, walk: Walk) -> None:
    """Warn that an execution whose code has returned waits for its open tasks."""
    if walk.open_timers:
        warnings.open_timer(db, instance, h.stamp(max(walk.open_timers)))
    if walk.working:
        warnings.open_task(db, instance)


def _dispatch(
    db: Connection,
    functions: FunctionMap,
    row: InstanceRecord,
    event: h.Event,
    cancelled: set[int],
    effects: Effects,
) -> None:
    kind, task = event["EventType"], event["EventId"]
    instance, execution = row.id, row.execution
    if kind == h.TIMER_CREATED:
        if task not in cancelled:
            due = h.parse_stamp(event["FireAt"]).timestamp()
            fired = h.event(h.TIMER_FIRED, TimerId=task, FireAt=event["FireAt"])
            post(db, instance, execution, fired, due, task)
            effects.timers.append(due)
        return
    if kind == h.EVENT_SENT:
        effects.entities.append(send_from(db, row, event))
        return
    name = event["Name"]
    trigger = "activityTrigger" if kind == h.TASK_SCHEDULED else "orchestrationTrigger"
    function = functions.get(name.lower())
    if name != http_call.NAME and (function is None or function.kind != trigger):
        reason = f"The function '{name}' doesn't exist, is disabled, or is not a {trigger} function"
    elif kind == h.TASK_SCHEDULED:
        effects.scheduled.append(
            ScheduledActivity(instance, execution, task, name, event["Input"], row.trace)
        )
        return
    else:
        effects.instances.append(start_child(db, row, event))
        return
    refuse_task(db, row, event, reason)
    effects.instances.append(instance)
