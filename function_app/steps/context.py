"""The Durable context and the tasks as stories use them, without the SDK's classes."""

from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Task(Protocol):
    """Work that a story waits for when it yields the task."""

    @property
    def is_completed(self) -> bool: ...


class Timer(Task, Protocol):
    """A task that completes at a time."""

    def cancel(self) -> None: ...


# A story yields a task, gets the answer of that task, and returns a T in the end.
Story = Generator[Task, Any, T]


class StoryContext(Protocol):
    """The methods of the Durable context that stories use; both SDK generations have them."""

    @property
    def instance_id(self) -> str: ...

    @property
    def current_utc_datetime(self) -> datetime: ...

    def call_activity_with_retry(
        self, name: str, retry_options: Any, input_: Any = None
    ) -> Task: ...

    def wait_for_external_event(self, name: str) -> Task: ...

    def create_timer(self, fire_at: datetime) -> Timer: ...

    def task_any(self, activities: list[Task]) -> Task: ...

    def set_custom_status(self, status: Any) -> None: ...
