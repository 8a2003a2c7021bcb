"""Serves the HTTP functions of the app."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from aiohttp import web

from funchost.indexing import HostedFunction
from funchost.invocation import Invoker

LOG = logging.getLogger("funchost.http")
_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "bool": "(?i:true|false)",
    "alpha": "[A-Za-z]+",
    "guid": "[0-9a-fA-F-]{32,38}",
    "decimal": r"-?\d+(?:\.\d+)?",
    "float": r"-?\d+(?:\.\d+)?",
}
_PART = re.compile(r"\{(\*?)(\w+)(?::([^}?]+))?(\?)?\}")


def route_pattern(prefix: str, route: str) -> re.Pattern[str]:
    """Turn a route template into a pattern over the whole path."""
    parts = [p for p in f"{prefix}/{route}".split("/") if p]
    pattern = ""
    for part in parts:
        piece, last, optional = "", 0, False
        for match in _PART.finditer(part):
            star, name, constraint, question = match.groups()
            inner = ".*" if star else _CONSTRAINTS.get((constraint or "").split("(")[0], "[^/]+")
            optional = optional or bool(star) or bool(question)
            piece += re.escape(part[last : match.start()]) + f"(?P<{name}>{inner})"
            last = match.end()
        piece += re.escape(part[last:])
        pattern += f"(?:/{piece})?" if optional else f"/{piece}"
    return re.compile(f"^{pattern}/?$", re.IGNORECASE)


class HttpTriggers:
    """Matches requests to HTTP functions; more literal routes win."""

    def __init__(self, functions: list[HostedFunction], prefix: str, invoker: Invoker) -> None:
        """Compile the routes of all HTTP functions."""
        self._invoker = invoker
        self.routes: list[tuple[str, frozenset[str], re.Pattern[str], HostedFunction]] = []
        for function in functions:
            route = function.trigger.get("route") or function.name
            methods = frozenset(_method(m) for m in function.trigger.get("methods") or ())
            path = "/".join(p for p in (prefix, route.strip("/")) if p)
            self.routes.append((path, methods, route_pattern(prefix, route), function))
        self.routes.sort(key=lambda r: (r[0].count("{*"), r[0].count("{"), -len(r[0])))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Invoke the function a request is for; 404 when there is none."""
        for _, methods, pattern, function in self.routes:
            match = pattern.match(request.path)
            if match and (not methods or request.method in methods):
                values = {k: v for k, v in match.groupdict().items() if v is not None}
                return await self._invoke(function, request, values)
        return web.Response(status=404)

    async def _invoke(
        self, function: HostedFunction, request: web.Request, values: dict[str, str]
    ) -> web.StreamResponse:
        import azure.functions as func

        body = await request.read()
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        value = func.HttpRequest(
            request.method,
            str(request.url),
            headers=headers,
            params={k: v for k, v in request.query.items() if v},
            route_params=values,
            body=body,
        )
        try:
            return respond(await self._invoker.call(function, value))
        except Exception:
            LOG.exception("function %s failed", function.name)
            return web.Response(status=500)


def _method(value: Any) -> str:
    return str(getattr(value, "value", value)).upper()


def respond(result: Any) -> web.Response:
    """Turn what a function returned into a response, as the real host would."""
    if hasattr(result, "get_body"):
        headers = {k: v for k, v in result.headers.items() if k.lower() != "content-length"}
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
