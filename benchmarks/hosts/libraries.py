"""The floor of the libraries: aiohttp, the SDK and SQLite on one thread, and no host around them.

It is the least work with which these libraries can serve the benchmark: one route, no keys, no
inbox, no log and no thread, so that no lock changes hands. The SDK's executor stays alive between
turns (`Resident`). A start and an event are committed before their answer (WAL, synchronous=FULL),
each turn in one more commit, and the loop stands still meanwhile. A restart would lose what runs.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aiohttp import web

from benchmarks.hosts.obvious import APP, Event, event
from funchost.app.indexing import HostedFunction
from funchost.durable.execution import Instance, Resident

ENDED, RUNNING = "Completed", "Running"


@dataclass(frozen=True)
class Function:
    """A function of the app as `Resident` calls it."""

    call: Callable[..., object]


class Libraries:
    """Runs the benchmark's app on the thread of the event loop."""

    def __init__(self, folder: Path) -> None:
        """Open the database and load the app."""
        self._db = sqlite3.connect(folder / "libraries.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE instances(id PRIMARY KEY, name, input, status, output)")
        self._db.execute("CREATE TABLE history(seq INTEGER PRIMARY KEY, instance, events)")
        os.chdir(APP)
        sys.path.insert(0, str(APP))
        app = importlib.import_module("function_app").app
        self._functions = {
            f.get_function_name(): f.get_user_function() for f in app.get_functions()
        }
        self._runs: dict[str, Resident] = {}
        self._ends: dict[str, object] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """Start an instance, raise an event, or show a status."""
        words = request.rel_url.raw_path.split("/")
        instance = words[-3] if "raiseEvent" in words else words[-1]
        if request.method == "GET":
            ended = instance in self._ends
            status, output = (ENDED, self._ends[instance]) if ended else (RUNNING, None)
            document = {"runtimeStatus": status, "output": output}
            return web.json_response(document, status=200 if ended else 202)
        text = await request.text()
        if "raiseEvent" in words:
            message = event(15, Name=words[-1], Input=text)
            self._store(instance, [message])
        else:
            message = self._start(instance, words[-2], text)
        asyncio.get_running_loop().call_soon(self._turn, instance, message)
        return web.json_response({"id": instance}, status=202)

    def _start(self, instance: str, name: str, text: str) -> Event:
        self._db.execute(
            "INSERT INTO instances VALUES(?,?,?,?,NULL)", (instance, name, text, RUNNING)
        )
        function = cast(HostedFunction, Function(self._functions[name]))
        one = Instance(id=instance, name=name, execution="", input=text, parent=None)
        self._runs[instance] = Resident(function, one)
        return event(0, Name=name, Input=text, Version="", Tags=None)

    def _store(self, instance: str, events: list[Event]) -> None:
        insert = "INSERT INTO history(instance, events) VALUES(?,?)"
        self._db.execute(insert, (instance, json.dumps(events)))

    def _turn(self, instance: str, message: Event) -> None:
        run, live = self._runs[instance], [event(12), message]
        run.run([], live)
        self._db.execute("BEGIN IMMEDIATE")
        self._store(instance, [*live, *run.walk.new, event(13)])
        if run.done:
            end = "UPDATE instances SET status=?, output=? WHERE id=?"
            self._db.execute(end, (ENDED, run.result, instance))
        self._db.execute("COMMIT")
        if run.done:
            self._ends[instance] = run.output
            del self._runs[instance]
        for task in run.walk.new:
            if task["EventType"] == 4:
                result = self._functions[task["Name"]](json.loads(task["Input"]))
                ended = event(5, TaskScheduledId=task["EventId"], Result=json.dumps(result))
                asyncio.get_running_loop().call_soon(self._turn, instance, ended)


async def main() -> None:
    """Serve on a free port and print it."""
    app = web.Application()
    app.router.add_route("*", "/{path:[\\s\\S]*}", Libraries(Path(sys.argv[1])).answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    await web.SockSite(runner, listener).start()
    print(listener.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
