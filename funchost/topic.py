"""A local Event Grid topic: stores events before it answers, then delivers at least once."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import sqlite3
import time
from typing import Any

from aiohttp import web

from funchost import history as h
from funchost.clock import now
from funchost.event_grid import deliver
from funchost.indexing import HostedFunction
from funchost.invocation import Invoker
from funchost.store import Store

LOG = logging.getLogger("funchost.topic")
MAX_ATTEMPTS = 30
MAX_BYTES = 1024 * 1024
_DELAYS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
_REQUIRED = {
    True: ("id", "source", "type", "specversion"),
    False: ("id", "subject", "eventType", "eventTime", "dataVersion"),
}


class Topic:
    """Takes events with a key and hands them to every Event Grid function."""

    def __init__(
        self,
        store: Store,
        functions: list[HostedFunction],
        invoker: Invoker,
        key: str,
        scale: float,
    ) -> None:
        """Take the scale by which the retry schedule is multiplied."""
        self._store, self._invoker, self._key, self._scale = store, invoker, key, scale
        self._functions = {f.name: f for f in functions}
        self._awake = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Store every event, then answer exactly 200."""
        given = request.headers.get("aeg-sas-key", "")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return web.Response(status=401)
        body = await request.read()
        if len(body) > MAX_BYTES:
            return web.Response(status=413)
        try:
            document = json.loads(body)
        except ValueError:
            return web.Response(status=400, text="the body is not JSON")
        events = document if isinstance(document, list) else [document]
        for event in events:
            problem = _problem(event)
            if problem:
                return web.Response(status=400, text=problem)
            if "specversion" not in event:
                event.setdefault("topic", request.match_info["name"])
                event.setdefault("metadataVersion", "1")
        moment, due = h.stamp(now()), time.time()
        with self._store.transaction() as db:
            db.executemany(
                "INSERT INTO deliveries(function, event, due, published) VALUES(?,?,?,?)",
                [(name, json.dumps(e), due, moment) for e in events for name in self._functions],
            )
        self._awake.set()
        return web.Response(status=200)

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        while True:
            self._awake.clear()
            for row in self._store.rows(
                "SELECT * FROM deliveries WHERE due<=? ORDER BY seq", time.time()
            ):
                # A function the app lost keeps its events until it comes back.
                if row["seq"] not in self._running and row["function"] in self._functions:
                    self._running[row["seq"]] = asyncio.create_task(self._attempt(row))
            later = self._store.row(
                "SELECT MIN(due) AS due FROM deliveries WHERE due>?", time.time()
            )
            due = later["due"] if later else None
            pause = 60.0 if due is None else min(60.0, max(0.001, due - time.time()))
            try:
                await asyncio.wait_for(self._awake.wait(), pause)
            except TimeoutError:
                continue

    async def _attempt(self, row: sqlite3.Row) -> None:
        failure: str | None = None
        try:
            event = json.loads(row["event"])
            await deliver(self._invoker, self._functions[row["function"]], event)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        try:
            self._settle(row, failure)
        except Exception:
            LOG.exception("the delivery to %s could not be settled", row["function"])
            await asyncio.sleep(1.0)
        finally:
            self._running.pop(row["seq"], None)
            self._awake.set()

    def _settle(self, row: sqlite3.Row, failure: str | None) -> None:
        attempts = row["attempts"] + 1
        with self._store.transaction() as db:
            if failure is None:
                db.execute("DELETE FROM deliveries WHERE seq=?", (row["seq"],))
            elif attempts >= MAX_ATTEMPTS:
                LOG.error("event given up for %s: %s", row["function"], failure)
                db.execute("DELETE FROM deliveries WHERE seq=?", (row["seq"],))
                db.execute(
                    "INSERT INTO dead_letters(function, event, attempts, reason, outcome, "
                    "published, buried) VALUES(?,?,?,?,?,?,?)",
                    (
                        row["function"],
                        row["event"],
                        attempts,
                        "MaxDeliveryAttemptsExceeded",
                        failure,
                        row["published"],
                        h.stamp(now()),
                    ),
                )
            else:
                delay = _DELAYS[min(attempts, len(_DELAYS)) - 1] * self._scale
                LOG.warning(
                    "delivery %d to %s failed, next in %.1f s: %s",
                    attempts,
                    row["function"],
                    delay,
                    failure,
                )
                db.execute(
                    "UPDATE deliveries SET attempts=?, due=? WHERE seq=?",
                    (attempts, time.time() + delay, row["seq"]),
                )

    def close(self) -> None:
        """Drop running attempts; their rows stay for the next start."""
        for task in self._running.values():
            task.cancel()


def _problem(event: Any) -> str | None:
    if not isinstance(event, dict):
        return "an event must be a JSON object"
    missing = [k for k in _REQUIRED["specversion" in event] if k not in event]
    return f"the event lacks {', '.join(missing)}" if missing else None
