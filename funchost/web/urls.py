"""The URLs with which clients manage instances, and the answers to starts that contain them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from aiohttp import web

from funchost.durable.engine import Engine
from funchost.web.paths import encoded
from funchost.web.queries import number, parameter, plain_refusal
from funchost.web.status_api import StatusApi

PUBLIC = "/runtime/webhooks/durabletask"


def rpc_path() -> str:
    """Return a new path for the worker's calls.

    These calls carry no key, so the path itself is the secret: only the worker process learns it.
    The SDK uses `rpcBaseUrl` as it is.
    """
    return f"/durabletask/{secrets.token_urlsafe(32)}"


def management_urls(base: str, query: str, instance: str) -> dict[str, str]:
    """Build the URLs that manage one instance; the query has the key, where there is one."""
    root = f"{base}/instances/{encoded(instance)}"
    return {
        "id": instance,
        "statusQueryGetUri": f"{root}?{query}",
        "sendEventPostUri": f"{root}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{root}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{root}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{root}?{query}",
        "restartPostUri": f"{root}/restart?{query}",
        "suspendPostUri": f"{root}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{root}/resume?reason={{text}}&{query}",
    }


def binding_json(origin: str, hub: str, key: str, rpc: str) -> str:
    """Build the string that a durableClient binding receives; `rpc` is the worker's path."""
    base, query = origin + PUBLIC, f"taskHub={hub}&connection=AzureWebJobsStorage&code={key}"
    create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    return json.dumps(
        {
            "taskHubName": hub,
            "connectionName": "AzureWebJobsStorage",
            "creationUrls": {
                "createNewInstancePostUri": f"{create}code={key}",
                "createAndWaitOnNewInstancePostUri": f"{create}{wait}&code={key}",
            },
            "managementUrls": management_urls(base, query, "INSTANCEID"),
            "baseUrl": base,
            "requiredQueryStringParameters": query,
            "rpcBaseUrl": f"{origin}{rpc}/",
            "httpBaseUrl": base,
        }
    )


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
