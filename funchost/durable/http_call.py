"""Durable HTTP: the built-in activity behind call_http.

With the SDK 1.7.0 the first answer is the result: a 202 with a Location is not polled
(azure-functions-durable-python issue 380).
"""

from __future__ import annotations

import json
import os
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDictProxy

NAME = "BuiltIn::HttpActivity"
TIMEOUT = 100.0  # seconds, .NET's HttpClient default
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# Headers that aiohttp sends by itself and .NET does not.
_AUTOMATIC = ("Accept", "Content-Type")
_OF_CONTENT = frozenset(
    {
        *("allow", "content-disposition", "content-encoding", "content-language"),
        *("content-length", "content-location", "content-md5", "content-range"),
        *("content-type", "expires", "last-modified"),
    }
)


class TokenSourceError(Exception):
    """A request needs a managed-identity token, which this machine cannot issue."""


class HttpCallError(Exception):
    """A request that got no answer; the text is the reason in the words of the real host."""


class BadUriError(ValueError):
    """Says in the words of the real host that an action holds a URL that is none."""


async def call(text: str) -> str:
    """Send the request and return the response as JSON.

    HttpCallError when no answer comes, TokenSourceError when the request wants a token.
    """
    request: dict[str, Any] = json.loads(text)
    if request.get("tokenSource"):
        raise TokenSourceError(
            "call_http with a token source needs a managed identity, which only Azure gives. Here, "
            "send an Authorization header of your own."
        )
    url, content = request["uri"], request.get("content")
    if not _ABSOLUTE.match(url):
        raise HttpCallError(
            "An invalid request URI was provided. Either the request URI must be an absolute URI "
            "or BaseAddress must be set."
        )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, skip_auto_headers=_AUTOMATIC) as session,
            session.request(
                request["method"],
                url,
                data=None if content is None else str(content).encode(),
                headers=_headers(request),
                allow_redirects=True,
            ) as answer,
        ):
            response = {
                "statusCode": answer.status,
                "headers": _shown(answer.headers),
                # .NET replaces bytes that are no text, and drops a byte order mark.
                "content": (await answer.text(errors="replace")).removeprefix("\ufeff"),
            }
            return json.dumps(response)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HttpCallError(_reason(error, url)) from error


def check_uris(actions: list[dict[str, Any]], first: int) -> None:
    """Raise BadUriError for the first URL in these actions that .NET cannot read.

    `first` is the number of the first action among all of the orchestration. A text without a
    scheme is a relative URL there, so that only the request fails.
    """
    for number, action in enumerate(actions, start=first):
        _check_uri(action, f"actions[0][{number}]")


def _check_uri(action: dict[str, Any], path: str) -> None:
    for number, inner in enumerate(action.get("compoundActions") or ()):
        _check_uri(inner, f"{path}.compoundActions[{number}]")
    url = (action.get("httpRequest") or {}).get("uri")
    if isinstance(url, str) and _ABSOLUTE.match(url) and not _has_host(url):
        raise BadUriError(
            f"Error converting value \"{url}\" to type 'System.Uri'. Path '{path}.httpRequest.uri'."
        )


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # ValueError when it is no port
    except ValueError:
        return False
    return bool(parts.hostname) and not re.search(r"[\s<>\"{}|\\^`]", parts.netloc)


def _reason(error: Exception, url: str) -> str:
    """Return why a request got no answer, as .NET says it."""
    if isinstance(error, TimeoutError):
        return (
            f"The request was canceled due to the configured HttpClient.Timeout of {TIMEOUT:g} "
            "seconds elapsing."
        )
    if isinstance(error, aiohttp.NonHttpUrlClientError):
        return f"The '{urlsplit(url).scheme}' scheme is not supported."
    cause = getattr(error, "os_error", error)
    if not isinstance(cause, OSError) or isinstance(cause, aiohttp.ServerConnectionError):
        return str(error)
    words = cause.strerror if isinstance(cause, socket.gaierror) else os.strerror(cause.errno or 0)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{words} ({parts.hostname}:{port})" if cause.errno else str(error)


def asks_for_polling(response: str) -> bool:
    """Return whether a response of `call` is a 202 that names a Location."""
    document = json.loads(response)
    names = {name.lower() for name in document["headers"]}
    return document["statusCode"] == 202 and "location" in names


def _headers(request: dict[str, Any]) -> dict[str, str]:
    headers = {key: str(value) for key, value in (request.get("headers") or {}).items()}
    typed = "content-type" in {key.lower() for key in headers}
    if request.get("content") is not None and not typed:
        headers["Content-Type"] = "text/plain"
    return headers


def _shown(headers: CIMultiDictProxy[str]) -> dict[str, str | list[str]]:
    """Return the headers of an answer without those that .NET keeps with its content.

    A header that the answer repeats is a list.
    """
    # aiohttp and .NET write the names of known headers in the same way, except one.
    names = {name.lower(): name for name in headers}
    if "etag" in names:
        names["etag"] = "ETag"
    texts = {names[low]: headers.getall(low) for low in names if low not in _OF_CONTENT}
    return {name: values if len(values) > 1 else values[0] for name, values in texts.items()}
