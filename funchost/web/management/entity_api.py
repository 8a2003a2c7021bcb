"""The routes of entities: read one, list them, signal one."""

from __future__ import annotations

import json
import re

from aiohttp import web

from funchost.app.json_text import without_nan
from funchost.durable.engine import Engine
from funchost.durable.entities import split_id
from funchost.storage import entities
from funchost.web.queries import (
    BodyError,
    flag,
    json_body,
    moment,
    page,
    parameter,
    plain_refusal,
)

_BAD_KEY = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class EntityApi:
    """Answers the entity routes of the management API."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine to wake when an operation was queued."""
        self._engine, self._store = engine, engine.store

    async def get(self, request: web.Request, name: str, key: str) -> web.StreamResponse:
        """Answer with an entity's state, 404 when it never had an operation.

        The key $ stands for the empty one.
        """
        key = "" if key == "$" else key
        if _BAD_KEY.search(key):
            return _bad_key()
        entity = entities.get(self._store, _id(name, key))
        if entity is None:
            return web.Response(status=404)
        # The real host shows the text that the SDK sends for no state as a string.
        state = '"null"' if entity.state == "null" else without_nan(entity.state)
        return web.Response(text=state, content_type="application/json")

    async def signal(self, request: web.Request, name: str, key: str = "") -> web.StreamResponse:
        """Queue an operation, stored before the 202; a path without a key means the empty one.

        A body that is not declared as JSON is the operation's input as a text.
        """
        if _BAD_KEY.search(key):
            return _bad_key()
        if (known := self._unknown(name)) is not None:
            return plain_refusal(known)
        if request.content_type == "application/json":
            try:
                body = await json_body(request)
            except BodyError as error:
                return plain_refusal(f"Could not parse JSON content: {error}")
        else:
            text = await request.text()
            body = json.dumps(text) if text else None
        await self._engine.signal(_id(name, key), parameter(request, "op") or "", body)
        return web.Response(status=202)

    async def delete(self, request: web.Request, name: str, key: str = "") -> web.StreamResponse:
        """Queue the operation "delete"."""
        if _BAD_KEY.search(key):
            return _bad_key()
        if (known := self._unknown(name)) is not None:
            return plain_refusal(known)
        await self._engine.signal(_id(name, key), "delete", None)
        return web.Response(status=202)

    def _unknown(self, name: str) -> str | None:
        """Return why a name is no entity function, None when it is one."""
        functions = self._engine.functions
        function = functions.get(name.lower())
        if function is not None and function.kind == "entityTrigger":
            return None
        known = sorted(f"'{f.name}'" for f in functions.values() if f.kind == "entityTrigger")
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not an entity function. "
            f"Additional info: The following are the known entity functions: {', '.join(known)}."
        )

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Refuse an operation without the name of an entity."""
        return plain_refusal(
            "Invalid entity id: entity name must not be a null or empty string. "
            "(Parameter 'entityName')"
        )

    async def list(self, request: web.Request, name: str | None = None) -> web.StreamResponse:
        """List entities by name and time of the last operation, in pages."""
        asked = page(request)
        rows = entities.select(
            self._store,
            None if name is None else name.lower(),
            moment(request, "lastOperationTimeFrom"),
            moment(request, "lastOperationTimeTo"),
            after=asked.after,
            most=asked.most + 1,
        )
        with_state = flag(request, "fetchState", False)
        shown = rows[: asked.most]
        documents = [
            {
                "entityId": dict(zip(("name", "key"), split_id(row.id), strict=True)),
                "lastOperationTime": row.updated,
                "state": json.loads(without_nan(row.state)) if with_state else None,
            }
            for row in shown
        ]
        following = shown[-1].id if shown and len(rows) > len(shown) else None
        return web.json_response(documents, headers=asked.next(following))


def _id(name: str, key: str) -> str:
    return f"@{name.lower()}@{key}"


def _bad_key() -> web.Response:
    return plain_refusal(
        "entityKey (Parameter 'Entity keys must not contain /, \\, #, ?, or control characters.')"
    )
