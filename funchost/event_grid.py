"""The Event Grid webhook and the invocation of Event Grid functions."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from funchost.indexing import HostedFunction
from funchost.invocation import Invoker

LOG = logging.getLogger("funchost.eventgrid")


async def deliver(invoker: Invoker, function: HostedFunction, event: Any) -> None:
    """Invoke a function with one event, decoded by its schema."""
    from azure.functions.eventgrid import EventGridEventInConverter
    from azure.functions.meta import Datum

    datum = Datum(type="json", value=json.dumps(event))
    value = EventGridEventInConverter.decode(datum, trigger_metadata=None)
    await invoker.call(function, value)


class EventGridWebhook:
    """Answers /runtime/webhooks/EventGrid."""

    def __init__(
        self, functions: Mapping[str, HostedFunction], invoker: Invoker, key: str | None = None
    ) -> None:
        """Take a key only when the route shall be guarded; func start leaves it open."""
        self._functions, self._invoker, self._key = functions, invoker, key

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Shake hands or invoke once per event."""
        given = request.query.get("code", "")
        if self._key is not None and not hmac.compare_digest(given, self._key):
            return web.Response(status=401)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None or function.kind != "eventGridTrigger":
            return web.Response(status=404)
        if request.method == "OPTIONS":
            origin = request.headers.get("WebHook-Request-Origin", "*")
            return web.Response(status=200, headers={"WebHook-Allowed-Origin": origin})
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return web.Response(status=202)
        try:
            document = json.loads(await request.text())
            if kind == "subscriptionvalidation":
                first = document[0] if isinstance(document, list) else document
                code = first["data"]["validationCode"]
                return web.json_response({"validationResponse": code})
        except (ValueError, LookupError, TypeError):
            return web.Response(status=400)
        if kind != "notification":
            return web.Response(status=400)
        events = document if isinstance(document, list) else [document]
        if not all(isinstance(event, dict) for event in events):
            return web.Response(status=400)
        outcomes = await asyncio.gather(
            *(deliver(self._invoker, function, e) for e in events), return_exceptions=True
        )
        failures = [o for o in outcomes if isinstance(o, BaseException)]
        for failure in failures:
            LOG.error("function %s failed: %s", function.name, failure)
        return web.Response(status=500 if failures else 202)
