"""The routes of entities: read one, list them, signal one."""

from __future__ import annotations

import json

from aiohttp import web

from funchost.durable.engine import Engine
from funchost.durable.entities import split_id
from funchost.storage import entities
from funchost.web.queries import flag, json_body, moment, page, refusal


class EntityApi:
    """Answers the entity routes of the management API."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine to wake when an operation was queued."""
        self._engine, self._store = engine, engine.store

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer with an entity's state, 404 when it never had an operation."""
        entity = entities.get(self._store, _id(request))
        if entity is None:
            return web.Response(status=404)
        # The real host shows the text that the SDK sends for no state as a string.
        state = '"null"' if entity.state == "null" else entity.state
        return web.Response(text=state, content_type="application/json")

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Signal the operation `delete`, stored before the 202."""
        await self._engine.signal(_id(request), "delete", None)
        return web.Response(status=202)

    async def signal(self, request: web.Request) -> web.StreamResponse:
        """Queue an operation, stored before the 202."""
        name = request.match_info["name"]
        function = self._engine.functions.get(name.lower())
        if function is None or function.kind != "entityTrigger":
            text = (
                f"The function '{name}' doesn't exist, is disabled, or is not an entity function."
            )
            return refusal(text)
        body, entity = await json_body(request), _id(request)
        await self._engine.signal(entity, request.query.get("op", ""), body)
        return web.Response(status=202)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List entities by name and time of the last operation, in pages when top is given."""
        name = request.match_info.get("name")
        rows = entities.select(
            self._store,
            None if name is None else name.lower(),
            moment(request, "lastOperationTimeFrom"),
            moment(request, "lastOperationTimeTo"),
        )
        first, end, more = page(request, len(rows))
        with_state = flag(request, "fetchState", False)
        shown = []
        for row in rows[first:end]:
            name, key = split_id(row.id)
            one = {"entityId": {"name": name, "key": key}, "lastOperationTime": row.updated}
            shown.append({**one, "state": json.loads(row.state)} if with_state else one)
        return web.json_response(shown, headers=more)


def _id(request: web.Request) -> str:
    return f"@{request.match_info['name'].lower()}@{request.match_info['key']}"
