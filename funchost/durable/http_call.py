"""Durable HTTP: the built-in activity behind call_http.

With the SDK 1.7.0 the first answer is the result: a 202 with a Location is not polled
(azure-functions-durable-python issue 380).
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp

NAME = "BuiltIn::HttpActivity"
TIMEOUT = aiohttp.ClientTimeout(total=100)  # .NET's HttpClient default


class TokenSourceError(Exception):
    """A request needs a managed-identity token, which this machine cannot issue."""


async def call(text: str) -> str:
    """Send the request and return the response as JSON."""
    request: dict[str, Any] = json.loads(text)
    if request.get("tokenSource"):
        raise TokenSourceError(
            "call_http with a token source needs a managed identity, which only Azure gives. Here, "
            "send an Authorization header of your own."
        )
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
        session.request(
            request["method"],
            request["uri"],
            data=request.get("content"),
            headers=_headers(request),
            allow_redirects=True,
        ) as answer,
    ):
        response = {
            "statusCode": answer.status,
            "headers": dict(answer.headers),
            "content": await answer.text(),
        }
        return json.dumps(response)


def asks_for_polling(response: str) -> bool:
    """Return whether a response of `call` is a 202 that names a Location."""
    document = json.loads(response)
    names = {name.lower() for name in document["headers"]}
    return document["statusCode"] == 202 and "location" in names


def _headers(request: dict[str, Any]) -> dict[str, str]:
    headers = {key: str(value) for key, value in (request.get("headers") or {}).items()}
    if request.get("content") and "content-type" not in {key.lower() for key in headers}:
        headers["Content-Type"] = "application/json"
    return headers
