"""Plain typed functions -> Durable functions: decode, call, encode, name.

Decorating replaces a function by a FunctionBuilder and leaves it no way to its ports but a global;
so plain functions are registered here, each under its own name.
"""

import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import azure.functions as func

from function_app import telemetry
from function_app.domain.access.audit import AuditEvent
from function_app.domain.access.budgets import Budgets
from function_app.domain.access.proxies import NO_PROXIES, TrustedProxies
from function_app.domain.codec import dump, load
from function_app.domain.project import Limits, ModelProject
from function_app.domain.text.plain_text import clean_json
from function_app.domain.text.redaction import redact_fields
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.durable_stories import DurableStories
from function_app.errors import MlopsError
from function_app.handler_threads import run_apart
from function_app.log_redaction import redacted_faults
from function_app.ports import Ports
from function_app.records.recorder import Recorder
from function_app.steps.step import Step, check_bound
from function_app.triggers.answers import answer_error
from function_app.triggers.audit import (
    REFUSALS,
    Asked,
    action_of,
    record_answer,
    record_refused,
    record_refused_activity,
)
from function_app.triggers.events.event_grid import payload_of
from function_app.triggers.events.inbox import take_in
from function_app.triggers.events.verification import EVENT_GRID
from function_app.triggers.invocation import Answer, Invocation, Request, Respond, no_refusals

Projects = Mapping[str, ModelProject]


def add_activity(
    app: Any, step: Step[Any, Any], ports: Ports, recorder: Recorder | None = None
) -> Callable[..., Any]:
    """Register the activity of a step, under the step's name.

    A refusal by an activity is recorded in the audit log, except by one that wakes stories.
    """
    if step.wakes_stories:
        return _add_story_activity(app, step, ports)
    activity = _activity_of(step)

    def run(payload: Any, context: Any) -> Any:
        argument: Any = load(step.argument, payload)
        try:
            with redacted_faults(), telemetry.invoked(step.name, context, argument):
                return redact_fields(dump(activity(ports, argument)))
        except REFUSALS as error:
            facts = telemetry.facts_of(argument)
            record_refused_activity(recorder, ports.clock.now(), step.name, facts, error)
            raise

    _register(run, activity, app.activity_trigger(input_name="payload"))
    return run


def _add_story_activity(app: Any, step: Step[Any, Any], ports: Ports) -> Callable[..., Any]:
    activity = _activity_of(step)

    async def run(payload: Any, client: Any, context: Any) -> Any:
        argument: Any = load(step.argument, payload)

        stories = DurableStories(client)

        async def act() -> Any:
            with redacted_faults(), telemetry.invoked(step.name, context, argument):
                return redact_fields(dump(await activity(ports, argument, stories)))

        return await run_apart(act)

    _name(run, activity)
    bound = app.durable_client_input(client_name="client")(run)
    app.activity_trigger(input_name="payload")(bound)
    return run


def _activity_of(step: Step[Any, Any]) -> Callable[..., Any]:
    check_bound((step,))
    assert step.run is not None  # checked above
    return step.run


def add_story(app: Any, story: Callable[..., Any]) -> Callable[[Any], Any]:
    """Register `story(ctx, argument)` as an orchestrator."""
    kind = _argument_type(story)

    def run(context: Any) -> Generator[Any, Any, Any]:
        return dump((yield from story(context, load(kind, context.get_input()))))

    _register(run, story, app.orchestration_trigger(context_name="context"))
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedContext:
    """The ports, settings and budgets that all invocations of one app share."""

    ports: Ports
    projects: Projects
    limits: Limits
    recorder: Recorder
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    topics: tuple[str, ...] = ()
    sources: Mapping[str, WebhookSource] = field(default_factory=dict)
    proxies: TrustedProxies = NO_PROXIES
    budgets: Budgets = field(default_factory=Budgets)
    host_refusals: Callable[[Callable[[AuditEvent], None]], None] = no_refusals

    def invocation(self, client: Any) -> Invocation:
        """Return the context of one invocation; call this on the host's event loop."""
        return Invocation(
            ports=self.ports,
            projects=self.projects,
            stories=DurableStories(client),
            limits=self.limits,
            webhook_secrets=self.webhook_secrets,
            topics=self.topics,
            sources=self.sources,
            budgets=self.budgets,
            recorder=self.recorder,
            host_refusals=self.host_refusals,
        )


def add_route(
    app: Any,
    method: str,
    route: str,
    respond: Respond,
    shared: SharedContext,
    *,
    anonymous: bool = False,
) -> None:
    """Register `respond(invocation, request)` as an HTTP function; our errors become statuses.

    An anonymous route needs no function key: it authenticates its sender itself.
    """

    async def run(req: Any, client: Any, context: Any) -> func.HttpResponse:
        request = Request(
            route=dict(req.route_params),
            query=dict(req.params),
            headers={name.lower(): _encodable(text) for name, text in req.headers.items()},
            body=req.get_body(),
            proxies=shared.proxies,
        )
        invocation, action = shared.invocation(client), action_of(respond.__name__)
        invocation.attempt.keyless = anonymous

        async def handle() -> func.HttpResponse:
            try:
                with redacted_faults(), telemetry.invoked(respond.__name__, context):
                    answer = _as_json(await respond(invocation, request))
            except MlopsError as error:
                answer = _as_json(answer_error(error))
            asked = Asked(method=method, action=action, request=request, answer=answer)
            return _response(await record_answer(shared.recorder, invocation, asked))

        return await run_apart(handle)

    _name(run, respond)
    bound = app.durable_client_input(client_name="client")(run)
    level = func.AuthLevel.ANONYMOUS if anonymous else None
    app.route(route=route, methods=[method], trigger_arg_name="req", auth_level=level)(bound)


def _as_json(answer: Answer[Any]) -> Answer[Any]:
    """Return the answer with its content as plain JSON; bytes of a media type stay."""
    return answer if answer.media_type else replace(answer, content=dump(answer.content))


def _encodable(text: str) -> str:
    """Return a header with `?` for bytes that are no UTF-8; hosts hand these on as surrogates.

    Without this, a credential of such bytes would raise in the code that hashes or compares it.
    """
    return text.encode(errors="replace").decode()


def _response(answer: Answer[Any]) -> func.HttpResponse:
    raw = answer.media_type is not None
    return func.HttpResponse(
        answer.content if raw else json.dumps(clean_json(answer.content)),
        status_code=answer.status,
        mimetype=answer.media_type or "application/json",
        headers={"X-Content-Type-Options": "nosniff", **answer.headers},
    )


def add_event_grid(app: Any, shared: SharedContext) -> None:
    """Register the function to which Event Grid delivers."""

    async def on_event(event: Any, client: Any, context: Any) -> None:
        invocation = shared.invocation(client)

        async def handle() -> None:
            with telemetry.invoked(on_event.__name__, context):
                await take_in(invocation, EVENT_GRID, [payload_of(event)])
            await record_refused(shared.recorder, invocation)

        await run_apart(handle)

    on_event.__annotations__ = {}
    bound = app.durable_client_input(client_name="client")(on_event)
    app.event_grid_trigger(arg_name="event")(bound)


def add_timer(
    app: Any,
    name: str,
    schedule: str,
    act: Callable[[Invocation], Awaitable[Any]],
    shared: SharedContext,
) -> None:
    """Register `act(invocation)` to run on a schedule (NCRONTAB of six fields, UTC)."""

    async def run(timer: Any, client: Any, context: Any) -> None:
        invocation = shared.invocation(client)

        async def handle() -> None:
            with telemetry.invoked(name, context):
                await act(invocation)
            await record_refused(shared.recorder, invocation)

        await run_apart(handle)

    run.__name__ = name
    run.__doc__ = act.__doc__
    run.__annotations__ = {}
    bound = app.durable_client_input(client_name="client")(run)
    app.timer_trigger(schedule=schedule, arg_name="timer")(bound)


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
