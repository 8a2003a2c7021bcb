"""The engine: client requests, turns, activities, entities and timers over one store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from funchost import clock
from funchost.app.invocation import Invoker, timed_out
from funchost.app.versions import Versions
from funchost.durable import entities, instances
from funchost.durable import history as h
from funchost.durable.history import parse_stamp
from funchost.durable.rewind import Rewound, rewind
from funchost.durable.turn import Effects, FunctionMap
from funchost.durable.turns import Turns
from funchost.durable.work import Activities
from funchost.storage import activities, messages
from funchost.storage import entities as stored_entities
from funchost.storage import instances as stored_instances
from funchost.storage.activities import TaskId
from funchost.storage.connection import Connection
from funchost.storage.instances import InstanceRecord
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.engine")
T = TypeVar("T")
LONG_TURN = 2.0  # seconds
EARLY = 8  # activities that a start continues before it has a web server, and as many instances


class Engine:
    """Runs orchestrations from the stored state alone, so that a crash loses nothing."""

    def __init__(
        self,
        store: Store,
        functions: FunctionMap,
        invoker: Invoker,
        *,
        versions: Versions | None = None,
        replays: bool = False,
        retry_scale: float = 1.0,
        ended: Callable[[str, str], None] = lambda instance, name: None,
        most_activities: int | None = None,
    ) -> None:
        """Take the version of the app and its rule, which is that of an app without a version.

        `most_activities` may run at once; None means as many as there are threads.
        `replays` replays every turn from the start, to catch non-determinism. `retry_scale`
        multiplies the pauses between the attempts of an activity. `ended` gets the
        instance and the orchestrator of each execution that ends.
        """
        self.store, self.functions, self.invoker = store, functions, invoker
        self._loop, self._versions = asyncio.get_running_loop(), versions or Versions()
        self._turns = Turns(
            store,
            functions,
            self._carry_out,
            versions=self._versions,
            replays=replays,
            retry_scale=retry_scale,
        )
        self._activities = Activities(
            store, functions, invoker, self._turns.notify, most=most_activities
        )
        self._ended = ended
        self._awake = asyncio.Event()
        self._batches: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, list[asyncio.Future[None]]] = {}
        self._lock, self._handed = threading.Lock(), 0
        # The last activity that `begin` found, and the activities that it started.
        self._last: int | None = None
        self._early: set[TaskId] = set()

    @property
    def idle(self) -> bool:
        """Return whether there is nothing to do before the next timer or message."""
        at_rest = self._turns.idle and self._activities.idle
        return at_rest and not self._batches and not self._handed

    async def start(
        self,
        instance: str,
        name: str,
        text: str | None,
        *,
        version: str | None = None,
        replace: bool = False,
        caller: str = "",
    ) -> bool:
        """Start an instance, durable when this returns; False when the id is in use.

        Without a version it gets that of the app. `caller` is the trace parent of the request that
        starts it.
        """

        own = self._versions.default if version is None else version
        record = instances.new(instance, name, text, version=own, caller=caller)

        def work(db: Connection) -> bool:
            return instances.create(db, record, replace=replace)

        self._turns.forget(instance)
        return await self._commit(work, lambda made: [instance] if made else [])

    async def raise_event(self, instance: str, name: str, text: str) -> str | None:
        """Buffer an external event; return the status that the instance had."""

        event = h.event(h.EVENT_RAISED, Name=name, Input=text)

        def work(db: Connection) -> str | None:
            return instances.raise_event(db, instance, event)

        return await self._commit(work, lambda status: [instance] if status else [])

    async def change(self, instance: str, verb: str, reason: str | None) -> str | None:
        """Terminate, suspend or resume; return the status that the instance had."""

        def work(db: Connection) -> tuple[str | None, str | None]:
            return instances.change(db, instance, verb, reason)

        def told(changed: tuple[str | None, str | None]) -> list[str]:
            return [instance, *([changed[1]] if changed[1] else [])]

        status, _ = await self._commit(work, told)
        if verb == "terminate" and status is not None and status not in stored_instances.TERMINAL:
            self._tell_end(instance)
        return status

    async def rewind(self, instance: str) -> str | None:
        """Set a failed instance going again; return the status that the instance had."""

        def work(db: Connection) -> Rewound:
            rewound = rewind(db, instance)
            # Before a turn can schedule these tasks again.
            self._activities.drop(rewound.dropped)
            return rewound

        def started(rewound: Rewound) -> list[str]:
            for scheduled in rewound.work:
                self._activities.start(scheduled)
            return rewound.instances

        rewound = await self._commit(work, started)
        self._awake.set()  # its timers run again
        return rewound.status

    async def signal(self, entity: str, operation: str, text: str | None) -> None:
        """Queue an operation of an entity, durable when this returns."""
        await self.store.committed(
            lambda db: stored_entities.add_operation(db, entity, operation, text)
        )
        self._start_batch(entity)

    async def _commit(
        self, work: Callable[[Connection], T], concerned: Callable[[T], list[str]]
    ) -> T:
        """Make a change durable and let the instances that it concerns take a turn."""

        def notify(stored: Future[T]) -> None:
            try:
                if stored.exception() is None:
                    for instance in concerned(stored.result()):
                        self._turns.notify(instance)
            finally:
                with self._lock:
                    self._handed -= 1

        # The engine is not idle until the instances are notified, although the client has its
        # answer.
        with self._lock:
            self._handed += 1
        stored = self.store.commit(work)
        # The client's answer comes first, because it would wait for the turn.
        answer = asyncio.wrap_future(stored)
        stored.add_done_callback(notify)
        return await answer

    async def wait_for_end(self, instance: str, seconds: float) -> InstanceRecord | None:
        """Return the instance once it has ended, or as it is after so many seconds.

        None when there is none of this id. A new execution of the instance is no end.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    # Before the read, so that no end comes between the two.
                    end = self._execution_end(instance)
                    row = stored_instances.get(self.store, instance)
                    if row is None or row.ended:
                        end.cancel()
                        return row
                    await end
        return stored_instances.get(self.store, instance)

    async def wait_for_turns(self, instance: str, seconds: float) -> bool:
        """Return once no turn of an instance is due, or after so many seconds.

        False when none was due: nothing has changed since the caller looked.
        """
        rested = asyncio.Event()

        def wake() -> None:
            self._loop.call_soon_threadsafe(rested.set)

        due = self._turns.call_at_rest(instance, wake)
        if due:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await rested.wait()
        return due

    def _execution_end(self, instance: str) -> asyncio.Future[None]:
        """Return a future that is set when the instance's present execution ends."""
        end = self._loop.create_future()
        self._ends.setdefault(instance, []).append(end)
        end.add_done_callback(lambda _: self._drop_end(instance, end))
        return end

    def _drop_end(self, instance: str, end: asyncio.Future[None]) -> None:
        """Remove the future of one waiter that gave up, and no other."""
        waiting = self._ends.get(instance, [])
        if end in waiting:
            waiting.remove(end)
        if not waiting:
            self._ends.pop(instance, None)

    def _tell_end(self, instance: str) -> None:
        self._tell_span(instance)
        for end in self._ends.pop(instance, []):
            if not end.done():
                end.set_result(None)

    def _tell_span(self, instance: str) -> None:
        """Send the span of an orchestration that ended; a running one has no span yet."""
        row = None
        if self.invoker.spans.sent:
            row = stored_instances.get(self.store, instance)
        if row is None or not row.ended:
            return
        self.invoker.spans.tell(
            f"orchestration:{row.name}",
            row.trace,
            row.caller,
            int(parse_stamp(row.created).timestamp() * 1e9),
            kind="SERVER",
            fault="" if row.status == "Completed" else row.status,
            facts={"durabletask.task.instance_id": instance},
        )

    def _carry_out(self, instance: str, effects: Effects) -> None:
        """Carry out the effects of a stored turn; the thread that stored the turn calls this."""
        self._activities.drop(effects.dropped)
        for scheduled in effects.work:
            self._activities.start(scheduled)
        for other in effects.instances:
            self._turns.notify(other)
        if effects.timers and min(effects.timers) <= clock.time():
            # The loop below waits for timers that fall due later.
            self._turns.notify(instance)
        if effects.ended:
            self._ended(instance, effects.name)
        notified = effects.ended and (instance in self._ends or self.invoker.spans.sent)
        if effects.entities or effects.timers or notified:
            with self._lock:
                self._handed += 1
            self._loop.call_soon_threadsafe(self._on_loop, instance, effects)

    def _on_loop(self, instance: str, effects: Effects) -> None:
        for entity in effects.entities:
            self._start_batch(entity)
        if effects.timers:
            self._awake.set()
        if effects.ended:
            self._tell_end(instance)
        with self._lock:
            self._handed -= 1

    def begin(self) -> None:
        """Continue the oldest work of an earlier host; `run` continues the rest.

        It is little work, so that thousands of instances do not delay the start of the web server.
        """
        self._last = activities.last_scheduled(self.store)
        for instance in messages.instances_due(self.store, clock.time())[:EARLY]:
            self._turns.notify(instance)
        early = activities.scheduled(self.store, self._last, EARLY)
        self._early = {row.task_id for row in early}
        for scheduled in early:
            self._activities.start(scheduled)

    def _recover(self) -> float:
        """Continue the work of an earlier host; return the time up to which messages were due."""
        moment = clock.time()
        for instance in messages.instances_due(self.store, moment):
            self._turns.notify(instance)
        # Turns of this host started the activities with a higher number, and `begin` the early
        # ones, of which some ended although their results are not stored yet.
        for scheduled in activities.scheduled(self.store, self._last or 0):
            if scheduled.task_id not in self._early:
                self._activities.start(scheduled)
        self._early.clear()
        for entity in stored_entities.with_operations(self.store):
            self._start_batch(entity)
        return moment

    async def run(self) -> None:
        """Continue the rest of the stored work, then watch the timers until cancelled."""
        if self._last is None:
            self.begin()
        seen = self._recover()
        while True:
            self._awake.clear()
            moment = clock.time()
            for instance in messages.instances_due(self.store, moment, after=seen):
                self._turns.notify(instance)
            seen = moment
            await clock.wait(self._awake, messages.next_due(self.store, moment))

    async def watch_turns(self) -> None:
        """Log the orchestrator whose code blocks the others, and abort its turn at the limit."""
        reported = None
        while True:
            await asyncio.sleep(LONG_TURN / 2)
            self._abort_late_turn()
            blocking = self._turns.longer_than(LONG_TURN)
            if blocking is not None and blocking != reported:
                LOG.error(
                    "the orchestrator code of instance %s has run for over %.0f s in one turn and "
                    "holds up every other; move waiting and computing into activities",
                    blocking,
                    LONG_TURN,
                )
            reported = blocking

    def _abort_late_turn(self) -> None:
        """Abort a turn that exceeds functionTimeout, so that the other instances go on."""
        limit = self.invoker.timeout
        late = self._turns.abort_longer_than(limit.total_seconds()) if limit else None
        if limit is None or late is None:
            return
        row = stored_instances.get(self.store, late)
        timed_out(row.name if row else late, limit)
        LOG.error("the turn of instance %s is aborted and taken again when its code ends", late)

    def _start_batch(self, entity: str) -> None:
        if entity not in self._batches:
            self._batches[entity] = asyncio.create_task(self._batch(entity))

    async def _batch(self, entity: str) -> None:
        try:
            function = self.functions.get(entities.split_id(entity)[0])
            while stored_entities.has_operations(self.store, entity):
                for instance in await entities.run_batch(
                    self.store, self.invoker, function, entity
                ):
                    self._turns.notify(instance)
        except Exception:
            LOG.exception("the batch of entity %s could not be stored", entity)
            self._loop.call_later(1.0, self._start_batch, entity)
        finally:
            self._batches.pop(entity, None)

    def close(self) -> None:
        """Stop after the current turn; running activities are found again at the next start."""
        for task in self._batches.values():
            task.cancel()
        self._turns.close()
