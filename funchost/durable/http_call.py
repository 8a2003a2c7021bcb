"""Durable HTTP: the built-in activity behind call_http, with the 202 polling pattern.

Source: Durable Functions documentation, "HTTP features", consuming HTTP APIs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

import aiohttp

NAME = "BuiltIn::HttpActivity"
TIMEOUT = aiohttp.ClientTimeout(total=100)  # .NET's HttpClient default
PAUSE = 30.0


class TokenSourceError(Exception):
    """A request needs a managed-identity token, which this machine cannot issue."""


async def call(text: str, progress: Callable[[str], Awaitable[None]]) -> str:
    """Send the request and follow 202 with a Location to its end; return the response as JSON.

    `progress` is called with each polling request, so that a restart never repeats the first one.
    """
    request: dict[str, Any] = json.loads(text)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        while True:
            if request.get("tokenSource"):
                raise TokenSourceError(
                    "call_http with a token source needs a managed identity, which only Azure "
                    "gives. Here, send an Authorization header of your own."
                )
            await asyncio.sleep(request.pop("wait", 0))
            async with session.request(
                request["method"],
                request["uri"],
                data=request.get("content"),
                headers=_headers(request),
                allow_redirects=True,
            ) as answer:
                headers = dict(answer.headers)
                location = headers.get("Location")
                if answer.status != 202 or not location:
                    content = await answer.text()
                    response = {"statusCode": answer.status, "headers": headers, "content": content}
                    return json.dumps(response)
            wait = headers.get("Retry-After", "")
            request = {
                "method": "GET",
                "uri": urljoin(request["uri"], location),
                "headers": request.get("headers"),
                "wait": float(wait) if wait.isdigit() else PAUSE,
            }
            await progress(json.dumps(request))


def _headers(request: dict[str, Any]) -> dict[str, str]:
    headers = {key: str(value) for key, value in (request.get("headers") or {}).items()}
    if request.get("content") and "content-type" not in {key.lower() for key in headers}:
        headers["Content-Type"] = "application/json"
    return headers
