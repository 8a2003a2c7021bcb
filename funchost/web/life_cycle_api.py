"""The routes that change an instance: from raising an event to purging it."""

from __future__ import annotations

import asyncio
import uuid

from aiohttp import web

from funchost.app.settings import HostSettings
from funchost.durable.engine import Engine
from funchost.storage import instances
from funchost.web.queries import filters, flag, in_use, json_body, moment, refusal
from funchost.web.urls import Urls


class LifeCycleApi:
    """Answers 202 when a change is stored, 404 for an unknown instance, 410 for an ended one."""

    def __init__(self, engine: Engine, urls: Urls, settings: HostSettings) -> None:
        """Take the URLs that a restart answers with."""
        self._engine, self._store = engine, engine.store
        self._urls, self._settings = urls, settings

    async def raise_event(self, request: web.Request) -> web.StreamResponse:
        """Store an external event."""
        if request.content_type != "application/json":
            return refusal("Only application/json is accepted.")
        text = await json_body(request)
        instance, name = request.match_info["id"], request.match_info["event"]
        return _accepted(await self._engine.raise_event(instance, name, text or "null"))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Terminate, suspend or resume an instance."""
        instance, verb = request.match_info["id"], request.match_info["verb"]
        reason = request.query.get("reason", "")
        return _accepted(await self._engine.change(instance, verb, reason))

    async def rewind(self, request: web.Request) -> web.StreamResponse:
        """Make a failed instance run again from before its failure; 410 when it has not failed."""
        instance = request.match_info["id"]
        status = await self._engine.rewind(instance)
        if status is None:
            return web.Response(status=404)
        return web.Response(status=202 if status == "Failed" else 410)

    async def restart(self, request: web.Request) -> web.StreamResponse:
        """Start an instance again with its input, under a new id or its own."""
        former = instances.get(self._store, request.match_info["id"])
        if former is None:
            return refusal("InstanceId does not match a valid orchestration instance.")
        fresh = flag(request, "restartWithNewInstanceId", True)
        instance = uuid.uuid4().hex if fresh else former.id
        created = await self._engine.start(
            instance,
            former.name,
            former.input,
            version=former.version,
            replace=self._settings.overrides_any_state,
        )
        if not created:
            return in_use(former.status)
        return self._urls.started(request, instance)

    async def purge(self, request: web.Request) -> web.StreamResponse:
        """Delete one ended instance; 404 when there is none to delete."""
        instance = request.match_info["id"]
        count = await self._store.committed(lambda db: instances.delete_ended(db, [instance]))
        if not count:
            return web.Response(status=404)
        return web.json_response({"instancesDeleted": count})

    async def purge_many(self, request: web.Request) -> web.StreamResponse:
        """Delete ended instances by filter; 404 when none matches."""
        if moment(request, "createdTimeFrom") is None:
            return refusal("Please provide value for 'createdTimeFrom' parameter.")
        # In a thread: many instances would stop the loop, and with it every other request.
        rows = await asyncio.to_thread(instances.select, self._store, filters(request))
        ids = [row.id for row in rows]
        count = await self._store.committed(lambda db: instances.delete_ended(db, ids))
        return web.json_response({"instancesDeleted": count}, status=200 if count else 404)


def _accepted(status: str | None) -> web.Response:
    if status is None:
        return web.Response(status=404)
    return web.Response(status=410 if status in instances.TERMINAL else 202)
