"""The one loop by which a story waits: ask, pause, ask again, until the answer is final.

An event ends a pause early, but an event may be lost, so that timers end pauses too. Every kind of
wait differs only in its events and in the lengths of its pauses.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from function_app.steps.context import Story, StoryContext, Task

T = TypeVar("T")


class Wakes(Protocol):
    """The external events that end pauses early; `woken` chooses the length of the next pause."""

    woken: bool

    def next(self) -> Task | None:
        """Return the event that may end the next pause; None when only the timer ends it."""

    def hear(self) -> None:
        """Record that the event ended the pause."""


class NoEvent:
    """No event at all: timers alone end the pauses."""

    woken = False

    def next(self) -> None:
        return None

    def hear(self) -> None:
        """Do nothing: there is no event."""


class OneEvent:
    """An event that comes once, unless somebody raises it with Durable's key.

    A forged event does not use up the listener: each event is followed by a pause that its timer
    alone ends, and then by a new listener. That pause limits how often forged events make the story
    ask. `woken` stays set after the first event.
    """

    def __init__(self, ctx: StoryContext, name: str) -> None:
        self._ctx, self._name = ctx, name
        # One listener at a time. With several waits for one name, the SDK would hand the event to
        # the latest wait and the host to the first.
        self._task = ctx.wait_for_external_event(name)
        self.woken = self._pauses = False

    def next(self) -> Task | None:
        if self._pauses:
            self._pauses = False
            self._task = self._ctx.wait_for_external_event(self._name)
            return None
        return self._task

    def hear(self) -> None:
        self.woken = self._pauses = True


class NumberedEvents:
    """An event under a new name for each pause, so that it may come again.

    The pause after an event ends by its timer only, so that a sender of many events cannot make the
    story ask without pauses. `number` is that of the next event.
    """

    def __init__(self, ctx: StoryContext, name_of: Callable[[int], str]) -> None:
        self._ctx, self._name_of = ctx, name_of
        self.woken, self.number = False, 0

    def next(self) -> Task | None:
        if self.woken:
            self.woken = False
            return None
        task = self._ctx.wait_for_external_event(self._name_of(self.number))
        self.number += 1
        return task

    def hear(self) -> None:
        self.woken = True


def constant(pause: timedelta) -> Iterator[timedelta]:
    """Yield the same pause for ever."""
    while True:
        yield pause


def doubling(first: timedelta, longest: timedelta) -> Iterator[timedelta]:
    """Yield pauses that double from `first` up to `longest`."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)


def wait_until(
    ctx: StoryContext,
    ask: Callable[[], Story[T]],
    is_final: Callable[[T], bool],
    pauses: Iterator[timedelta],
    *,
    wakes: Wakes,
    pauses_when_woken: Iterator[timedelta] | None = None,
    deadline: datetime | None = None,
) -> Story[T]:
    """Return the first final answer, or the answer at the deadline, which may not be final.

    `pauses_when_woken` are the lengths of the pauses after an event, because the platform may send
    it before its answer changes.
    """
    when_woken = pauses_when_woken or pauses
    while True:
        answer = yield from ask()
        if is_final(answer):
            return answer
        now = ctx.current_utc_datetime
        if deadline is not None and now >= deadline:
            return answer
        pause = next(when_woken if wakes.woken else pauses)
        if deadline is not None:
            pause = min(pause, deadline - now)
        timer = ctx.create_timer(now + pause)
        event = wakes.next()
        if event is None:
            yield timer
        elif (yield ctx.task_any([event, timer])) is event:
            wakes.hear()
            timer.cancel()
