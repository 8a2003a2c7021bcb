"""Races between a turn, its commit, clients and a start of the host."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funchost import clock
from funchost.app.indexing import HostedFunction, alone, load_functions
from funchost.app.invocation import Invoker
from funchost.app.versions import Versions
from funchost.clock import Clock
from funchost.durable import instances
from funchost.durable.engine import EARLY, Engine
from funchost.durable.turns import Turns
from funchost.storage import activities
from funchost.storage import instances as stored
from funchost.storage import turns as stored_turns
from funchost.storage.activities import ScheduledActivity
from funchost.storage.connection import Connection
from funchost.storage.store import Store
from tests.funchost.conftest import APPS, until
from tests.patience import PATIENCE


@pytest.fixture
def functions() -> Iterator[dict[str, HostedFunction]]:
    with alone(APPS / "exits"):
        yield load_functions(APPS / "exits")


def take_turns(store: Store, functions: dict[str, HostedFunction], effects: Any) -> Turns:
    return Turns(store, functions, effects, versions=Versions(), replays=False, retry_scale=1.0)


def test_an_instance_that_is_replaced_while_its_turn_is_stored_runs(
    tmp_path: Path, functions: dict[str, HostedFunction]
) -> None:
    """The turn of the replaced execution is kept in memory after the client forgot it."""
    replaced, opened = list[bool](), list[Store]()

    def replace(db: Connection) -> bool:
        return instances.create(db, instances.new("one", "twice", '"\\"second\\""'), replace=True)

    def probe(point: str) -> None:
        # The thread that stores the first turn calls, after its commit.
        if point == "after" and opened and not replaced and stored_turns.read(store, "one"):
            replaced.append(True)
            turns.forget("one")
            store.commit(replace).add_done_callback(lambda _: turns.notify("one"))

    store = Store(tmp_path, probe)
    opened.append(store)
    turns = take_turns(store, functions, lambda instance, effects: None)
    with store.transaction() as db:
        instances.create(db, instances.new("one", "twice", '"\\"other\\""'))
    first = stored.get(store, "one")
    turns.notify("one")

    def has_new_execution() -> bool:
        present = stored.get(store, "one")
        return present is not None and first is not None and present.execution != first.execution

    until(lambda: has_new_execution() and turns.idle, "the replacement, and its turn")

    present = stored.get(store, "one")
    turns.close()
    store.close()
    assert present is not None
    assert present.status == "Running"


def test_a_turn_that_is_stored_after_the_close_starts_nothing(
    tmp_path: Path, functions: dict[str, HostedFunction]
) -> None:
    store, started = Store(tmp_path), list[str]()
    turns = take_turns(store, functions, lambda instance, effects: started.append(instance))
    with store.transaction() as db:
        for instance in ("one", "two"):
            instances.create(db, instances.new(instance, "twice", '"\\"other\\""'))
    released = threading.Event()

    def hold() -> None:
        with store.transaction():
            held.set()
            released.wait()

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    # Two turns are ready, so that the first is handed to the writer, which waits for its lock.
    turns.notify("one")
    turns.notify("two")

    closer = threading.Thread(target=turns.close)
    closer.start()
    until(lambda: turns.closed, "the close to begin")
    released.set()
    for thread in (holder, closer):
        thread.join()
    store.close()

    assert started == []


class SteppingClock(Clock):
    """Goes on by one second whenever somebody asks, and never wakes anybody."""

    def __init__(self, moment: float) -> None:
        self.moment, self.rests = moment, asyncio.Event()

    def time(self) -> float:
        self.moment += 1
        return self.moment

    async def wait(self, awake: asyncio.Event, until: float | None) -> None:
        self.rests.set()
        await awake.wait()


class FrozenClock(Clock):
    def __init__(self, moment: float) -> None:
        self._moment = moment

    def time(self) -> float:
        return self._moment


@pytest.fixture
def machine() -> Iterator[None]:
    before = clock.use(Clock())
    yield
    clock.use(before)


@pytest.mark.usefixtures("machine")
def test_a_message_that_falls_due_during_the_start_is_taken(tmp_path: Path) -> None:
    store, begun = Store(tmp_path), 1_000_000.0
    clock.use(FrozenClock(begun + 1.5))
    with store.transaction() as db:
        instances.create(db, instances.new("late", "of_no_app", None))

    async def start() -> None:
        engine = Engine(store, {}, Invoker("{}"))
        stepping = SteppingClock(begun)
        clock.use(stepping)
        running = asyncio.create_task(engine.run())
        await stepping.rests.wait()
        await asyncio.to_thread(until, lambda: engine.idle, "the turns")
        engine.close()
        running.cancel()

    asyncio.run(start())
    late = stored.get(store, "late")
    store.close()
    # The app has no such function, so that its first turn fails it.
    assert late is not None
    assert late.status == "Failed"


@pytest.mark.usefixtures("machine")
def test_a_due_turn_is_awaited_until_it_is_stored(tmp_path: Path) -> None:
    started, free = threading.Event(), threading.Event()

    def probe(point: str) -> None:
        if point == "before" and started.is_set():
            free.wait(PATIENCE)
        if point == "after" and opened.is_set():
            started.set()

    opened = threading.Event()
    store = Store(tmp_path, probe)
    opened.set()

    async def start() -> list[tuple[bool, str]]:
        engine, seen = Engine(store, {}, Invoker("{}")), list[tuple[bool, str]]()

        async def ask(seconds: float) -> None:
            due = await engine.wait_for_turns("asked", seconds)
            row = stored.get(store, "asked")
            seen.append((due, row.status if row else ""))

        await engine.start("asked", "of_no_app", None)
        await asyncio.to_thread(until, lambda: not engine._turns.idle, "the first turn")
        await ask(0.0)
        asking = asyncio.create_task(ask(PATIENCE))
        await asyncio.sleep(0)
        free.set()
        await asking
        await asyncio.to_thread(until, lambda: engine.idle, "the end of the turn")
        await ask(PATIENCE)
        engine.close()
        return seen

    seen = asyncio.run(start())
    store.close()
    assert seen == [(True, "Pending"), (True, "Failed"), (False, "Failed")]


def test_activities_that_go_on_before_the_web_server_is_there_run_once(tmp_path: Path) -> None:
    """Their results are not stored yet when the rest of the stored work is read."""
    calls, filled, released = list[int](), threading.Event(), threading.Event()

    def step(value: int) -> None:
        calls.append(value)

    def probe(point: str) -> None:
        if point == "before" and filled.is_set():
            released.wait(PATIENCE)

    store, count = Store(tmp_path, probe), 3 * EARLY
    with store.transaction() as db:
        for number in range(count):
            record = instances.new(f"one-{number}", "of_no_app", None)
            instances.create(db, record)
            text = json.dumps(number)
            row = ScheduledActivity(record.id, record.execution, 0, "step", text, "")
            activities.schedule(db, [row])
    filled.set()
    trigger = {"type": "activityTrigger", "name": "value"}
    function = HostedFunction("step", step, trigger, (), wants_context=False, is_async=False)

    async def start() -> int:
        engine = Engine(store, {"step": function}, Invoker("{}"))
        engine.begin()

        def ended(calls_until_then: int) -> bool:
            return len(calls) >= calls_until_then and engine._activities.idle

        await asyncio.to_thread(until, lambda: ended(EARLY), "the early activities")
        early = len(calls)
        running = asyncio.create_task(engine.run())
        await asyncio.to_thread(until, lambda: ended(count), "the other activities")
        released.set()
        await asyncio.to_thread(until, lambda: engine.idle, "the turns")
        engine.close()
        running.cancel()
        return early

    early = asyncio.run(start())
    store.close()
    assert early == EARLY
    assert sorted(calls) == list(range(count))
