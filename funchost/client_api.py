"""The Durable management routes: keyless for the client on loopback, keyed for the public."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from funchost import history as h
from funchost import instances as i
from funchost.engine import Engine
from funchost.entity_api import EntityApi
from funchost.rewind import rewind
from funchost.settings import HostSettings
from funchost.status import history_document, status_document
from funchost.urls import PUBLIC, RPC, management_urls

_BAD_ID = re.compile(r"^@|[/\\#?\x00-\x1f\x7f]")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _bad(text: str, status: int = 400) -> web.Response:
    return web.json_response(
        {
            "Message": text,
            "ExceptionMessage": text,
            "ExceptionType": "System.ArgumentException",
            "StackTrace": "",
        },
        status=status,
    )


def _flag(query: Mapping[str, str], name: str, default: bool) -> bool:
    return query.get(name, str(default)).lower() == "true"


class ClientApi:
    """Answers the start, status, event and life-cycle routes."""

    def __init__(self, engine: Engine, origin: str, settings: HostSettings, key: str) -> None:
        """Take the key that guards the public copy of the routes."""
        self.engine, self.store, self.key = engine, engine.store, key
        self._base = origin + PUBLIC
        self._replace = settings.overrides_any_state
        self._query = f"taskHub={settings.task_hub}&connection=AzureWebJobsStorage&code={key}"

    def routes(self) -> list[web.RouteDef]:
        """List the routes, once per prefix."""
        entity = EntityApi(self.engine)
        table: list[tuple[str, str, Answer]] = [
            ("POST", "/orchestrators/{name}", self.start),
            ("POST", "/orchestrators/{name}/{id}", self.start),
            ("GET", "/instances/", self.list),
            ("GET", "/instances", self.list),
            ("DELETE", "/instances/", self.purge_many),
            ("DELETE", "/instances", self.purge_many),
            ("GET", "/instances/{id}", self.get),
            ("DELETE", "/instances/{id}", self.purge),
            ("POST", "/instances/{id}/raiseEvent/{event}", self.raise_event),
            ("POST", "/instances/{id}/{verb:terminate|suspend|resume}", self.change),
            ("POST", "/instances/{id}/rewind", self.rewind),
            ("POST", "/instances/{id}/restart", self.restart),
            ("GET", "/entities", entity.list),
            ("GET", "/entities/", entity.list),
            ("GET", "/entities/{name}", entity.list),
            ("GET", "/entities/{name}/{key}", entity.get),
            ("POST", "/entities/{name}/{key}", entity.signal),
        ]
        rpc = [
            web.route(method, RPC + path, self._loopback(answer)) for method, path, answer in table
        ]
        return rpc + [
            web.route(method, PUBLIC + path, self._keyed(answer)) for method, path, answer in table
        ]

    def _loopback(self, answer: Answer) -> Answer:
        async def guarded(request: web.Request) -> web.StreamResponse:
            # The routes without a key serve only the client library on this machine.
            if request.remote not in ("127.0.0.1", "::1"):
                return web.Response(status=403)
            return await answer(request)

        return guarded

    def _keyed(self, answer: Answer) -> Answer:
        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.query.get("code", "") or request.headers.get("x-functions-key", "")
            if not hmac.compare_digest(given.encode(), self.key.encode()):
                return web.Response(status=401)
            return await answer(request)

        return guarded

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start an instance, and wait for it when a timeout is given."""
        name = request.match_info["name"]
        instance = request.match_info.get("id") or uuid.uuid4().hex
        function = self.engine.functions.get(name.lower())
        if function is None or function.kind != "orchestrationTrigger":
            return _bad(
                f"The function '{name}' doesn't exist, is disabled, or is not an "
                "orchestrator function."
            )
        if _BAD_ID.search(instance) or len(instance) > 256:
            return _bad(f"The instance id {instance!r} is not allowed.")
        text = await request.text() or None
        try:
            json.loads(text or "null")
        except ValueError:
            return _bad("The request body is not JSON.")
        timeout = float(request.query.get("timeout", 0))
        ended = self.engine.ended(instance) if timeout else None
        created = await self.engine.start(instance, function.name, text, replace=self._replace)
        if not created:
            return _bad(f"An Orchestration instance with the id {instance} already exists.", 409)
        if ended is not None:
            await asyncio.wait([ended], timeout=timeout)
            row = self.store.row("SELECT * FROM instances WHERE id=?", instance)
            if row is not None and row["status"] in i.TERMINAL:
                return web.json_response(json.loads(row["output"]))
        return self._started(instance)

    def _started(self, instance: str) -> web.Response:
        urls = management_urls(self._base, self._query, instance)
        del urls["rewindPostUri"]
        return web.json_response(
            urls,
            status=202,
            headers={
                "Location": urls["statusQueryGetUri"],
                "Retry-After": "10",
            },
        )

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Show one instance."""
        row = self.store.row("SELECT * FROM instances WHERE id=?", request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        document = status_document(row, _flag(request.query, "showInput", True))
        if _flag(request.query, "showHistory", False):
            events = h.read(self.store.rows(h.TURNS, row["id"]))
            outputs = _flag(request.query, "showHistoryOutput", False)
            document["historyEvents"] = history_document(events, outputs=outputs)
        if row["status"] not in i.TERMINAL:
            return web.json_response(
                document,
                status=202,
                headers={
                    "Location": str(request.url),
                    "Retry-After": "5",
                },
            )
        broken = row["status"] == "Failed" and _flag(
            request.query, "returnInternalServerErrorOnFailure", False
        )
        return web.json_response(document, status=500 if broken else 200)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List instances, in pages when top is given."""
        try:
            rows = i.select(self.store, dict(request.query))
        except ValueError as error:
            return _bad(str(error))
        skip = int(request.headers.get("x-ms-continuation-token") or 0)
        top = int(request.query.get("top") or 0) or len(rows)
        show = _flag(request.query, "showInput", True)
        more = {"x-ms-continuation-token": str(skip + top)} if skip + top < len(rows) else {}
        return web.json_response(
            [status_document(r, show) for r in rows[skip : skip + top]], headers=more
        )

    async def purge(self, request: web.Request) -> web.StreamResponse:
        """Delete one finished instance."""
        instance = request.match_info["id"]
        if self.store.row("SELECT 1 FROM instances WHERE id=?", instance) is None:
            return web.Response(status=404)
        count = i.purge(self.store, [instance])
        return web.json_response({"instancesDeleted": count}, status=200 if count else 412)

    async def purge_many(self, request: web.Request) -> web.StreamResponse:
        """Delete finished instances by filter."""
        if "createdTimeFrom" not in request.query:
            return _bad("createdTimeFrom is required.")
        rows = i.select(self.store, dict(request.query))
        count = i.purge(self.store, [r["id"] for r in rows])
        return web.json_response({"instancesDeleted": count}, status=200 if count else 404)

    async def raise_event(self, request: web.Request) -> web.StreamResponse:
        """Store an external event."""
        if request.content_type != "application/json":
            return _bad("Only application/json is accepted.")
        text = await request.text()
        try:
            json.loads(text)
        except ValueError:
            return _bad("The request body is not JSON.")
        instance, name = request.match_info["id"], request.match_info["event"]
        return self._accepted(await self.engine.raise_event(instance, name, text))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Terminate, suspend or resume an instance."""
        instance, verb = request.match_info["id"], request.match_info["verb"]
        reason = request.query.get("reason", "")
        return self._accepted(await self.engine.change(instance, verb, reason))

    def _accepted(self, status: str | None) -> web.Response:
        if status is None:
            return web.Response(status=404)
        return web.Response(status=410 if status in i.TERMINAL else 202)

    async def rewind(self, request: web.Request) -> web.StreamResponse:
        """Set a failed instance going again from before its failure."""
        status = rewind(self.store, request.match_info["id"])
        self.engine.wake()
        if status is None:
            return web.Response(status=404)
        return web.Response(status=202 if status == "Failed" else 410)

    async def restart(self, request: web.Request) -> web.StreamResponse:
        """Start an instance again with its input, under a new id or its own."""
        found = self.store.row("SELECT * FROM instances WHERE id=?", request.match_info["id"])
        if found is None:
            return _bad("InstanceId does not match a valid orchestration instance.")
        fresh = _flag(request.query, "restartWithNewInstanceId", True)
        instance = uuid.uuid4().hex if fresh else found["id"]
        with self.store.transaction() as db:
            created = i.create(db, instance, found["name"], found["input"], replace=self._replace)
        if not created:
            return _bad(f"An Orchestration instance with the id {instance} is still running.", 409)
        self.engine.wake()
        return self._started(instance)
