"""The Event Grid webhook and the invocation of Event Grid functions.

Source: the recorded answers of the Event Grid extension 3.3.0 in `tests/conformance`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker
from funchost.events.dates import TooDeepError, as_delivered
from funchost.keys import Guard
from funchost.web.refusals import Rate

LOG = logging.getLogger("funchost.eventgrid")
# Routes of the real host have no case, and may end with a slash.
ROUTE = "/{path:(?i:runtime/webhooks/eventgrid)/?}"
ORIGIN = {"WebHook-Allowed-Origin": "eventgrid.azure.net"}


async def deliver(invoker: Invoker, function: HostedFunction, event: Any) -> None:
    """Invoke a function with one event, or a list of them, decoded by its schema."""
    from azure.functions.meta import Datum

    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    await invoker.call(function, invoker.value(function, Datum(text, "json")))


def takes_many(function: HostedFunction) -> bool:
    """Return whether an Event Grid function asks for a list of events."""
    cardinality = function.trigger.get("cardinality", "one")
    return str(getattr(cardinality, "value", cardinality)).lower() == "many"


def problems(function: HostedFunction) -> list[str]:
    """Return the warnings of a start about an Event Grid function, with their remedies."""
    texts = []
    if takes_many(function) and not function.gets_text:
        texts.append(
            f"function {function.name} has cardinality 'many': azure-functions cannot read a list "
            "of events, so that every delivery fails, here and in Azure. Remove the cardinality"
        )
    if function.retry:
        texts.append(
            f"the retry policy of function {function.name} is not done here: an event that fails "
            "is delivered again by Event Grid's own schedule"
        )
    return texts


def _code(document: Any) -> str:
    """Return the validation code of a handshake; ValueError, LookupError, TypeError without it."""
    if isinstance(document, list):
        data = document[0]["data"]
    else:
        # Event Grid encodes the data of a CloudEvent twice.
        data = document["data"]
        data = json.loads(data) if isinstance(data, str) else data
    code = data["validationCode"]
    return code if isinstance(code, str) else json.dumps(code)


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
        subscribed = (f for f in functions.values() if f.kind == "eventGridTrigger")
        self._functions = {function.name: function for function in subscribed}
        self._invoker, self._guard, self._rate = invoker, guard, rate

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer the validation handshake, or invoke the function once per event."""
        if not self._guard.admits_system(request):
            return web.Response(status=401)
        # The query's keys have no case; several values are joined.
        name = ",".join(v for k, v in request.query.items() if k.lower() == "functionname")
        function = self._functions.get(name)
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            return web.Response(status=200, headers=ORIGIN)
        kind = request.headers.get("aeg-event-type", "").strip().lower()
        if kind == "unsubscribe":
            return web.Response(status=202)
        try:
            document = as_delivered(json.loads((await request.text()).removeprefix("\ufeff")))
            if kind == "subscriptionvalidation":
                return web.Response(text=json.dumps({"validationResponse": _code(document)}))
        except (TooDeepError, RecursionError):
            return web.Response(status=500)
        except (ValueError, LookupError, TypeError):
            return web.Response(status=400)
        events = document if isinstance(document, list) else [document]
        if kind != "notification" or not all(isinstance(event, dict) for event in events):
            return web.Response(status=400)
        if not self._rate.admits(len(events)):
            # Event Grid sends the events again after a 429.
            return web.Response(status=429, headers={"Retry-After": "30"})
        return await self._deliver(function, events)

    async def _deliver(self, function: HostedFunction, events: list[Any]) -> web.Response:
        calls = [events] if takes_many(function) else events
        outcomes = await asyncio.gather(
            *(deliver(self._invoker, function, content) for content in calls),
            return_exceptions=True,
        )
        failures = [o for o in outcomes if isinstance(o, BaseException)]
        for failure in failures:
            LOG.error("function %s failed: %s", function.name, failure)
        if failures:
            # One failure fails the delivery: Event Grid sends all of it again.
            text = f"Exception while executing function: Functions.{function.name}"
            return web.Response(status=500, text=text)
        return web.Response(status=202)
