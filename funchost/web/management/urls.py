"""The answers to starts of instances, which contain the URLs that manage them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from aiohttp import web

from funchost.durable.engine import Engine
from funchost.web.management.bindings import PUBLIC, encoded, management_urls
from funchost.web.management.status_api import StatusApi
from funchost.web.queries import number, parameter, plain_refusal

# The id of no instance: those of the instances replace it in an answer that is written once.
_MARK = secrets.token_hex(16)


class Urls:
    """The management URLs of one host."""

    def __init__(self, origin: str, hub: str, key: str) -> None:
        """Write the answers for both copies of the route once, with marks for the instance."""
        query = f"taskHub={hub}&connection=AzureWebJobsStorage"
        self._public = _answer(origin, f"{query}&code={key}")
        self._inner = _answer(origin, query)

    def started(self, request: web.Request, instance: str) -> web.Response:
        """Answer that an instance was started: 202 with its status URL.

        Only the public copy of the route answers with the key: its caller has shown the key.
        """
        is_public = request.path.lower().startswith(PUBLIC)
        location, text = self._public if is_public else self._inner
        sent = encoded(instance)
        return web.Response(
            text=text.replace(f'"{_MARK}"', json.dumps(instance)).replace(_MARK, sent),
            status=202,
            content_type="application/json",
            headers={"Location": location.replace(_MARK, sent), "Retry-After": "10"},
        )


def _answer(origin: str, query: str) -> tuple[str, str]:
    """Return the status URL and the answer to a start, with the mark in place of the instance."""
    urls = management_urls(origin + PUBLIC, query, _MARK)
    # Only the client's own payload names the URL for a rewind.
    del urls["rewindPostUri"]
    return urls["statusQueryGetUri"], json.dumps(urls)


@dataclass(frozen=True, slots=True)
class Limits:
    """The time for which a request waits for the end of its instance, and its interval; seconds."""

    timeout: float
    interval: float


def read_limits(request: web.Request) -> Limits | None:
    """Return the limits of a request, None when it does not wait: it must give both."""
    timeout, interval = number(request, "timeout", 0), number(request, "pollingInterval", 0)
    given = parameter(request, "timeout") and parameter(request, "pollingInterval")
    return Limits(timeout, interval) if given else None


class Starts:
    """Answers requests that started an instance, or started one again."""

    def __init__(self, engine: Engine, urls: Urls, status: StatusApi) -> None:
        """Take the engine in which the instances run."""
        self._engine, self._urls, self._status = engine, urls, status

    async def answer(
        self, request: web.Request, instance: str, limits: Limits | None
    ) -> web.StreamResponse:
        """Answer with the output within the limits, else with the URLs of the instance.

        An instance that ended without an output is shown as the status route shows it.
        """
        if limits is None:
            return self._urls.started(request, instance)
        if limits.interval > limits.timeout:
            return plain_refusal(
                f"Total timeout {limits.timeout:g} should be bigger than retry timeout "
                f"{limits.interval:g}"
            )
        row = await self._engine.wait_for_end(instance, limits.timeout)
        if row is not None and row.status == "Completed":
            return web.json_response(json.loads(row.output or "null"))
        if row is not None and row.ended:
            return web.json_response(self._status.document(request, row))
        return self._urls.started(request, instance)
