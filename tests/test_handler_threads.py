"""No handler runs on the host's event loop, so that no port can block it."""

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import azure.durable_functions as df
import azure.functions as func
import pytest

from function_app.domain.project import Limits
from function_app.domain.requests import RunId
from function_app.handler_threads import run_apart
from function_app.ports import Ports, Stories
from function_app.steps.step import StepTable
from function_app.triggers.invocation import Answer, Invocation, Request
from function_app.wiring import SharedContext, add_activity, add_route, add_timer

STARTER = json.dumps(
    {
        "taskHubName": "hub",
        "creationUrls": {},
        "managementUrls": {},
        "rpcBaseUrl": "http://127.0.0.1:9/",
    }
)


class Ledger:
    """A port of which a call ends only when the host's loop lets it."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()

    def read(self) -> bool:
        """Return whether the loop was free while this call waited, for at most ten minutes."""
        self.asked.set()
        return self.answer.wait(600)


class Quiet:
    """A recorder that records nothing."""

    def record(self, event: object) -> None: ...

    def flush(self, now: object = None) -> None: ...


def register_route(app: Any, ledger: Ledger, free: list[bool]) -> dict[str, Any]:
    async def get_release(invocation: Invocation, request: Request) -> Answer[Any]:
        free.append(ledger.read())
        return Answer(status=200, content={})

    add_route(app, "GET", "release", get_release, shared())
    request = func.HttpRequest(method="GET", url="/api/release", body=b"")
    return {"req": request, "client": STARTER, "context": None}


def register_timer(app: Any, ledger: Ledger, free: list[bool]) -> dict[str, Any]:
    async def act(invocation: Invocation) -> None:
        free.append(ledger.read())

    add_timer(app, "compare", "0 * * * * *", act, shared())
    return {"timer": None, "client": STARTER, "context": None}


def register_activity(app: Any, ledger: Ledger, free: list[bool]) -> dict[str, Any]:
    table = StepTable()
    look = table.step(RunId)
    table.name({"read_ledger": look})

    @look.story_activity
    async def read_ledger(ports: Ports, run: RunId, stories: Stories) -> None:
        free.append(ledger.read())

    add_activity(app, look, cast(Ports, None))
    return {"payload": {"run_id": "r1"}, "client": STARTER, "context": None}


@pytest.mark.parametrize("register", [register_route, register_timer, register_activity])
def test_a_port_that_takes_long_leaves_the_hosts_loop_free(
    register: Callable[[Any, Ledger, list[bool]], dict[str, Any]],
) -> None:
    app, ledger, free = df.DFApp(), Ledger(), list[bool]()
    arguments = register(app, ledger, free)
    [function] = app.get_functions()

    async def host() -> None:
        invocation = asyncio.create_task(function.get_user_function()(**arguments))
        while not ledger.asked.is_set():
            await asyncio.sleep(0.001)
        ledger.answer.set()
        await invocation

    asyncio.run(host())

    assert free == [True]


def test_a_handler_sees_the_context_of_its_invocation() -> None:
    span = contextvars.ContextVar("span", default="")

    async def handle() -> str:
        return span.get()

    async def host() -> str:
        span.set("of the request")
        return await run_apart(handle)

    assert asyncio.run(host()) == "of the request"


def test_a_handler_goes_on_when_its_client_has_gone() -> None:
    done = threading.Event()
    begun = threading.Event()

    async def handle() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        done.set()

    async def host() -> None:
        invocation = asyncio.create_task(run_apart(handle))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        invocation.cancel()

    asyncio.run(host())

    assert done.wait(600)


def shared() -> SharedContext:
    class Clock:
        def now(self) -> None: ...

    class OnlyAClock:
        clock = Clock()

    ports, recorder = cast(Any, OnlyAClock()), cast(Any, Quiet())
    return SharedContext(ports=ports, projects={}, limits=Limits(), recorder=recorder)
