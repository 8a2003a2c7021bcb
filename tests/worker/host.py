"""A Functions host whose functions run in Microsoft's worker library, in a process of their own.

`python -m tests.worker.host APP STATE WORKER_PYTHON`: funchost's engine, timers and HTTP server over
an invoker that sends every call to worker.py. The worker has the environment of Core Tools: the
Values of local.settings.json, no variable of funchost, no topic.
"""

import asyncio
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any, cast

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import FIRST_ATTEMPT, Invoker, RetryContext, logged
from funchost.clock import now
from funchost.host import Host, Options
from funchost.timers.timer import NEVER, Status
from function_app.triggers.events.event_grid import payload_of
from tests.worker.storage import HostStorage

WORKER = Path(__file__).with_name("worker.py")
# The variables of a terminal in which a person calls `func start`.
TERMINAL = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "NO_PROXY", "no_proxy", "MLOPS_CONFIG")


class FunctionFailedError(Exception):
    """The worker answered with an exception; the text is its message."""


class Worker:
    """The worker process and its connection."""

    def __init__(self, python: str, app: Path, folder: Path, environ: Mapping[str, str]) -> None:
        address = str(folder / "worker.sock")
        with Listener(address, "AF_UNIX") as listener:
            self._process = subprocess.Popen(
                [python, str(WORKER), address, str(app)],
                cwd=app,
                env=environ,
                stdin=subprocess.DEVNULL,
            )
            self._connection = listener.accept()
        self._waiting: dict[int, Future[Any]] = {}
        self._lock, self._count = threading.Lock(), 0
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, *request: Any) -> Any:
        """Return the worker's answer; FunctionFailedError with its message when it fails."""
        return self.send(*request).result()

    def send(self, *request: Any) -> Future[Any]:
        """Send a request and return its answer to come."""
        answer: Future[Any] = Future()
        with self._lock:
            self._count += 1
            self._waiting[self._count] = answer
            self._connection.send((self._count, request))
        return answer

    def _read(self) -> None:
        while True:
            try:
                number, well, content = self._connection.recv()
            except (EOFError, OSError):
                number, well, content = 0, False, "The worker process ended."
            with self._lock:
                done = [self._waiting.pop(number)] if number else list(self._waiting.values())
            for answer in done:
                if well:
                    answer.set_result(content)
                else:
                    answer.set_exception(FunctionFailedError(content))
            if not number:
                return

    def close(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait()


class WorkerInvoker(Invoker):
    """Sends each call to the worker in the messages that the real host sends."""

    def __init__(self, client_json: str, worker: Worker, ids: Mapping[str, str]) -> None:
        super().__init__(client_json)
        self._worker, self._ids = worker, ids

    def send(self, function: HostedFunction, kind: str, value: Any, trace: str = "") -> Future[Any]:
        """Invoke a function with its trigger's value of a kind of TypedData."""
        inputs: dict[str, tuple[str, Any]] = {function.argument: (kind, value)}
        inputs |= dict.fromkeys(function.clients, ("string", self._client_json))
        return self._worker.send(self._ids[function.name], uuid.uuid4().hex, inputs, trace)

    async def call(
        self,
        function: HostedFunction,
        value: Any,
        caller: str = "",
        retry: RetryContext = FIRST_ATTEMPT,
    ) -> Any:
        kind, content = "json", cast(Any, "")
        if function.kind == "httpTrigger":
            kind, content = "http", _http(value)
        elif function.kind == "timerTrigger":
            content = json.dumps({
                "Schedule": value.schedule,
                "ScheduleStatus": value.schedule_status,
                "IsPastDue": value.past_due,
            })  # fmt: skip
        else:
            content = json.dumps(payload_of(value))
        with logged(function.name):
            result = await asyncio.wrap_future(self.send(function, kind, content, caller))
        return _response(result) if function.kind == "httpTrigger" else result

    def activity(self, function: HostedFunction, text: str | None, trace: str) -> str:
        # The Durable extension sends JSON as text.
        sent = self.send(function, "string", "null" if text is None else text, trace)
        return str(sent.result())


class WorkerHost(Host):
    """The host of one app whose worker is another process."""

    def __init__(self, options: Options, python: str) -> None:
        super().__init__(options)
        self._app, self._state, self._python = options.app, options.state, python
        self._ids: dict[str, str] = {}

    def _load(self, app: Path) -> dict[str, HostedFunction]:
        settings = json.loads((app / "local.settings.json").read_text())["Values"]
        id_ = hashlib.sha256(str(app).encode()).hexdigest()[:32]
        self.storage = HostStorage(settings["AzureWebJobsStorage"], id_)
        environ = {
            **{name: os.environ[name] for name in TERMINAL if name in os.environ},
            **settings,
            # Set by Core Tools and the host, too.
            "WEBSITE_HOSTNAME": self.url.removeprefix("http://"),
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsScriptRoot": str(app),
        }
        self.worker = Worker(self._python, app, self._state, environ)
        functions = {}
        for name, id_, bindings in self.worker.ask():
            self._ids[name] = id_
            functions[name.lower()] = self._hosted(name, [json.loads(text) for text in bindings])
        return functions

    def _hosted(self, name: str, bindings: list[dict[str, Any]]) -> HostedFunction:
        trigger = next(b for b in bindings if b["type"].lower().endswith("trigger"))
        clients = tuple(b["name"] for b in bindings if b["type"] == "durableClient")

        def replay(context: str) -> Any:
            return self.invoker.send(function, "string", context).result()  # type: ignore[attr-defined]

        function = HostedFunction(name, replay, trigger, clients, False, False)
        return function

    def _invoker(self, client_json: str) -> Invoker:
        return WorkerInvoker(client_json, self.worker, self._ids)

    async def fire_timers(self) -> None:
        """Run every timer function once, as the real host does after a missed occurrence."""
        for timer in self.timers:
            moment = now()
            await timer._fire(Status(moment, moment, moment), past_due=True)

    async def keep_timers(self) -> None:
        """Store the status of the timers as often as the host remembers it."""
        query = "SELECT * FROM timers"
        kept: dict[str, Any] = {}
        while True:
            for row in self.store.rows(query):
                status = {
                    "Last": row["last"] or NEVER,
                    "Next": row["next"],
                    "LastUpdated": row["updated"],
                }
                if kept.get(row["function"]) != status:
                    await asyncio.to_thread(self.storage.keep_timer, row["function"], status)
                    kept[row["function"]] = status
            await asyncio.sleep(1)

    async def stop(self) -> None:
        await super().stop()
        self.worker.close()
        self.storage.close()


def _http(request: Any) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "query": dict(request.params),
        "params": dict(request.route_params),
        "body": request.get_body(),
    }


def _response(result: tuple[str, dict[str, str], bytes]) -> Any:
    import azure.functions as func

    status, headers, body = result
    return func.HttpResponse(body, status_code=int(status), headers=headers)


async def serve(host: WorkerHost) -> None:
    """Run the host until SIGTERM; SIGUSR1 fires the timers."""
    loop, stop, tasks = asyncio.get_running_loop(), asyncio.Event(), list[asyncio.Task[None]]()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await host.start()
    tasks.append(loop.create_task(host.keep_timers()))
    fire = lambda: tasks.append(loop.create_task(host.fire_timers()))  # noqa: E731
    loop.add_signal_handler(signal.SIGUSR1, fire)
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await host.stop()


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    folder = Path(sys.argv[2]).resolve()
    chosen = Options(app=Path(sys.argv[1]).resolve(), state=folder, port=0)
    asyncio.run(serve(WorkerHost(chosen, sys.argv[3])))
