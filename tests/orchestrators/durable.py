"""Plays a story with the real SDK and the host's walk, on a time that the test moves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from funchost.app.indexing import HostedFunction
from funchost.durable import history as h
from funchost.durable.execution import Instance, Replayed
from function_app.domain.codec import dump

Orchestrate = Callable[[Any], Any]
LONGEST = 200


class Durable:
    """An instance of a story; every turn replays its whole history, as the real host does.

    `answers` has the answer of each activity by its name: a value, or a list of which the last
    value stays.
    """

    def __init__(self, story: Orchestrate, answers: dict[str, Any]) -> None:
        call = df.Orchestrator.create(story)
        self._function = HostedFunction("story", call, {}, (), False, False)
        self._instance = Instance(id="i", name="story", execution="e", input=None, parent=None)
        self._answers = dict(answers)
        self._pending: list[tuple[int, str]] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.history: list[h.Event] = []
        self.timers: dict[int, datetime] = {}
        self.called: list[str] = []
        self.output: Any = None
        self._done = False
        self._turn(h.execution_started("story", None, "i", "e", ""))

    def ended(self) -> bool:
        """Return whether the story has returned."""
        return self._done

    def change(self, activity: str, answer: Any) -> None:
        """Let an activity answer otherwise from now on."""
        self._answers[activity] = answer

    def raise_event(self, name: str) -> None:
        """Raise an external event, as everybody can who has Durable's key."""
        self._turn(h.event(h.EVENT_RAISED, Name=name, Input="null"))

    def fire(self) -> None:
        """Move the time to the next timer and let it fire."""
        timer = min(self.timers, key=lambda number: (self.timers[number], number))
        self.now = max(self.now, self.timers.pop(timer))
        self._turn(h.event(h.TIMER_FIRED, TimerId=timer, FireAt=h.stamp(self.now)))

    def _turn(self, event: h.Event) -> None:
        assert len(self.called) < LONGEST, f"the story goes round in circles: {self.called[-6:]}"
        live = [self._stamped(h.event(h.ORCHESTRATOR_STARTED)), self._stamped(event)]
        run = Replayed(self._function, self._instance)
        run.run(self.history, live)
        assert run.failure is None, run.failure
        new = [self._stamped(made) for made in run.walk.new]
        self.history += [*live, *new, self._stamped(h.event(h.ORCHESTRATOR_COMPLETED))]
        for made in new:
            if made["EventType"] == h.TIMER_CREATED:
                self.timers[made["EventId"]] = h.parse_stamp(made["FireAt"])
            elif made["EventType"] == h.TASK_SCHEDULED:
                self.called.append(made["Name"])
                self._pending.append((made["EventId"], made["Name"]))
        for number in run.walk.cancelled:
            self.timers.pop(number, None)
        self._done, self.output = run.done and run.walk.finished, run.output
        if self._pending:
            self._answer(*self._pending.pop(0))

    def _answer(self, number: int, name: str) -> None:
        answer = self._answers.get(name)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            fields: dict[str, Any] = {"Reason": str(answer), "Details": ""}
            self._turn(h.event(h.TASK_FAILED, TaskScheduledId=number, **fields))
            return
        result = json.dumps(dump(answer))
        self._turn(h.event(h.TASK_COMPLETED, TaskScheduledId=number, Result=result))

    def _stamped(self, event: h.Event) -> h.Event:
        return {**event, "Timestamp": h.stamp(self.now)}
