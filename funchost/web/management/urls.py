"""The answers to starts of instances, which contain the URLs that manage them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aiohttp import web

from funchost.durable.engine import Engine
from funchost.web.management.bindings import PUBLIC, management_urls
from funchost.web.management.status_api import StatusApi
from funchost.web.queries import number, parameter, plain_refusal


@dataclass(frozen=True)
class Urls:
    """The management URLs of one host."""

    origin: str
    hub: str
    key: str

    def started(self, request: web.Request, instance: str) -> web.Response:
        """Answer that an instance was started: 202 with its status URL.

        Only the public copy of the route answers with the key: its caller has shown the key.
        """
        query = f"taskHub={self.hub}&connection=AzureWebJobsStorage"
        if request.path.lower().startswith(PUBLIC):
            query += f"&code={self.key}"
        urls = management_urls(self.origin + PUBLIC, query, instance)
        # Only the client's own payload names the URL for a rewind.
        del urls["rewindPostUri"]
        headers = {"Location": urls["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(urls, status=202, headers=headers)


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
