"""Puts the host together and runs it until a signal."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from funchost.client_api import ClientApi, binding_json
from funchost.engine import Engine
from funchost.event_grid import EventGridWebhook
from funchost.http_trigger import HttpTriggers
from funchost.indexing import HostedFunction, load_functions
from funchost.invocation import Invoker
from funchost.settings import HostSettings, export_local_settings, read_host_settings
from funchost.store import Probe, Store
from funchost.timers import Schedule, run_timer
from funchost.topic import Topic

LOG = logging.getLogger("funchost")
MAX_BODY = 100 * 1024 * 1024


@dataclass(frozen=True)
class Keys:
    """The secrets of one state folder."""

    system: str
    topic: str


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def read_keys(state: Path) -> Keys:
    """Read the keys of a state folder, making them the first time."""
    path = state / "keys.json"
    if not path.exists():
        _write_private(
            path,
            json.dumps(
                {
                    "system": secrets.token_urlsafe(32),
                    "topic": secrets.token_urlsafe(32),
                }
            ),
        )
    return Keys(**json.loads(path.read_text()))


async def serve(port: int, app_folder: Path, state: Path, probe: Probe | None = None) -> None:
    """Run the host until SIGTERM or SIGINT; a test may probe its commits."""
    store = Store(state, probe)
    try:
        keys = read_keys(state)
        origin = f"http://127.0.0.1:{port}"
        export_local_settings(app_folder)
        os.environ.setdefault("FUNCHOST_TOPIC_ENDPOINT", f"{origin}/topics/default/api/events")
        os.environ.setdefault("FUNCHOST_TOPIC_KEY", keys.topic)
        settings = read_host_settings(app_folder)
        functions = load_functions(app_folder)
        for function in functions.values():
            if function.kind == "timerTrigger":
                Schedule.parse(function.trigger["schedule"])
        await _run(port, state, store, keys, settings, functions)
    finally:
        store.close()


async def _run(
    port: int,
    state: Path,
    store: Store,
    keys: Keys,
    settings: HostSettings,
    functions: dict[str, HostedFunction],
) -> None:
    origin = f"http://127.0.0.1:{port}"
    invoker = Invoker(binding_json(origin, settings.task_hub, keys.system))
    replays = os.environ.get("FUNCHOST_REPLAY", "") == "always"
    engine = Engine(store, functions, invoker, replays=replays)
    kinds: dict[str, list[HostedFunction]] = {}
    for function in functions.values():
        kinds.setdefault(function.kind, []).append(function)
    scale = float(os.environ.get("FUNCHOST_EVENTGRID_RETRY_SCALE", "1.0"))
    topic_key = os.environ["FUNCHOST_TOPIC_KEY"]
    topic = Topic(store, kinds.get("eventGridTrigger", []), invoker, topic_key, scale)
    webhook = EventGridWebhook(functions, invoker)
    http = HttpTriggers(kinds.get("httpTrigger", []), settings.route_prefix, invoker)

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "functions": len(functions)})

    web_app = web.Application(client_max_size=MAX_BODY)
    web_app.add_routes(ClientApi(engine, origin, settings, keys.system).routes())
    web_app.add_routes(
        [
            web.get("/", health),
            web.post("/topics/{name}/api/events", topic.publish),
            web.route("*", "/runtime/webhooks/{kind:[Ee]vent[Gg]rid}", webhook.serve),
            web.route("*", "/{path:.*}", http.serve),
        ]
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(web_app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    jobs = [asyncio.create_task(engine.run()), asyncio.create_task(topic.run())]
    jobs += [asyncio.create_task(run_timer(f, invoker)) for f in kinds.get("timerTrigger", [])]
    _write_private(
        state / "host.json",
        json.dumps(
            {
                "pid": os.getpid(),
                "port": port,
                "url": origin,
                "systemKey": keys.system,
                "topicEndpoint": f"{origin}/topics/default/api/events",
                "topicKey": topic_key,
            }
        ),
    )
    _announce(functions, http, origin)
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *jobs], return_when=asyncio.FIRST_COMPLETED)
    for task in (*jobs, waiting):
        task.cancel()
    await asyncio.gather(*jobs, waiting, return_exceptions=True)
    await runner.cleanup()
    engine.close()
    topic.close()
    invoker.close()
    (state / "host.json").unlink(missing_ok=True)
    # A loop that died takes the host with it, so that nobody takes it for a working one.
    for task in done - {waiting}:
        if not task.cancelled() and task.exception() is not None:
            raise RuntimeError("the host stopped by itself") from task.exception()


def _announce(functions: dict[str, HostedFunction], http: HttpTriggers, origin: str) -> None:
    paths = {function.name: (path, methods) for path, methods, _, function in http.routes}
    for function in functions.values():
        line = f"  {function.name}: {function.kind}"
        if function.name in paths:
            path, methods = paths[function.name]
            line += f" [{','.join(sorted(methods)) or 'ANY'}] {origin}/{path}"
        elif function.kind == "eventGridTrigger":
            line += f" {origin}/runtime/webhooks/EventGrid?functionName={function.name}"
        print(line)
    print(f"listening on {origin}", flush=True)
