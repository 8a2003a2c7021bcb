"""The Durable management routes: a secret path for the worker, a key for others.

Source: Durable Functions documentation, "HTTP API reference"; bodies and codes that it leaves open
follow the SDK's models/DurableOrchestrationClient.py.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from funchost.app.settings import HostSettings
from funchost.durable import history as h
from funchost.durable.engine import Engine
from funchost.keys import given_key, opens
from funchost.storage import instances, turns
from funchost.web.entity_api import EntityApi
from funchost.web.life_cycle_api import LifeCycleApi
from funchost.web.queries import QueryError, filters, flag, in_use, json_body, number, page, refusal
from funchost.web.status import history_document, status_document
from funchost.web.urls import PUBLIC, Urls

_BAD_ID = re.compile(r"^@|[/\\#?\x00-\x1f\x7f-\x9f]")
MAX_ID = 256
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ClientApi:
    """Answers the start and query routes, and lists all of them."""

    def __init__(
        self, engine: Engine, urls: Urls, settings: HostSettings, key: str, rpc: str
    ) -> None:
        """Take the key that guards the public copy of the routes, and the path of the other one."""
        self._rpc = rpc
        self._engine, self._store, self._key = engine, engine.store, key
        self._urls, self._settings = urls, settings

    def routes(self) -> list[web.RouteDef]:
        """List the routes, once per prefix."""
        entity = EntityApi(self._engine)
        life = LifeCycleApi(self._engine, self._urls, self._settings)
        table: list[tuple[str, str, Answer]] = [
            ("POST", "/orchestrators/{name}", self.start),
            ("POST", "/orchestrators/{name}/{id}", self.start),
            ("GET", "/instances/", self.list),
            ("GET", "/instances", self.list),
            ("DELETE", "/instances/", life.purge_many),
            ("DELETE", "/instances", life.purge_many),
            ("GET", "/instances/{id}", self.get),
            ("DELETE", "/instances/{id}", life.purge),
            ("POST", "/instances/{id}/raiseEvent/{event}", life.raise_event),
            ("POST", "/instances/{id}/{verb:terminate|suspend|resume}", life.change),
            ("POST", "/instances/{id}/rewind", life.rewind),
            ("POST", "/instances/{id}/restart", life.restart),
            ("GET", "/entities", entity.list),
            ("GET", "/entities/", entity.list),
            ("GET", "/entities/{name}", entity.list),
            ("GET", "/entities/{name}/{key}", entity.get),
            ("POST", "/entities/{name}/{key}", entity.signal),
        ]
        return [
            web.route(method, prefix + path, guard(answer))
            for prefix, guard in ((self._rpc, self._loopback), (PUBLIC, self._keyed))
            for method, path, answer in table
        ]

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

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start an instance, and wait for it when a timeout (seconds) is given."""
        name, query = request.match_info["name"], request.query
        instance = request.match_info.get("id") or uuid.uuid4().hex
        function = self._engine.functions.get(name.lower())
        if function is None or function.kind != "orchestrationTrigger":
            return refusal(
                f"The function '{name}' doesn't exist, is disabled, or is not an "
                "orchestrator function."
            )
        if _BAD_ID.search(instance) or len(instance) > MAX_ID:
            return refusal(
                f"The instance id {instance!r} is not allowed: at most {MAX_ID} characters, "
                "no @ at the start, none of / \\ # ? and no control characters."
            )
        text, timeout = await json_body(request), number(request, "timeout", 0)
        created = await self._engine.start(
            instance,
            function.name,
            text,
            version=query.get("version") or self._settings.default_version,
            replace=self._settings.overrides_any_state,
            caller=request.headers.get("traceparent", ""),
        )
        if not created:
            row = instances.get(self._store, instance)
            return in_use(row.status if row else "Running")
        if timeout:
            row = await self._engine.wait_for_end(instance, timeout)
            if row is not None and row.ended:
                return web.json_response(json.loads(row.output or "null"))
        return self._urls.started(request, instance)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer with one instance: 200 when it has ended, else 202 with Retry-After."""
        row = instances.get(self._store, request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        document = status_document(row, flag(request, "showInput", True))
        if flag(request, "showHistory", False):
            document["historyEvents"] = history_document(
                h.read(turns.read(self._store, row.id)),
                inputs=flag(request, "showHistoryInput", False),
                outputs=flag(request, "showHistoryOutput", False),
            )
        if not row.ended:
            later = {"Location": str(request.url), "Retry-After": "5"}
            return web.json_response(document, status=202, headers=later)
        shown = flag(request, "returnInternalServerErrorOnFailure", False)
        return web.json_response(document, status=500 if shown and row.status == "Failed" else 200)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List instances, in pages when top is given."""
        # In a thread: many instances would stop the loop, and with it every other request.
        rows = await asyncio.to_thread(instances.select, self._store, filters(request))
        first, end, more = page(request, len(rows))
        show = flag(request, "showInput", True)
        shown = [status_document(row, show) for row in rows[first:end]]
        return web.json_response(shown, headers=more)


async def _answered(answer: Answer, request: web.Request) -> web.StreamResponse:
    try:
        return await answer(request)
    except QueryError as error:
        return refusal(str(error))
