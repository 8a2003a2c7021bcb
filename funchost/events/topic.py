"""A local Event Grid topic: stores events before it answers, then delivers at least once.

Schedule and limits: Event Grid documentation, "Event Grid message delivery and retry".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from funchost import clock
from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker
from funchost.durable import history as h
from funchost.events import dead_letters
from funchost.events.dates import as_delivered
from funchost.events.event_grid import deliver, takes_many
from funchost.events.subscriptions import Subscription
from funchost.keys import opens
from funchost.storage import deliveries
from funchost.storage.connection import Connection
from funchost.storage.deliveries import Delivery
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.topic")
MAX_ATTEMPTS = 30
TIME_TO_LIVE = timedelta(hours=24)
MAX_BYTES = 1024 * 1024
_DELAYS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
_REQUIRED = {
    True: ("id", "source", "type", "specversion"),
    False: ("id", "subject", "eventType", "eventTime", "dataVersion"),
}


class Topic:
    """Takes events with a key and hands them to the functions whose subscription takes them."""

    def __init__(
        self,
        store: Store,
        functions: Mapping[str, HostedFunction],
        subscriptions: Mapping[str, Subscription],
        invoker: Invoker,
        *,
        key: str,
        scale: float,
    ) -> None:
        """Take the scale by which the retry schedule and the time to live are multiplied."""
        self._store, self._invoker, self._key, self._scale = store, invoker, key, scale
        self._functions, self._subscriptions = functions, subscriptions
        self._awake = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}

    @property
    def idle(self) -> bool:
        """Return whether no delivery runs."""
        return not self._running

    def routes(self) -> list[web.RouteDef]:
        """Return the routes: publish events, and list or settle dead letters."""
        letters = "/topics/{name}/dead-letters"
        return [
            web.post("/topics/{name}/api/events", self.publish),
            web.get(letters, self.list_dead_letters),
            web.post(letters + "/{number:[0-9]{1,18}}/replay", self.settle_dead_letter),
            web.delete(letters + "/{number:[0-9]{1,18}}", self.settle_dead_letter),
        ]

    def _admits(self, request: web.Request) -> bool:
        return opens(request.headers.get("aeg-sas-key", ""), self._key)

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Store every event, then answer exactly 200, the only status that the client accepts."""
        if not self._admits(request):
            return _refusal(401, "Unauthorized", "Send the topic's key as aeg-sas-key.")
        body = await request.read()
        if len(body) > MAX_BYTES:
            return _refusal(413, "PayloadTooLarge", f"At most {MAX_BYTES} bytes are taken.")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return _refusal(400, "BadRequest", "The body is not JSON.")
        events = document if isinstance(document, list) else [document]
        for number, event in enumerate(events):
            problem = _problem(event)
            if problem:
                return _refusal(400, "BadRequest", f"Event {number}: {problem}.")
            if "specversion" not in event:
                event.setdefault("topic", request.match_info["name"])
                event.setdefault("metadataVersion", "1")
        moment, due = h.stamp(clock.now()), clock.time()
        rows = [
            (name, json.dumps(event), due, moment)
            for event in events
            for name, subscription in self._subscriptions.items()
            if subscription.takes(event)
        ]
        await self._store.committed(lambda db: deliveries.add(db, rows))
        self._awake.set()
        return web.Response(status=200)

    async def list_dead_letters(self, request: web.Request) -> web.StreamResponse:
        """List the dead letters with their reasons."""
        if not self._admits(request):
            return _refusal(401, "Unauthorized", "Send the topic's key as aeg-sas-key.")
        letters = deliveries.dead_letters(self._store)
        return web.json_response([dead_letters.document(letter) for letter in letters])

    async def settle_dead_letter(self, request: web.Request) -> web.StreamResponse:
        """Deliver a dead letter again, or discard it."""
        if not self._admits(request):
            return _refusal(401, "Unauthorized", "Send the topic's key as aeg-sas-key.")
        number = int(request.match_info["number"])
        settle = dead_letters.replay if request.method == "POST" else deliveries.delete_dead_letter
        if not await self._store.committed(lambda db: settle(db, number)):
            return _refusal(404, "NotFound", f"There is no dead letter {number}.")
        self._awake.set()
        return web.Response(status=202 if request.method == "POST" else 204)

    async def run(self) -> None:
        """Deliver due events until cancelled."""
        while True:
            self._awake.clear()
            moment = clock.time()
            for delivery in deliveries.due(self._store, moment):
                # Events of a function that the app no longer has wait until the function is back.
                if delivery.seq not in self._running and delivery.function in self._functions:
                    self._running[delivery.seq] = asyncio.create_task(self._attempt(delivery))
            await clock.wait(self._awake, deliveries.next_due(self._store, moment))

    async def _attempt(self, delivery: Delivery) -> None:
        failure: str | None = None
        try:
            # Event Grid posts an array.
            events = as_delivered([json.loads(delivery.event)])
            function = self._functions[delivery.function]
            await deliver(self._invoker, function, events if takes_many(function) else events[0])
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        try:
            await self._store.committed(lambda db: self._settle(db, delivery, failure))
        except Exception:
            LOG.exception("the delivery to %s could not be settled", delivery.function)
            await asyncio.sleep(1.0)
        finally:
            self._running.pop(delivery.seq, None)
            self._awake.set()

    def _settle(self, db: Connection, delivery: Delivery, failure: str | None) -> None:
        attempts, name = delivery.attempts + 1, delivery.function
        if failure is None:
            deliveries.delete(db, delivery.seq)
            return
        reason = self._given_up(delivery, attempts)
        if reason is None:
            delay = _DELAYS[min(attempts, len(_DELAYS)) - 1] * self._scale
            form = "delivery %d to %s failed, next in %.1f s: %s"
            LOG.warning(form, attempts, name, delay, failure)
            deliveries.postpone(db, delivery.seq, attempts, clock.time() + delay)
            return
        LOG.error("event given up for %s after %d attempts: %s", name, attempts, failure)
        deliveries.give_up(db, delivery, attempts, reason, failure, h.stamp(clock.now()))

    def _given_up(self, delivery: Delivery, attempts: int) -> str | None:
        if attempts >= MAX_ATTEMPTS:
            return "MaxDeliveryAttemptsExceeded"
        if clock.now() - h.parse_stamp(delivery.published) > TIME_TO_LIVE * max(self._scale, 1e-4):
            return "TimeToLiveExceeded"
        return None

    def close(self) -> None:
        """Drop running attempts; their rows stay for the next start."""
        for task in self._running.values():
            task.cancel()


def _refusal(status: int, code: str, text: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": text}}, status=status)


def _problem(event: Any) -> str | None:
    if not isinstance(event, dict):
        return "an event must be a JSON object"
    missing = [k for k in _REQUIRED["specversion" in event] if k not in event]
    return f"it lacks {', '.join(missing)}" if missing else None
