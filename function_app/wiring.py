"""Plain typed functions -> Durable functions: decode, call, encode, name.

Decorating replaces a function by a FunctionBuilder and leaves it no way to its ports but a global;
so plain functions are registered here, each under its own name.
"""

import inspect
import typing
from collections.abc import Callable, Generator
from typing import Any

from function_app.codec import dump, load
from function_app.ports import Ports


def add_activity(app: Any, activity: Callable[..., Any], ports: Ports) -> Callable[[Any], Any]:
    """Register `activity(ports, argument)`; its argument's annotation is the type to decode."""
    kind = _argument_type(activity)

    def run(payload: Any) -> Any:
        return dump(activity(ports, load(kind, payload)))

    _register(run, activity, app.activity_trigger(input_name="payload"))
    return run


def add_story(app: Any, story: Callable[..., Any]) -> Callable[[Any], Any]:
    """Register `story(ctx, argument)` as an orchestrator."""
    kind = _argument_type(story)

    def run(context: Any) -> Generator[Any, Any, Any]:
        return dump((yield from story(context, load(kind, context.get_input()))))

    _register(run, story, app.orchestration_trigger(context_name="context"))
    return run


def _register(run: Callable[..., Any], function: Callable[..., Any], trigger: Any) -> None:
    # Never functools.wraps: the worker reads the signature through __wrapped__. Annotations go,
    # because the worker would read them as binding types.
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.__annotations__ = {}
    trigger(run)


def _argument_type(function: Callable[..., Any]) -> type:
    argument = list(inspect.signature(function).parameters)[1]
    return typing.cast(type, typing.get_type_hints(function)[argument])
