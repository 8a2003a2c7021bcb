"""The limits that hold before any route: foreign hosts, cross-site requests, large or slow bodies.

A web page that a user of this machine opens can send requests to loopback. Its browser names the
page's site in `Origin` and `Sec-Fetch-Site`, and in `Host` the attacker's name after a rebinding
(Fetch Metadata Request Headers, W3C; RFC 9110, section 7.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from funchost.app.settings import Environment
from funchost.web.refusals import Refusals

LOG = logging.getLogger("funchost.borders")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Paths that manage the host. The others belong to the app, whose pages may be linked from anywhere.
MANAGEMENT = ("/durabletask/", "/runtime/", "/topics/", "/admin/")
SAFE = ("GET", "HEAD", "OPTIONS")
# Marks an answer of the app, because the app records its own refusals.
BY_APP = "by_app"
# A path, a query, a fragment or a user before the host.
_MORE_THAN_HOST = re.compile(r"[/?#@\\\s]")


class Borders:
    """Refuses foreign requests by their headers, then reads the body within limits.

    The application that it guards must have the limit of a body as its `client_max_size`.
    """

    def __init__(self, environment: Environment, origins: tuple[str, ...] = ()) -> None:
        """Take the limits, and the origins that local.settings.json allows (`Host.CORS`)."""
        self._hosts = environment.allowed_hosts
        self._origins = origins
        self._most, self._seconds = environment.body_bytes, environment.request_seconds
        self._refusals = Refusals(file=environment.refusals)

    @web.middleware
    async def check(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Answer 403 for a foreign host or site, 408 and 413 for a body over its limits."""
        problem = self._problem(request)
        if problem:
            self._refusals.add(request, 403, problem)
            return _refusal(403, problem)
        if not request.body_exists:
            return await self._answer(request, handler)
        if (length := request.content_length) and length > self._most:
            return _refusal(413, f"The body has {length} bytes; at most {self._most} are taken.")
        try:
            # A small body has often come with its head, and no time needs to be limited.
            arrived = request.content.is_eof()
            async with contextlib.nullcontext() if arrived else asyncio.timeout(self._seconds):
                await request.read()
        except TimeoutError:
            return _refusal(408, f"The body did not come within {self._seconds:g} s.")
        except web.HTTPRequestEntityTooLarge:
            return _refusal(413, f"The body has more than {self._most} bytes.")
        except (HttpProcessingError, ConnectionError, web.RequestPayloadError):
            # RequestPayloadError: the body is not compressed as Content-Encoding says.
            return _refusal(400, "The body cannot be read.")
        return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        answer = await handler(request)
        if answer.status == 401 and BY_APP not in answer:
            self._refusals.add(request, 401, "The key is missing or wrong.")
        return answer

    def _problem(self, request: web.Request) -> str | None:
        host = host_of(request.headers.get("Host", ""))
        if not (is_loopback(host) or host in self._hosts):
            return f"The host {host!r} is not allowed. Name it in FUNCHOST_ALLOWED_HOSTS."
        manages = request.path.lower().startswith(MANAGEMENT)
        if request.method in SAFE and not manages:
            return None
        # A header may come twice; each one counts.
        origins = [origin for origin in request.headers.getall("Origin", []) if origin]
        for origin in origins:
            if not self._is_own(origin, request.headers.get("Host", "")):
                return f"The request comes from the site {origin!r}."
        sites = {site.strip().lower() for site in request.headers.getall("Sec-Fetch-Site", [])}
        if not origins and sites & {"cross-site", "same-site"}:
            return "The request comes from another site."
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Return whether an origin is allowed: a page of this host has this host as its origin."""
        if "*" in self._origins or origin in self._origins:
            return True
        try:
            # An opaque origin reads "null" and has no host.
            return urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            return False


@functools.lru_cache(256)
def host_of(header: str) -> str:
    """Return the host of a `Host` header without its port, in lower case; "" when it has none.

    A header that is more than a host and a port is returned whole, so that no host equals it.
    """
    if _MORE_THAN_HOST.search(header.strip()):
        return header
    try:
        return (urlsplit(f"//{header.strip()}").hostname or "").lower()
    except ValueError:
        return header


@functools.lru_cache(256)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by name or address; HTTP/1.0 may name none."""
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Doorkeeper(asyncio.Protocol):
    """Answers a connection over the limit with 503 and Retry-After, and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        text = b"Too many connections are open. Try again later.\n"
        head = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
        transport.write(head + b"Content-Length: %d\r\n\r\n" % len(text) + text)
        transport.close()


def limited(server: web.Server, most: int) -> Callable[[], asyncio.Protocol]:
    """Return a protocol factory that lets at most so many connections be open."""
    loop, arriving = asyncio.get_running_loop(), 0

    def arrived() -> None:
        nonlocal arriving
        arriving -= 1

    def make() -> asyncio.Protocol:
        nonlocal arriving
        # The loop accepts many connections at once; the server counts each only one turn later.
        if len(server.connections) + arriving >= most:
            LOG.warning("a connection was refused: %d are open", most)
            return Doorkeeper()
        arriving += 1
        loop.call_soon(loop.call_soon, arrived)
        return server()

    return make


def _refusal(status: int, text: str) -> web.Response:
    return web.json_response({"Message": text}, status=status)
