"""A step of a story: the name, input, result and retry policy of one activity, declared once.

Stories call a step; activities implement it. Neither imports the other. mypy checks both against
the declaration.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar, cast, overload

from azure.durable_functions import RetryOptions

from function_app.domain.codec import dump, load
from function_app.steps.context import Story, StoryContext

Argument = TypeVar("Argument")
Result = TypeVar("Result")
Ports = TypeVar("Ports")
Stories = TypeVar("Stories")
# RetryOptions of the SDK 1.x have a constant interval, so there is no exponential backoff here.
PLATFORM = RetryOptions(first_retry_interval_in_milliseconds=2_000, max_number_of_attempts=3)


class DeclarationError(Exception):
    """Steps and activities do not match; the text names them and the remedy."""


class Step(Generic[Argument, Result]):
    """A step; `name` is the variable of the declaration and the activity's name in Durable.

    `run` is the activity, None until its module is imported. `wakes_stories` is True when the
    activity takes the port of stories as its third argument.
    """

    def __init__(
        self, argument: type[Argument], result: type[Result] | None, retry: RetryOptions
    ) -> None:
        self.argument, self.result, self.retry = argument, result, retry
        self.name = ""
        self.run: Callable[..., Any] | None = None
        self.wakes_stories = False

    def __repr__(self) -> str:
        result = self.result.__name__ if self.result else "None"
        return f"{self.name or 'step'}({self.argument.__name__}) -> {result}"

    def __call__(self, ctx: StoryContext, argument: Argument) -> Story[Result]:
        """Call the activity from a story and return its result."""
        answer = yield ctx.call_activity_with_retry(self.name, self.retry, dump(argument))
        return cast(Result, None) if self.result is None else load(self.result, answer)

    def activity(
        self, function: Callable[[Ports, Argument], Result]
    ) -> Callable[[Ports, Argument], Result]:
        """Make the decorated function the activity of this step; the function stays as it is."""
        self._bind(function)
        return function

    def story_activity(
        self, function: Callable[[Ports, Argument, Stories], Coroutine[Any, Any, Result]]
    ) -> Callable[[Ports, Argument, Stories], Coroutine[Any, Any, Result]]:
        """Make the decorated function the activity; it reads or wakes other stories, too."""
        self._bind(function)
        self.wakes_stories = True
        return function

    def _bind(self, function: Callable[..., Any]) -> None:
        where = f"{function.__module__}.{function.__name__}"
        if not self.name:
            raise DeclarationError(
                f"Activity {where} has no step, because {self!r} is in no table. Declare it in "
                "function_app/steps/__init__.py."
            )
        if function.__name__ != self.name:
            raise DeclarationError(
                f"Activity {where} is bound to step {self.name}. Give both the same name."
            )
        if self.run is not None:
            raise DeclarationError(
                f"Step {self.name} has two activities, {self.run.__module__}.{self.name} and "
                f"{where}. Remove one of them."
            )
        self.run = function


class StepTable:
    """Declares steps and names them by the variables that hold them."""

    def __init__(self) -> None:
        self._declared: list[Step[Any, Any]] = []

    @overload
    def step(
        self, argument: type[Argument], *, retry: RetryOptions = ...
    ) -> Step[Argument, None]: ...

    @overload
    def step(
        self, argument: type[Argument], result: type[Result], *, retry: RetryOptions = ...
    ) -> Step[Argument, Result]: ...

    def step(
        self,
        argument: type[Any],
        result: type[Any] | None = None,
        *,
        retry: RetryOptions = PLATFORM,
    ) -> Step[Any, Any]:
        """Declare a step by the types of its input and result, and its retry policy."""
        self._declared.append(Step(argument, result, retry))
        return self._declared[-1]

    def name(self, variables: Mapping[str, object]) -> tuple[Step[Any, Any], ...]:
        """Return the steps in the order of their declarations, each with its variable's name.

        DeclarationError when a variable was assigned twice, or two variables hold one step.
        """
        for step in self._declared:
            names = [name for name, value in variables.items() if value is step]
            if not names:
                raise DeclarationError(f"Two steps have one name; {step!r} is the earlier one.")
            if len(names) > 1:
                raise DeclarationError(f"One step has the names {' and '.join(names)}.")
            step.name = names[0]
        return tuple(self._declared)


def check_bound(steps: tuple[Step[Any, Any], ...], stories: tuple[str, ...] = ()) -> None:
    """Raise DeclarationError unless each step has an activity and no story has a step's name."""
    for step in steps:
        if step.run is None:
            raise DeclarationError(
                f"Step {step.name} has no activity. Write `@steps.{step.name}.activity` above its "
                "function, in a module of function_app/activities that composition.py imports."
            )
        if step.name in stories:
            raise DeclarationError(f"{step.name} names a story and a step. Rename the step.")
