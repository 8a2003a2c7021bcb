"""Serves the HTTP functions of the app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker
from funchost.app.settings import HostSettings
from funchost.keys import Guard
from funchost.web.borders import BY_APP
from funchost.web.routes import HttpRoute

LOG = logging.getLogger("funchost.http")


class HttpTriggers:
    """Matches requests to HTTP functions; the first route that matches wins."""

    def __init__(
        self, routes: list[HttpRoute], settings: HostSettings, invoker: Invoker, guard: Guard
    ) -> None:
        """Take the routes of all HTTP functions, in the order in which they are tried."""
        self._routes, self._headers = routes, settings.headers
        self._invoker, self._guard = invoker, guard
        self._most, self._outstanding = settings.outstanding, 0
        self._running = asyncio.Semaphore(settings.requests) if settings.requests else None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Invoke the function a request is for; 404 when there is none."""
        for _, methods, route, function in self._routes:
            values = route.match(request.path)
            if values is not None and (not methods or request.method in methods):
                if not self._guard.admits(function, request):
                    return web.Response(status=401)
                return await self._admit(function, request, values)
        return web.Response(status=404)

    async def _admit(
        self, function: HostedFunction, request: web.Request, values: dict[str, str]
    ) -> web.StreamResponse:
        """Invoke a function within the limits of host.json; 429 when too many wait."""
        if self._most is not None and self._outstanding >= self._most:
            return web.Response(status=429)
        self._outstanding += 1
        try:
            async with self._running or contextlib.nullcontext():
                answer = await self._invoke(function, request, values)
        finally:
            self._outstanding -= 1
        answer.headers.update(self._headers)
        return answer

    async def _invoke(
        self, function: HostedFunction, request: web.Request, values: dict[str, str]
    ) -> web.StreamResponse:
        from azure.functions.meta import Datum

        # The real host passes on no body without a Content-Length, such as a chunked one.
        body = await request.read() if request.content_length else b""
        headers: dict[str, str] = {}
        for name, text in request.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        # The front end of App Service appends the sender's address to the header that the sender
        # wrote.
        addresses = (headers.get("x-forwarded-for", ""), request.remote or "")
        headers["x-forwarded-for"] = ", ".join(filter(None, addresses))
        content = {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": {k: Datum(v, "string") for k, v in headers.items()},
            "query": {k: Datum(v, "string") for k, v in _query(request).items()},
            "params": {k: Datum(v, "string") for k, v in values.items()},
            "body": Datum(body, "bytes"),
        }
        try:
            value = self._invoker.value(function, Datum(content, "http"))
            answer = respond(
                await self._invoker.call(function, value, headers.get("traceparent", ""))
            )
            answer[BY_APP] = True
            return answer
        except Exception:
            LOG.exception("function %s failed", function.name)
            return web.Response(status=500)


def _query(request: web.Request) -> dict[str, str]:
    """Return the query as the host sends it: names without case, several values joined."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, text in request.query.items():
        values.setdefault(names.setdefault(name.lower(), name), []).append(text)
    joined = {name: ",".join(texts) for name, texts in values.items()}
    return {name: text for name, text in joined.items() if text}


def respond(result: Any) -> web.Response:
    """Convert the return value of a function to a response, as the real host does."""
    if hasattr(result, "get_body"):
        headers = CIMultiDict(
            (k, v) for k, v in result.headers.items() if k.lower() != "content-length"
        )
        response = web.Response(status=result.status_code, body=result.get_body(), headers=headers)
        if "content-type" not in {k.lower() for k in headers}:
            mime = result.mimetype
            charset = f"; charset={result.charset}" if mime.startswith("text/") else ""
            response.headers["Content-Type"] = mime + charset
        return response
    if not isinstance(result, str):
        raise TypeError(f"an HTTP function returned {type(result).__name__}: no response")
    try:
        document = json.loads(result)
    except ValueError:
        return web.Response(text=result)
    if isinstance(document, dict) and "body" in document:
        body = document["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        status = int(document.get("status") or document.get("statusCode") or 200)
        return web.Response(text=text, status=status, headers=document.get("headers") or {})
    return web.Response(text=result, content_type="application/json")
