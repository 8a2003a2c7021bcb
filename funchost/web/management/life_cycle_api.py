"""The routes that change an instance: from raising an event to purging it."""

from __future__ import annotations

import asyncio
import uuid

from aiohttp import web

from funchost.app.settings import HostSettings
from funchost.durable.engine import Engine
from funchost.storage import entities, instances
from funchost.web.management.urls import Starts, read_limits
from funchost.web.queries import (
    QueryError,
    bare_refusal,
    filters,
    flag,
    json_body,
    moment,
    parameter,
    plain_refusal,
    refusal,
)

IMPOSSIBLE = (("suspend", "Suspended"), ("resume", "Running"), ("resume", "Pending"))


class LifeCycleApi:
    """Answers 202 when a change is stored, 404 for an unknown instance, 410 for an ended one."""

    def __init__(self, engine: Engine, starts: Starts, settings: HostSettings) -> None:
        """Take what answers a restart."""
        self._engine, self._store = engine, engine.store
        self._starts, self._settings = starts, settings

    async def raise_event(
        self, request: web.Request, instance: str, name: str
    ) -> web.StreamResponse:
        """Store an external event; the instance is looked up before the body is read."""
        row = instances.get(self._store, instance)
        if row is None or row.ended:
            return _accepted(row.status if row else None)
        if request.content_type != "application/json":
            return plain_refusal("Only application/json request content is supported")
        text = await json_body(request, required=True)
        return _accepted(await self._engine.raise_event(instance, name, text or "null"))

    async def change(self, verb: str, request: web.Request, instance: str) -> web.StreamResponse:
        """Terminate, suspend or resume an instance."""
        status = await self._engine.change(instance, verb, parameter(request, "reason"))
        if status is None and verb == "resume":
            status = self._status_of_entity(instance)
        if (verb, status) in IMPOSSIBLE:
            return refusal(
                f"Cannot {verb} the orchestration instance {instance} because instance is in the "
                f"{status} state.",
                500,
                message="Something went wrong while processing your request",
                kind="System.InvalidOperationException",
            )
        return _accepted(status)

    async def rewind(self, request: web.Request, instance: str) -> web.StreamResponse:
        """Make a failed instance run again from before its failure; 412 when it has not failed."""
        status = await self._engine.rewind(instance) or self._status_of_entity(instance)
        if status is None:
            return bare_refusal(f'No orchestration with instance ID "${instance}" found.', 404)
        if status == "Failed":
            return web.Response(status=202)
        return bare_refusal(
            f"This orchestration has status {status}, but only orchestrations in the "
            '"Failed" state can be rewound.',
            412,
        )

    def _status_of_entity(self, instance: str) -> str | None:
        """Return the status of an entity, which is an instance that always runs; None without."""
        return "Running" if entities.get(self._store, instance) else None

    async def restart(self, request: web.Request, instance: str) -> web.StreamResponse:
        """Start an instance again with its input, under a new id or its own.

        It waits as a start does.
        """
        limits = read_limits(request)
        former = instances.get(self._store, instance)
        if former is None:
            return refusal(
                f"No instance with ID '{instance}' was found. (Parameter 'instanceId')",
                message="InstanceId does not match a valid orchestration instance.",
            )
        fresh = flag(request, "restartWithNewInstanceId", True)
        begun = uuid.uuid4().hex if fresh else former.id
        created = await self._engine.start(
            begun,
            former.name,
            former.input,
            version=former.version,
            replace=self._settings.overrides_any_state,
        )
        if not created:
            return refusal(
                f"An Orchestration instance with the status {former.status} already exists.",
                409,
                message="A non-terminal instance with this instance ID already exists.",
                kind="DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
            )
        return await self._starts.answer(request, begun, limits)

    async def purge(self, request: web.Request, instance: str) -> web.StreamResponse:
        """Delete one ended instance, or an entity; 404 when there is none, 412 when it runs."""
        count = await self._store.committed(
            lambda db: instances.delete_ended(db, [instance]) + entities.purge(db, instance)
        )
        row = None if count else instances.get(self._store, instance)
        if row is not None:
            return bare_refusal(
                "Only orchestrations in a terminal state can be purged, but the orchestration with "
                f"instance ID {instance} has status {row.status}",
                412,
            )
        if not count:
            return web.Response(status=404)
        return web.json_response({"instancesDeleted": count})

    async def purge_many(self, request: web.Request) -> web.StreamResponse:
        """Delete ended instances by filter; 404 when none matches."""
        try:
            begun = moment(request, "createdTimeFrom")
        except QueryError:
            begun = None
        if begun is None:
            return bare_refusal("Please provide value for 'createdTimeFrom' parameter.", 400)
        # In a thread: many instances would stop the loop, and with it every other request.
        ids = await asyncio.to_thread(instances.ids, self._store, filters(request, strict=True))
        count = await self._store.committed(lambda db: instances.delete_ended(db, ids))
        if not count:
            return web.Response(status=404)
        return web.json_response({"instancesDeleted": count})


def _accepted(status: str | None) -> web.Response:
    if status is None:
        return web.Response(status=404)
    return web.Response(status=410 if status in instances.TERMINAL else 202)
