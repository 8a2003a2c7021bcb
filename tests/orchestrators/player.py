"""Drives a story as a generator, without a host."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from funchost.app.limits import check_status
from function_app import names, steps
from function_app.domain.codec import dump
from function_app.domain.stories.cancellation import SettledCancellation

LONGEST = 20_000
DEFAULTS = {steps.settle_cancellation.name: SettledCancellation()}


@dataclass
class Timer:
    fire_at: datetime
    cancelled: bool = False
    is_completed: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Activity:
    name: str
    argument: Any


@dataclass
class Player:
    """A Durable context whose activities are answers by name: values or exceptions."""

    answers: dict[str, Any]
    # Each event arrives once, as soon as the story waits for it.
    event_arrives: bool = True
    raised: set[str] = field(default_factory=set)
    # The story is cancelled when it waits for the time so often, counted from 1.
    cancel_at_wait: int = 0
    waits: int = 0
    instance_id: str = "instance-1"
    current_utc_datetime: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    called: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)

    def call_activity_with_retry(self, name: str, retry_options: Any, input_: Any = None) -> Any:
        return Activity(name, input_)

    def wait_for_external_event(self, name: str) -> Any:
        return name

    def create_timer(self, fire_at: datetime) -> Any:
        self.timers.append(Timer(fire_at))
        return self.timers[-1]

    def task_any(self, activities: list[Any]) -> Any:
        return activities

    def set_custom_status(self, status: Any) -> None:
        # As the host in Azure does: a larger one would fail the story there.
        check_status(json.dumps(status))
        self.shown.append(status["step"])
        self.statuses.append(status)

    def play(self, story: Generator[Any, Any, Any]) -> Any:
        send: Callable[[], Any] = lambda: next(story)  # noqa: E731
        try:
            while True:
                send = self._answer(story, send())
        except StopIteration as end:
            return end.value

    def _answer(self, story: Generator[Any, Any, Any], task: Any) -> Callable[[], Any]:
        if isinstance(task, list):
            return self._answer_race(story, task)
        if isinstance(task, Timer):
            return lambda: story.send(self._fire(task))
        self.called.append(task.name)
        self.arguments.append(task.argument)
        if len(self.called) > LONGEST:
            raise AssertionError(f"The story goes round in circles: {self.called[-6:]}")
        answer = self.answers.get(task.name, DEFAULTS.get(task.name))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            error = answer
            return lambda: story.throw(error)
        return lambda: story.send(dump(answer))

    def _answer_race(self, story: Generator[Any, Any, Any], tasks: list[Any]) -> Callable[[], Any]:
        cancel = names.cancel_event(self.instance_id)
        self.waits += 1
        if cancel in tasks and self.waits == self.cancel_at_wait:
            answer: Any = next(task for task in tasks if task == cancel)
            return lambda: story.send(answer)
        events = [task for task in tasks if isinstance(task, str) and task != cancel]
        events = [event for event in events if event not in self.raised]
        timer = next(task for task in tasks if isinstance(task, Timer))
        if events and self.event_arrives:
            self.raised.add(events[0])
            return lambda: story.send(events[0])
        return lambda: story.send(self._fire(timer))

    def _fire(self, timer: Timer) -> Timer:
        self.current_utc_datetime, timer.is_completed = timer.fire_at, True
        return timer
