"""Plain typed functions -> Durable functions: decode, call, encode, name.

Decorating replaces a function by a FunctionBuilder and leaves it no way to its ports but a global;
so plain functions are registered here, each under its own name.
"""

import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any

import azure.functions as func

from function_app.codec import dump, load
from function_app.domain.project import ModelProject
from function_app.durable_stories import DurableStories
from function_app.errors import MlopsError
from function_app.ports import Ports
from function_app.triggers.answers import answer_error
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.event_grid import payload_of
from function_app.triggers.inbox import receive

Projects = Mapping[str, ModelProject]


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


def add_route(
    app: Any,
    method: str,
    route: str,
    respond: Callable[[Desk, Request], Awaitable[Answer]],
    ports: Ports,
    projects: Projects,
    *,
    webhook_secrets: Mapping[str, str] | None = None,
) -> None:
    """Register `respond(desk, request)` as an HTTP function; our errors become statuses.

    One that is given webhook secrets checks signatures itself and needs no function key.
    """

    async def run(req: Any, client: Any) -> func.HttpResponse:
        desk = Desk(
            ports=ports,
            projects=projects,
            stories=DurableStories(client),
            webhook_secrets=webhook_secrets or {},
        )
        request = Request(
            route=dict(req.route_params),
            headers={name.lower(): value for name, value in req.headers.items()},
            body=req.get_body(),
        )
        try:
            answer = await respond(desk, request)
        except MlopsError as error:
            answer = answer_error(error)
        text = json.dumps(answer.content)
        return func.HttpResponse(text, status_code=answer.status, mimetype="application/json")

    _name(run, respond)
    bound = app.durable_client_input(client_name="client")(run)
    level = None if webhook_secrets is None else func.AuthLevel.ANONYMOUS
    app.route(route=route, methods=[method], trigger_arg_name="req", auth_level=level)(bound)


def add_event_grid(app: Any, ports: Ports, projects: Projects) -> None:
    """Register the function to which Event Grid delivers."""

    async def on_event(event: Any, client: Any) -> None:
        desk = Desk(ports=ports, projects=projects, stories=DurableStories(client))
        await receive(desk, payload_of(event))

    on_event.__annotations__ = {}
    bound = app.durable_client_input(client_name="client")(on_event)
    app.event_grid_trigger(arg_name="event")(bound)


def add_schedule(app: Any, name: str, schedule: str, act: Callable[[], Any]) -> None:
    """Register a function that acts on a schedule (NCRONTAB, UTC)."""

    def run(timer: Any) -> None:
        act()

    run.__name__ = name
    run.__annotations__ = {}
    app.timer_trigger(schedule=schedule, arg_name="timer")(run)


def _register(run: Callable[..., Any], function: Callable[..., Any], trigger: Any) -> None:
    # Never functools.wraps: the worker reads the signature through __wrapped__. Annotations go,
    # because the worker would read them as binding types.
    _name(run, function)
    trigger(run)


def _name(run: Callable[..., Any], function: Callable[..., Any]) -> None:
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.__annotations__ = {}


def _argument_type(function: Callable[..., Any]) -> type:
    argument = list(inspect.signature(function).parameters)[1]
    return typing.cast(type, typing.get_type_hints(function)[argument])
