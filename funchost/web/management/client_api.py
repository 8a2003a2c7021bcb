"""The Durable management routes: a secret path for the worker, a key for others.

Source: Durable Functions documentation, "HTTP API reference"; bodies and codes that it leaves open
follow the recorded answers of the extension 3.19.0 (tests/conformance).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from funchost.app.settings import HostSettings
from funchost.durable.engine import Engine
from funchost.keys import given_key, opens
from funchost.storage import instances
from funchost.web.management.bindings import PUBLIC
from funchost.web.management.entity_api import EntityApi
from funchost.web.management.life_cycle_api import LifeCycleApi
from funchost.web.management.status_api import StatusApi
from funchost.web.management.urls import Starts, Urls, read_limits
from funchost.web.paths import Operation, find, segments
from funchost.web.queries import (
    BodyError,
    QueryError,
    in_use,
    json_body,
    parameter,
    refusal,
)

_BAD_ID = re.compile(r"^@|[/\\#?\x00-\x1f\x7f-\x9f]")
MAX_ID = 256
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ClientApi:
    """Answers the start route, and leads every other request to its operation."""

    def __init__(
        self, engine: Engine, urls: Urls, settings: HostSettings, key: str, rpc: str
    ) -> None:
        """Take the key that guards the public copy of the routes, and the path of the other one."""
        self._rpc = rpc
        self._engine, self._store, self._key = engine, engine.store, key
        self._urls, self._settings = urls, settings
        self._operations = self._table()

    def _table(self) -> list[Operation]:
        status, entity = StatusApi(self._engine), EntityApi(self._engine)
        self._starts = Starts(self._engine, self._urls, status)
        life = LifeCycleApi(self._engine, self._starts, self._settings)
        verbs = ("terminate", "suspend", "resume")
        return [
            Operation("POST", "orchestrators/{}", self.start),
            Operation("POST", "orchestrators/{}/{}", self.start),
            Operation("GET", "instances", status.list),
            Operation("DELETE", "instances", life.purge_many),
            Operation("GET", "instances/{}", status.get),
            Operation("DELETE", "instances/{}", life.purge),
            Operation("POST", "instances/{}/raiseevent/{}", life.raise_event),
            *(
                Operation("POST", f"instances/{{}}/{verb}", partial(life.change, verb))
                for verb in verbs
            ),
            Operation("POST", "instances/{}/rewind", life.rewind),
            Operation("POST", "instances/{}/restart", life.restart),
            Operation("GET", "entities", entity.list),
            Operation("GET", "entities/{}", entity.list),
            Operation("GET", "entities/{}/{}", entity.get),
            *(
                Operation(method, template, handler)
                for method, handler in (("POST", entity.signal), ("DELETE", entity.delete))
                for template in ("entities/{}", "entities/{}/{}")
            ),
            *(Operation(method, "entities", entity.refuse) for method in ("POST", "DELETE")),
        ]

    def routes(self) -> list[web.RouteDef]:
        """List one route per prefix; the rest of the path names the operation."""
        rest = "{rest:(?:/[\\s\\S]*)?}"
        return [
            web.route("*", self._rpc + rest, self._loopback(self._lead(len(self._rpc)))),
            web.route("*", f"/{{p:(?i:{PUBLIC[1:]})}}{rest}", self._keyed(self._lead(len(PUBLIC)))),
        ]

    def _lead(self, prefix: int) -> Answer:
        async def lead(request: web.Request) -> web.StreamResponse:
            path = segments(request.rel_url.raw_path[prefix:])
            operation = find(self._operations, request.method, path)
            if operation is None:
                return web.Response(status=404)
            handler, values = operation
            return await handler(request, *values)

        return lead

    def _loopback(self, answer: Answer) -> Answer:
        async def guarded(request: web.Request) -> web.StreamResponse:
            # The routes without a key serve only the client library on this machine.
            if request.remote not in ("127.0.0.1", "::1"):
                return web.Response(status=403)
            return await _answered(answer, request)

        return guarded

    def _keyed(self, answer: Answer) -> Answer:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not opens(given_key(request), self._key):
                return web.Response(status=401)
            return await _answered(answer, request)

        return guarded

    async def start(
        self, request: web.Request, name: str, instance: str = ""
    ) -> web.StreamResponse:
        """Start an instance, and wait for it when a timeout and an interval (seconds) are given.

        An unknown orchestrator is accepted, as in Azure: the instance fails at its first turn.
        """
        instance = instance or uuid.uuid4().hex
        if _BAD_ID.search(instance) or len(instance) > MAX_ID:
            return refusal(
                f"The instance id {instance!r} is not allowed: at most {MAX_ID} characters, "
                "no @ at the start, none of / \\ # ? and no control characters."
            )
        text = await json_body(request)
        limits = read_limits(request)
        created = await self._engine.start(
            instance,
            name,
            text,
            version=parameter(request, "version"),
            replace=self._settings.overrides_any_state,
            caller=request.headers.get("traceparent", ""),
        )
        if not created:
            row = instances.get(self._store, instance)
            return in_use(row.status if row else "Running")
        return await self._starts.answer(request, instance, limits)


async def _answered(answer: Answer, request: web.Request) -> web.StreamResponse:
    try:
        return await answer(request)
    except QueryError as error:
        return refusal(str(error))
    except BodyError as error:
        kind = "Newtonsoft.Json.JsonReaderException"
        return refusal(str(error), message="Invalid JSON content", kind=kind)
