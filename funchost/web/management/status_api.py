"""The routes that show instances, their history, and the warnings of the host."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import OrderedDict
from collections.abc import Sequence

from aiohttp import web

from funchost import clock
from funchost.durable import history as h
from funchost.durable.engine import Engine
from funchost.keys import given_key, opens
from funchost.storage import entities, instances, messages, turns, warnings
from funchost.storage.instances import Filters
from funchost.storage.store import Store
from funchost.web.management.status import entity_document, history_document, status_document
from funchost.web.paths import as_asked
from funchost.web.queries import Page, filters, flag, page

WARNINGS = "/runtime/webhooks/funchost/warnings"
MOST = 100  # warnings in an answer

HOLD = 0.05  # seconds
AGAIN = 2 * HOLD  # seconds between two requests of a client that makes no pause, at most
REMEMBERED = 1000  # instances of which the last request is remembered


class Polls:
    """Tells which requests for the status of a running instance to answer later.

    Requests without a pause would take the core from the turns that their clients wait for. Such a
    request is answered when the instance has ended, or after HOLD.
    """

    def __init__(self) -> None:
        """Start without any request."""
        self._last: OrderedDict[str, float] = OrderedDict()

    def hold(self, instance: str) -> bool:
        """Tell whether the instance was asked for less than AGAIN ago."""
        moment = time.monotonic()
        last = self._last.pop(instance, 0.0)
        self._last[instance] = moment
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return moment - last < AGAIN


class StatusApi:
    """Answers the routes that read instances; an entity is an instance, too."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine whose store is read."""
        self._engine, self._store = engine, engine.store
        self._polls = Polls()

    async def get(self, request: web.Request, instance: str) -> web.StreamResponse:
        """Answer with one instance: 200 when it has ended, else 202 with Retry-After."""
        row = instances.get(self._store, instance)
        if row is not None and not row.ended:
            if self._polls.hold(row.id):
                row = await self._engine.wait_for_end(row.id, HOLD)
            elif row.status != "Pending" and await self._engine.wait_for_turns(row.id, HOLD):
                # The client often asks for the effect of the event that it has just sent. After a
                # start it sees Pending, as in Azure.
                row = instances.get(self._store, instance)
        if row is None:
            entity = entities.get(self._store, instance)
            if entity is None:
                return web.Response(status=404)
            show = flag(request, "showInput", True)
            return _unfinished(request, entity_document(entity, show))
        document = self.document(request, row)
        if not row.ended:
            return _unfinished(request, document)
        shown = flag(request, "returnInternalServerErrorOnFailure", False)
        return web.json_response(document, status=500 if shown and row.status == "Failed" else 200)

    def document(self, request: web.Request, row: instances.InstanceRecord) -> dict[str, object]:
        """Return an instance with what the request asks to see of it."""
        show = flag(request, "showInput", True)
        document = status_document(row, show)
        if flag(request, "showHistory", False) and row.status != "Pending":
            document["historyEvents"] = history_document(
                row,
                self._history(row),
                start=show,
                inputs=flag(request, "showHistoryInput", False),
                outputs=flag(request, "showHistoryOutput", False),
            )
        return document

    def _history(self, row: instances.InstanceRecord) -> list[h.Event]:
        events = h.read(turns.read(self._store, row.id))
        if row.status == "Suspended":
            # They become history when the instance is resumed; the extension shows them at once.
            events += h.waiting(messages.due(self._store, row.id, clock.time()), row.execution)
        return events

    async def list(self, request: web.Request) -> web.StreamResponse:
        """List instances and entities in the order of their ids, in pages."""
        asked, chosen = page(request), filters(request)
        show = flag(request, "showInput", True)
        # In a thread: many instances would stop the loop, and with it every other request.
        documents, following = await asyncio.to_thread(self._page, asked, chosen, show)
        return web.json_response(documents, headers=asked.next(following))

    def _page(
        self, asked: Page, chosen: Filters, show: bool
    ) -> tuple[Sequence[object], str | None]:
        """Return the documents of a page, and the last id when another page follows."""
        # One more than the page shows whether another page follows.
        most = asked.most + 1 if asked.most else 0
        listed = list(
            heapq.merge(
                ((one, False) for one in instances.ids(self._store, chosen, asked.after, most)),
                ((one, True) for one in entities.ids(self._store, chosen, asked.after, most)),
            )
        )[:most]
        shown = listed[: asked.most]
        rows = instances.get_many(self._store, [one for one, is_entity in shown if not is_entity])
        documents = []
        for one, is_entity in shown:
            if is_entity:
                entity = entities.get(self._store, one)
                documents += [entity_document(entity, show)] if entity else []
            elif one in rows:
                documents.append(status_document(rows[one], show))
        return documents, shown[-1][0] if len(listed) > len(shown) and shown else None


class WarningsApi:
    """Shows the newest warnings to a request with the system key."""

    def __init__(self, store: Store, key: str) -> None:
        """Take the store that has the warnings, and the system key."""
        self._store, self._key = store, key

    def routes(self) -> list[web.RouteDef]:
        """List the only route."""
        return [web.get(WARNINGS, self.list)]

    async def list(self, request: web.Request) -> web.StreamResponse:
        """Answer with at most MOST warnings, the newest first, and how many there are."""
        if not opens(given_key(request), self._key):
            return web.Response(status=401)
        newest = [warning_document(record) for record in warnings.newest(self._store, MOST)]
        return web.json_response({"warnings": newest, "total": warnings.count(self._store)})


def _unfinished(request: web.Request, document: dict[str, object]) -> web.Response:
    """Answer with an instance that has not ended, and say when to ask again."""
    headers = {"Location": as_asked(request.url), "Retry-After": "5"}
    return web.json_response(document, status=202, headers=headers)


def warning_document(record: warnings.WarningRecord) -> dict[str, str]:
    """Return a warning as the route and the command show it."""
    return {
        "kind": record.kind,
        "instance": record.instance,
        "cause": record.cause,
        "remedy": record.remedy,
        "at": record.at,
    }
