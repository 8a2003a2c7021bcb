"""The web server of a host: its application and its listener.

The host imports this module after stored work goes on, because aiohttp takes a third of a start.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from funchost.app.indexing import HostedFunction
from funchost.app.settings import Environment, HostSettings
from funchost.durable.engine import Engine
from funchost.events.event_grid import ROUTE, EventGridWebhook
from funchost.events.topic import Topic
from funchost.keys import Guard, Keys
from funchost.storage.store import Store
from funchost.web.borders import Borders, limited
from funchost.web.http_trigger import HttpTriggers
from funchost.web.management.client_api import ClientApi
from funchost.web.management.status_api import WarningsApi
from funchost.web.management.urls import Urls
from funchost.web.refusals import Rate
from funchost.web.routes import HttpRoute


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host as its web server sees it; `rpc` is the path of the worker's calls."""

    url: str
    rpc: str
    environment: Environment
    settings: HostSettings
    keys: Keys
    auth: bool
    origins: tuple[str, ...]  # pages of these origins may send requests
    routes: list[HttpRoute]
    functions: Mapping[str, HostedFunction]


class WebServer:
    """Serves the HTTP functions, the management API, the topic and the Event Grid webhook."""

    def __init__(self, site: Site, store: Store, engine: Engine, topic: Topic) -> None:
        """Build the application; nothing listens before `start`."""
        self._most = site.environment.connections
        self._runner = web.AppRunner(
            _application(site, store, engine, topic),
            access_log=None,
            shutdown_timeout=5,
            # aiohttp closes a connection that brought no whole head of a request in this time.
            keepalive_timeout=site.environment.request_seconds,
        )

    async def start(self, listener: socket.socket) -> None:
        """Serve the connections of a socket that listens."""
        await self._runner.setup()
        assert self._runner.server is not None
        door = limited(self._runner.server, self._most)
        self._server = await asyncio.get_running_loop().create_server(door, sock=listener)

    async def stop(self) -> None:
        """Stop listening and end the open requests."""
        self._server.close()
        await self._runner.cleanup()


def _application(site: Site, store: Store, engine: Engine, topic: Topic) -> web.Application:
    environment, settings, key = site.environment, site.settings, site.keys.system
    guard = Guard(site.keys, active=site.auth, webhook=environment.webhook_key)
    http = HttpTriggers(site.routes, settings, engine.invoker, guard)
    rate = Rate(environment.webhook_rate)
    webhook = EventGridWebhook(site.functions, engine.invoker, guard, rate)

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "functions": len(site.functions)})

    borders = Borders(environment, site.origins)
    app = web.Application(middlewares=[borders.check], client_max_size=environment.body_bytes)
    urls = Urls(site.url, settings.task_hub, key)
    app.add_routes(ClientApi(engine, urls, settings, key, site.rpc).routes())
    app.add_routes(WarningsApi(store, key).routes())
    app.add_routes(topic.routes())
    app.add_routes(
        [
            web.get("/", health),
            web.route("*", ROUTE, webhook.serve),
            web.route("*", "/{path:[\\s\\S]*}", http.serve),
        ]
    )
    return app
