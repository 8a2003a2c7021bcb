"""Puts the host together: the store, the engine, the triggers and the web server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from funchost import warnings
from funchost.app.host_json import disabled
from funchost.app.indexing import HostedFunction, load_functions
from funchost.app.invocation import Invoker
from funchost.app.settings import (
    Environment,
    HostSettings,
    export_local_settings,
    read_environment,
    read_host_settings,
    read_origins,
    unread_settings,
)
from funchost.check.checker import Checker
from funchost.clock import enter_utc, now
from funchost.durable.engine import Engine
from funchost.durable.retention import keep_short
from funchost.events.subscriptions import read_subscriptions
from funchost.keys import Keys, read_keys, write_private
from funchost.storage.store import Probe, Store
from funchost.timers import Timer, parse_schedule
from funchost.warnings import refused_schedules
from funchost.web.management.bindings import binding_json, rpc_path
from funchost.web.routes import HttpRoute, read_routes

if TYPE_CHECKING:
    from funchost.events.subscriptions import Subscription

LOG = logging.getLogger("funchost.host")


class HostFailedError(Exception):
    """Says that a host which had started cannot go on."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a start; port 0 means a free port."""

    app: Path
    state: Path
    port: int = 7071
    auth: bool = False
    probe: Probe | None = None


class Host:
    """A host of one app: start it, use it over HTTP, stop it."""

    def __init__(self, options: Options) -> None:
        """Take the options; nothing is read or written before `start`."""
        self._options = options
        self.url = ""
        self.routes: dict[str, tuple[str, frozenset[str]]] = {}
        self.functions: dict[str, HostedFunction] = {}
        self.refused: dict[str, str] = {}  # function to the reason why it does not run
        self.disabled: list[HostedFunction] = []

    async def start(self) -> None:
        """Load the app, open the store and listen."""
        options = self._options
        self.store = Store(options.state, options.probe)
        try:
            await self._start()
        except BaseException:
            self.store.close()
            raise

    async def _start(self) -> None:
        options, listener = self._options, socket.create_server(("127.0.0.1", self._options.port))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        enter_utc()
        try:
            export_local_settings(options.app)
            self.keys = read_keys(options.state)
            os.environ.setdefault("FUNCHOST_TOPIC_ENDPOINT", self.topic_endpoint)
            os.environ.setdefault("FUNCHOST_TOPIC_KEY", self.keys.topic)
            os.environ.setdefault("FUNCHOST_REFUSALS", str(options.state / "refusals.jsonl"))
            environment, settings = read_environment(), read_host_settings(options.app)
            loaded = self._load(options.app)
            local = unread_settings(options.app)
            for text in (*settings.said, *local, *disabled.warnings(loaded)):
                LOG.warning("%s", text)
            self.functions, self.disabled = disabled.split(loaded, settings.functions, os.environ)
            http = self.of_kind("httpTrigger")
            self.keys = read_keys(options.state, [f.name for f in http])
            routes = read_routes(http, settings.route_prefix)
            self.routes = {r.function.name: (r.path, r.methods) for r in routes}
            origins = read_origins(options.app)
            named = [*self.of_kind("eventGridTrigger"), *self.disabled]
            filters = read_subscriptions(
                options.app, [f.name for f in named if f.kind == "eventGridTrigger"]
            )
            self._build(environment, settings)
        except BaseException:
            listener.close()
            raise
        # The app was read without an error, so stored work goes on while the web server is
        # imported. Clients that connect meanwhile wait, because the socket listens already.
        self.engine.begin()
        try:
            self._take_events(environment, filters)
            await self._serve(listener, environment, settings, routes, origins)
        except BaseException:
            listener.close()
            self._end_work()
            raise
        self._jobs = [asyncio.create_task(self.engine.run()), asyncio.create_task(self.topic.run())]
        self._jobs += [asyncio.create_task(timer.run()) for timer in self.timers]
        if environment.retention is not None:
            self._jobs.append(asyncio.create_task(keep_short(self.store, environment.retention)))
        self._watch = asyncio.create_task(self.engine.watch_turns())
        self._publish(self.keys, environment)

    def _build(self, environment: Environment, settings: HostSettings) -> None:
        self._rpc = rpc_path()
        client = binding_json(self.url, settings.task_hub, self.keys.system, self._rpc)
        self.invoker = self._invoker(client)
        self.invoker.timeout = settings.function_timeout
        self.checker = Checker(
            self.store,
            self.functions,
            environment.check,
            lambda *step: self.store.commit(lambda db: warnings.diverged(db, *step)),
        )
        self.engine = Engine(
            self.store,
            self.functions,
            self.invoker,
            versions=settings.versions,
            replays=environment.replays,
            retry_scale=environment.activity_scale,
            ended=self.checker.add,
            most_activities=settings.activities,
        )

    def _take_events(self, environment: Environment, filters: dict[str, Subscription]) -> None:
        """Build the timers and the topic."""
        from funchost.events.event_grid import problems
        from funchost.events.topic import Topic

        self.timers = [t for f in self.of_kind("timerTrigger") if (t := self._timer(f))]
        refused_schedules(self.store, self.refused)
        subscribed = self.of_kind("eventGridTrigger")
        for text in (text for function in subscribed for text in problems(function)):
            LOG.warning("%s", text)
        self.topic = Topic(
            self.store,
            {f.name: f for f in subscribed},
            {f.name: filters[f.name] for f in subscribed},
            self.invoker,
            key=environment.topic_key or self.keys.topic,
            scale=environment.retry_scale,
        )

    async def _serve(
        self,
        listener: socket.socket,
        environment: Environment,
        settings: HostSettings,
        routes: list[HttpRoute],
        origins: tuple[str, ...],
    ) -> None:
        from funchost.server import Site, WebServer

        site = Site(
            url=self.url,
            rpc=self._rpc,
            environment=environment,
            settings=settings,
            keys=self.keys,
            auth=self._options.auth,
            origins=origins,
            routes=routes,
            functions=self.functions,
        )
        self._server = WebServer(site, self.store, self.engine, self.topic)
        await self._server.start(listener)

    def _load(self, app: Path) -> dict[str, HostedFunction]:
        """Return the app's functions; a host with another worker asks that worker for them."""
        return load_functions(app)

    def _invoker(self, client_json: str) -> Invoker:
        """Return the object that calls the functions; they run in this process."""
        return Invoker(client_json, read_environment().threads)

    def _timer(self, function: HostedFunction) -> Timer | None:
        """Return the timer of a function; None when its schedule is refused: the others run."""
        try:
            schedule = parse_schedule(str(function.trigger["schedule"]), os.environ)
            schedule.after(now())  # ValueError when it never occurs
        except ValueError as error:
            self.refused[function.name] = str(error)
            LOG.error("function %s is in error and does not run: %s", function.name, error)
            return None
        return Timer(self.store, function, schedule, self.invoker)

    def of_kind(self, kind: str) -> list[HostedFunction]:
        """Return the functions of one trigger type."""
        return [function for function in self.functions.values() if function.kind == kind]

    @property
    def topic_endpoint(self) -> str:
        """Return the address at which the azure-eventgrid client publishes."""
        return f"{self.url}/topics/default/api/events"

    def _publish(self, keys: Keys, environment: Environment) -> None:
        """Write the address and the keys of the host to a file, for other local programs."""
        document = {
            "pid": os.getpid(),
            "port": int(self.url.rpartition(":")[2]),
            "url": self.url,
            "systemKey": keys.system,
            # This key opens every function; "" where the host asks for no key.
            "functionKey": keys.host if self._options.auth else "",
            "topicEndpoint": self.topic_endpoint,
            "topicKey": environment.topic_key or keys.topic,
        }
        write_private(self._options.state / "host.json", json.dumps(document))

    @property
    def idle(self) -> bool:
        """Return whether the host has no work before the next timer, message or request."""
        return self.engine.idle and self.topic.idle and not any(t.running for t in self.timers)

    @property
    def loops(self) -> int:
        """Return the number of loops that wait for a time while the host is idle."""
        return len(self._jobs)

    async def failed(self) -> None:
        """Wait for ever; when a loop of the host dies, raise its exception."""
        done, _ = await asyncio.wait(self._jobs, return_when=asyncio.FIRST_COMPLETED)
        error = done.pop().exception()
        raise HostFailedError(f"a loop of the host failed: {error}") from error

    async def stop(self) -> None:
        """Stop listening, end the running turn and close the store."""
        jobs = [*self._jobs, self._watch]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await self._server.stop()
        self.topic.close()
        self._end_work()
        (self._options.state / "host.json").unlink(missing_ok=True)
        self.store.close()

    def _end_work(self) -> None:
        """End the running turn and replay; drop the calls of functions that wait for a thread."""
        self.engine.close()
        self.checker.close()
        self.invoker.close()
