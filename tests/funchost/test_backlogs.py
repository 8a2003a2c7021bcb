"""Many stored rows: a backlog of events is read once, and lists are read off the host's loop."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request

from funchost.app.indexing import HostedFunction
from funchost.events.subscriptions import Subscription
from funchost.events.topic import Topic
from funchost.storage import deliveries, instances
from funchost.storage.instances import InstanceRecord
from funchost.storage.store import Store
from funchost.web.management.life_cycle_api import LifeCycleApi
from funchost.web.management.status_api import StatusApi
from tests.quiet_clock import QuietClock

BACKLOG, AT = 300, "2026-01-01T00:00:00.000000Z"
FUNCTION = HostedFunction(
    name="on_event",
    call=lambda event: None,
    trigger={"type": "eventGridTrigger", "name": "event"},
    clients=(),
    wants_context=False,
    is_async=False,
)


class CountingStore(Store):
    """Counts the rows that its readers get, and remembers the threads in which they read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read, self.threads = 0, set[int]()

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        rows = super().rows(query, *values)
        self.read += len(rows)
        self.threads.add(threading.get_ident())
        return rows


class OneByOne:
    """An invoker that ends a call when the one before is stored, so that no two share a commit.

    The first call of each id in `bad` fails.
    """

    def __init__(self, store: Store, bad: set[str]) -> None:
        self._store, self._turn, self._bad = store, asyncio.Lock(), bad
        self.calls: list[str] = []

    def value(self, function: HostedFunction, datum: Any) -> Any:
        return SimpleNamespace(id=json.loads(datum.value)["id"])

    async def call(self, function: HostedFunction, event: Any) -> None:
        async with self._turn:
            while self._untried() > BACKLOG - len(set(self.calls)):
                await asyncio.sleep(0)
            self.calls.append(event.id)
            if event.id in self._bad:
                self._bad.remove(event.id)
                raise ValueError(event.id)

    def _untried(self) -> int:
        """Return the number of events of which no attempt is stored."""
        row = self._store.row("SELECT COUNT(*) AS number FROM deliveries WHERE attempts=0")
        assert row is not None
        return int(row["number"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CountingStore]:
    made = CountingStore(tmp_path / "state")
    yield made
    made.close()


def event(number: int) -> str:
    return json.dumps(
        {
            "id": str(number),
            "topic": "t",
            "subject": "s",
            "eventType": "e",
            "eventTime": "2026-01-01T00:00:00Z",
            "data": {},
            "dataVersion": "1",
            "metadataVersion": "1",
        }
    )


@pytest.mark.parametrize("failing", [0, 20])
@pytest.mark.parametrize("scale", [0.0, 0.001])
def test_a_backlog_of_events_is_read_once_and_not_at_each_end(
    store: CountingStore, failing: int, scale: float
) -> None:
    rows = [("on_event", event(number), 0.0, "2099-01-01T00:00:00Z") for number in range(BACKLOG)]
    store.commit(lambda db: deliveries.add(db, rows)).result()
    store.read = 0

    async def deliver_all() -> OneByOne:
        invoker = OneByOne(store, {str(number) for number in range(failing)})
        topic = Topic(
            store,
            {"on_event": FUNCTION},
            {"on_event": Subscription()},
            cast(Any, invoker),
            key="k",
            scale=scale,
        )
        running = asyncio.create_task(topic.run())
        clock = QuietClock()
        while store.row("SELECT 1 FROM deliveries") or not topic.idle:
            assert clock.seconds() < 60, invoker.calls
            await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return invoker

    invoker = asyncio.run(deliver_all())

    assert sorted(invoker.calls) == sorted(
        [str(number) for number in (*range(BACKLOG), *range(failing))]
    )
    # One read of the backlog, and for each failure at most one more of all that still waits.
    assert store.read <= BACKLOG * (1 + failing)


def many_instances(store: Store) -> None:
    for number in range(3):
        record = InstanceRecord(
            *(f"i{number}", "story", "x", "Completed", "null", "null", None, AT, AT),
            *(None, None, None, "", "", ""),
        )
        with store.transaction() as db:
            instances.put(db, record)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_list_of_instances_is_not_read_on_the_loop(store: CountingStore, method: str) -> None:
    many_instances(store)
    engine = cast(Any, SimpleNamespace(store=store))
    nothing = cast(Any, None)
    life = LifeCycleApi(engine, nothing, nothing)
    respond = StatusApi(engine).list if method == "GET" else life.purge_many
    query = "createdTimeFrom=2025-01-01T00:00:00Z"

    async def ask() -> tuple[int, Any]:
        answer = await respond(make_mocked_request(method, f"/instances?{query}"))
        return threading.get_ident(), json.loads(cast(Any, answer).body)

    loop, content = asyncio.run(ask())

    assert len(content) == 3 or content == {"instancesDeleted": 3}
    assert store.threads
    assert loop not in store.threads
