"""The obvious host: the unmodified SDK, one commit an episode, behind a threaded HTTP server.

It replays the whole history at each episode, as the real host does, and knows no more of Durable
than the benchmark's app needs: activities, fan-outs and external events. It keeps the promise of
funchost: a start and an event are on disk before they are answered (WAL, synchronous=FULL), an
activity's result together with the episode that takes it.
"""

from __future__ import annotations

import importlib
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

APP = Path(__file__).parents[1] / "app"
THREADS = min(32, (os.cpu_count() or 1) + 4)
Event = dict[str, object]


def event(kind: int, event_id: int = -1, **keys: object) -> Event:
    """Return a history event of this moment."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    base = {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": moment}
    return {**base, **keys}


def activities(actions: list[Event]) -> Iterator[Event]:
    """Yield the activities among the actions of the code, in order."""
    left = list(actions)
    while left:
        action = left.pop(0)
        left[:0] = cast("list[Event]", action.get("compoundActions", []))
        if action["actionType"] == 0:
            yield action


class Obvious:
    """Runs episodes; each instance has one at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the database and load the app."""
        self._db = sqlite3.connect(
            folder / "obvious.db", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE instances(id PRIMARY KEY, name, input, status, output)")
        self._db.execute("CREATE TABLE history(seq INTEGER PRIMARY KEY, instance, event)")
        self._db.execute("CREATE INDEX by_instance ON history(instance)")
        self._db_lock, self._lock = threading.Lock(), threading.Lock()
        self._inbox: dict[str, list[Event]] = {}
        self._busy: set[str] = set()
        self._threads = ThreadPoolExecutor(THREADS)
        os.chdir(APP)
        sys.path.insert(0, str(APP))
        app = importlib.import_module("function_app").app
        self._functions = {
            f.get_function_name(): f.get_user_function() for f in app.get_functions()
        }

    def start(self, instance: str, name: str, text: str) -> None:
        """Store a new instance and begin it."""
        with self._db_lock:
            self._db.execute(
                "INSERT INTO instances VALUES(?,?,?,'Running',NULL)", (instance, name, text)
            )
        self._post(instance, event(0, Name=name, Input=text, Version="", Tags=None))

    def raise_event(self, instance: str, name: str, text: str) -> None:
        """Store an external event and let the instance take it."""
        raised = event(15, Name=name, Input=text)
        with self._db_lock:
            self._db.execute("CREATE TABLE IF NOT EXISTS raised(instance, event)")
            self._db.execute("INSERT INTO raised VALUES(?,?)", (instance, json.dumps(raised)))
        self._post(instance, raised)

    def status(self, instance: str) -> tuple[str, str | None]:
        """Return the status and the output as JSON text."""
        with self._db_lock:
            query = "SELECT status, output FROM instances WHERE id=?"
            row: tuple[str, str | None] = self._db.execute(query, (instance,)).fetchone()
        return row

    def _post(self, instance: str, message: Event) -> None:
        with self._lock:
            self._inbox.setdefault(instance, []).append(message)
            if instance in self._busy:
                return
            self._busy.add(instance)
        self._threads.submit(self._episodes, instance)

    def _episodes(self, instance: str) -> None:
        while True:
            with self._lock:
                messages = self._inbox.pop(instance, [])
                if not messages:
                    self._busy.discard(instance)
                    return
            self._episode(instance, messages)

    def _episode(self, instance: str, messages: list[Event]) -> None:
        with self._db_lock:
            query = "SELECT event FROM history WHERE instance=? ORDER BY seq"
            history = [json.loads(row[0]) for row in self._db.execute(query, (instance,))]
            query = "SELECT name, input FROM instances WHERE id=?"
            name, text = self._db.execute(query, (instance,)).fetchone()
        new = [event(12), *messages]
        document = {
            "history": [*history, *new],
            "input": json.loads(text),
            "instanceId": instance,
            "isReplaying": False,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
        }
        state = json.loads(self._functions[name](json.dumps(document)))
        done = sum(e["EventType"] == 4 for e in history)
        scheduled = [
            event(4, number, Name=action["functionName"], Input=action.get("input"))
            for number, action in enumerate(activities(state["actions"][0]))
            if number >= done
        ]
        rows = [(instance, json.dumps(e)) for e in [*new, *scheduled, event(13)]]
        with self._db_lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO history(instance, event) VALUES(?,?)", rows)
            if state["isDone"]:
                end = "UPDATE instances SET status='Completed', output=? WHERE id=?"
                self._db.execute(end, (json.dumps(state["output"]), instance))
            self._db.execute("COMMIT")
        for task in scheduled:
            self._threads.submit(self._activity, instance, task)

    def _activity(self, instance: str, task: Event) -> None:
        result = self._functions[str(task["Name"])](json.loads(str(task["Input"])))
        answer = event(5, TaskScheduledId=task["EventId"], Result=json.dumps(result))
        self._post(instance, answer)


def handler(host: Obvious) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for this host."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave in one packet

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            words = self.path.split("/")
            if "raiseEvent" in words:
                host.raise_event(words[-3], words[-1], body)
            else:
                host.start(words[-1], words[-2], body)
            self._answer(202, {"id": words[-1]})

        def do_GET(self) -> None:
            status, output = host.status(self.path.rpartition("/")[2])
            value = None if output is None else json.loads(output)
            code = 202 if status == "Running" else 200
            self._answer(code, {"runtimeStatus": status, "output": value})

        def _answer(self, code: int, document: Event) -> None:
            text = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


def main() -> None:
    """Serve on a free port and print it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Obvious(Path(sys.argv[1]))))
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
