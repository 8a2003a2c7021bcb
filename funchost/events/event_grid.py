"""The Event Grid webhook and the invocation of Event Grid functions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker
from funchost.keys import Guard
from funchost.web.refusals import Rate

LOG = logging.getLogger("funchost.eventgrid")
CLOUD_EVENTS = ("application/cloudevents+json", "application/cloudevents-batch+json")


async def deliver(invoker: Invoker, function: HostedFunction, event: Any) -> None:
    """Invoke a function with one event, decoded by its schema."""
    from azure.functions.meta import Datum

    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    await invoker.call(function, invoker.value(function, Datum(text, "json")))


class EventGridWebhook:
    """Answers /runtime/webhooks/EventGrid."""

    def __init__(
        self,
        functions: Mapping[str, HostedFunction],
        invoker: Invoker,
        guard: Guard,
        rate: Rate,
    ) -> None:
        """Take the guard, which knows whether the system key is asked for, and the rate limit."""
        self._functions, self._invoker = functions, invoker
        self._guard, self._rate = guard, rate

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer the validation handshake, or invoke the function once per event."""
        if not self._guard.admits_system(request):
            return web.Response(status=401)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None or function.kind != "eventGridTrigger":
            return web.Response(status=404)
        if request.method == "OPTIONS":
            return _allow(request)
        kind = request.headers.get("aeg-event-type", "").lower()
        if not kind and request.content_type in CLOUD_EVENTS:
            kind = "notification"
        if kind == "unsubscribe":
            return web.Response(status=202)
        try:
            document = json.loads(await request.text())
            if kind == "subscriptionvalidation":
                first = document[0] if isinstance(document, list) else document
                code = first["data"]["validationCode"]
                return web.json_response({"validationResponse": code})
        except (ValueError, LookupError, TypeError, RecursionError):
            return web.Response(status=400)
        events = document if isinstance(document, list) else [document]
        if kind != "notification" or not all(isinstance(event, dict) for event in events):
            return web.Response(status=400)
        if not self._rate.admits(len(events)):
            # Event Grid sends the events again after a 429.
            return web.Response(status=429, headers={"Retry-After": "30"})
        return await self._deliver(function, events)

    async def _deliver(self, function: HostedFunction, events: list[Any]) -> web.Response:
        outcomes = await asyncio.gather(
            *(deliver(self._invoker, function, e) for e in events), return_exceptions=True
        )
        failures = [o for o in outcomes if isinstance(o, BaseException)]
        for failure in failures:
            LOG.error("function %s failed: %s", function.name, failure)
        # One failure fails the delivery: Event Grid sends all of it again.
        return web.Response(status=500 if failures else 202)


def _allow(request: web.Request) -> web.Response:
    """Answer the abuse-protection handshake of CloudEvents 1.0 (HTTP 1.1 Web Hooks, section 4)."""
    origin = request.headers.get("WebHook-Request-Origin")
    if not origin:
        return web.Response(status=400)
    headers = {"WebHook-Allowed-Origin": origin}
    if "WebHook-Request-Rate" in request.headers:
        headers["WebHook-Allowed-Rate"] = request.headers["WebHook-Request-Rate"]
    return web.Response(status=200, headers=headers)
