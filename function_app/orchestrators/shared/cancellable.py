"""Cancellation of a story by a person, at any moment at which it waits.

`cancellable` runs a story on a context whose waits end early too when the event of a cancellation
arrives. The story itself then meets `CancelledError` where it waited, so that its own clean-up
leaves the lanes and gives production back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from function_app import names, steps
from function_app.domain.stories.cancellation import Cancellation, StoryId
from function_app.steps.context import Story, StoryContext, Task, Timer

T = TypeVar("T")
Resume = Callable[[], Task]


class CancelledError(Exception):
    """A person cancelled the story; `cancellation` has the person, the time and the reason."""

    def __init__(self, cancellation: Cancellation) -> None:
        self.cancellation = cancellation
        super().__init__(cancellation.reason)


def cancellable(ctx: StoryContext, story: Callable[[StoryContext], Story[T]]) -> Story[T]:
    """Return the result of the story; CancelledError when a person cancelled it."""
    waits = _Waits(ctx)
    inner = story(waits)
    resume: Resume = _sending(inner, None)
    while True:
        try:
            task = resume()
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            answer = yield waits.race(task)
            if answer is waits.event:
                settled = yield from steps.settle_cancellation(
                    ctx, StoryId(instance_id=ctx.instance_id)
                )
                if settled.cancellation is not None:
                    waits.cancel_timers()
                    raise CancelledError(settled.cancellation)
                # A holder of Durable's key can raise the event without a cancellation. The present
                # wait goes on without a listener, because the host has started its tasks already:
                # it would wait for a new listener alone, also after the timer has fired. An event
                # that arrives in between is kept for the listener of the next wait.
                answer = yield waits.finish(task)
        except Exception as error:
            resume = _throwing(inner, error)
        else:
            resume = _sending(inner, answer)


class _Race:
    """A race of the inner story that has not begun yet."""

    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks

    @property
    def is_completed(self) -> bool:
        return False


class _Waits:
    """The context of the inner story: its timers and races end early by the cancelling event."""

    def __init__(self, ctx: StoryContext) -> None:
        self._ctx = ctx
        self._timers: list[Timer] = []
        self._heard = False
        # One listener until its event arrives: the host starts each task only once.
        self.event = self._listen()

    def race(self, task: Task) -> Task:
        """Return the task to yield instead of a new task of the inner story.

        Activities are not raced, because they end by themselves and their effects must be known.
        """
        if isinstance(task, _Race):
            tasks = task.tasks
        elif any(task is timer for timer in self._timers):
            tasks = [task]
        else:
            return task
        if self._heard:
            self.event, self._heard = self._listen(), False
        return self._ctx.task_any([*tasks, self.event])

    def finish(self, task: Task) -> Task:
        """Return the task to yield for the rest of a wait after the event of a cancellation."""
        self._heard = True
        return self._ctx.task_any(task.tasks) if isinstance(task, _Race) else task

    def _listen(self) -> Task:
        return self._ctx.wait_for_external_event(names.cancel_event(self._ctx.instance_id))

    def cancel_timers(self) -> None:
        """Cancel the open timers, because an instance stays Running until its timers are due."""
        for timer in self._timers:
            if not timer.is_completed:
                timer.cancel()

    @property
    def instance_id(self) -> str:
        return self._ctx.instance_id

    @property
    def current_utc_datetime(self) -> datetime:
        return self._ctx.current_utc_datetime

    def call_activity_with_retry(self, name: str, retry_options: Any, input_: Any = None) -> Task:
        return self._ctx.call_activity_with_retry(name, retry_options, input_)

    def wait_for_external_event(self, name: str) -> Task:
        return self._ctx.wait_for_external_event(name)

    def create_timer(self, fire_at: datetime) -> Timer:
        self._timers.append(self._ctx.create_timer(fire_at))
        return self._timers[-1]

    def task_any(self, activities: list[Task]) -> Task:
        return _Race(activities)

    def set_custom_status(self, status: Any) -> None:
        self._ctx.set_custom_status(status)


def _sending(inner: Story[T], answer: object) -> Resume:
    """Return the function that resumes the story with this answer."""
    return lambda: inner.send(answer)


def _throwing(inner: Story[T], error: Exception) -> Resume:
    """Return the function that resumes the story with this error."""
    return lambda: inner.throw(error)
