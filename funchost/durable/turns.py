"""The thread that takes turns: one at a time, each instance's turns in order.

A turn reads the due messages, runs the code and hands the result to the store. The next turn of the
same instance waits until that is durable; turns of others do not, so that they share the commit.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from funchost import clock
from funchost.app.versions import Versions
from funchost.durable import history as h
from funchost.durable.execution import Replayed, Resident, execution, instance_of
from funchost.durable.turn import Effects, FunctionMap, Result, Turn, refuse
from funchost.storage import instances, messages, turns
from funchost.storage.instances import InstanceRecord
from funchost.storage.messages import Message
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.turn")
PAUSE = 1.0  # seconds before a turn that could not be stored is taken again


# Orchestrations that wait for an activity continue soon; those that wait for a timer or a person
# may wait for days.
WORKING, WAITING = 1000, 32


@dataclass(frozen=True, slots=True)
class Live:
    """A live orchestration and the number of its next turn."""

    run: Replayed | Resident
    number: int


class Residents:
    """Keeps the latest orchestrations of each kind; an evicted one is replayed when needed."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._working: OrderedDict[str, Live] = OrderedDict()
        self._waiting: OrderedDict[str, Live] = OrderedDict()

    def keep(self, instance: str, live: Live) -> None:
        """Keep a live orchestration until its next turn, or until newer ones evict it."""
        if isinstance(live.run, Replayed):
            return
        working = live.run.walk.working
        kept, most = (self._working, WORKING) if working else (self._waiting, WAITING)
        with self._lock:
            kept[instance] = live
            if len(kept) > most:
                kept.popitem(last=False)

    def take(self, instance: str) -> Live | None:
        """Remove and return a live orchestration, None when it was evicted."""
        with self._lock:
            return self._working.pop(instance, None) or self._waiting.pop(instance, None)


@dataclass(slots=True)
class Mail:
    """The messages for an instance that arrive while its turn is queued, taken or stored.

    `rested` are called when none is left.
    """

    results: list[Result] = field(default_factory=list)
    look: bool = False
    rested: list[Callable[[], None]] = field(default_factory=list)


class Turns:
    """Takes the turns of all instances."""

    def __init__(
        self,
        store: Store,
        functions: FunctionMap,
        effects: Callable[[str, Effects], None],
        *,
        versions: Versions,
        replays: bool,
        retry_scale: float,
    ) -> None:
        """Take the function that carries out a stored turn; `replays` keeps nothing in memory.

        `retry_scale` multiplies the pauses between the attempts of an activity.
        """
        self._store, self._functions, self._effects = store, functions, effects
        self._versions, self._replays = versions, replays
        self._retry_scale = retry_scale
        self._lock = threading.Lock()
        self._mail: dict[str, Mail] = {}
        self._residents = Residents()
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self._present: tuple[str, float] | None = None
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="turn", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Return whether no instance has a turn to take or to store."""
        with self._lock:
            return not self._mail

    def longer_than(self, seconds: float) -> str | None:
        """Return the instance whose present turn takes longer than this, in seconds."""
        present = self._present
        if present is None or time.monotonic() - present[1] <= seconds:
            return None
        return present[0]

    def abort_longer_than(self, seconds: float) -> str | None:
        """Leave the present turn if it takes longer than this; return its instance, else None.

        As on the real host, nothing of the turn is stored and it is taken again: here when its code
        has ended, because a thread cannot be ended. Another thread takes the turns of the others.
        """
        with self._lock:
            instance = self.longer_than(seconds)
            if instance is not None:
                self._present = None
                self._begin()
        return instance

    def notify(self, instance: str, result: Result | None = None) -> None:
        """Queue a turn: the inbox holds a due message, or an activity has a result."""
        with self._lock:
            mail = self._mail.get(instance)
            queued = mail is not None
            if mail is None:
                mail = self._mail[instance] = Mail()
            if result is None:
                mail.look = True
            else:
                mail.results.append(result)
        if not queued:
            self._ready.put(instance)

    def call_at_rest(self, instance: str, rested: Callable[[], None]) -> bool:
        """Call a function, on any thread, once no turn of an instance is due.

        False when none is due now: the function is not called then.
        """
        with self._lock:
            mail = self._mail.get(instance)
            if mail is not None:
                mail.rested.append(rested)
            return mail is not None

    def forget(self, instance: str) -> None:
        """Drop a live orchestration whose stored state another transaction changed."""
        self._residents.take(instance)

    def _run(self) -> None:
        me = threading.current_thread()
        while (instance := self._ready.get()) is not None:
            with self._lock:
                mail = self._mail[instance]
                taken = Mail(mail.results, mail.look)
                mail.results, mail.look = [], False
            self._present = (instance, time.monotonic())
            turn, failed = None, False
            try:
                turn = self._take(instance, taken)
            except Exception:
                LOG.exception("the turn of instance %s failed and will be retried", instance)
                failed = True
            with self._lock:
                # Another thread takes the turns when this one was aborted.
                aborted = self._thread is not me
                if not aborted:
                    self._present = None
            if aborted or failed:
                self._again(instance, taken)
                if aborted:
                    return
                continue
            if turn is None:
                self._rest(instance)
                continue
            work = partial(turn.store, functions=self._functions, version=self._versions.default)
            alone = self._ready.empty()
            stored = self._store.commit_now(work) if alone else self._store.commit(work)
            stored.add_done_callback(partial(self._stored, turn, taken))

    def _take(self, instance: str, mail: Mail) -> Turn | None:
        """Run the code on the due messages; None when there are none."""
        due = messages.due(self._store, instance, clock.time()) if mail.look else []
        live = self._residents.take(instance)
        if live is not None and any(
            m.execution not in (None, live.run.instance.execution) for m in due
        ):
            # The instance was replaced while a turn of its former execution was stored.
            live = None
        past: list[h.Event] = []
        if live is None:
            row = instances.get(self._store, instance)
            if row is None or row.ended:
                self._discard(due)
                return None
            if row.status == "Suspended" and not mail.results:
                return None
            if not self._versions.accepts(row.version):
                self._refuse(row, mail.results)
                return None
            live, past = self._revive(row)
        one = live.run.instance
        # Messages of an earlier execution are answers that no task awaits any more.
        fresh = [json.loads(m.event) for m in due if m.execution in (None, one.execution)]
        fresh += [r.event for r in mail.results if r.execution == one.execution]
        fresh.sort(key=lambda e: e["EventType"] != h.EXECUTION_STARTED)
        begun = live.number > 0
        if not fresh or not (begun or fresh[0]["EventType"] == h.EXECUTION_STARTED):
            self._discard(due)
            return None
        events = [h.event(h.ORCHESTRATOR_STARTED), *fresh]
        live.run.run(past, events)
        LOG.debug(
            "turn %d of %s (%s): %d in, %d out", live.number, one.id, one.name,
            len(fresh), len(live.run.walk.new),
        )  # fmt: skip
        return Turn(
            number=live.number,
            run=live.run,
            used=[m.seq for m in due],
            results=[r for r in mail.results if r.execution == one.execution],
            live=events,
        )

    def _revive(self, row: InstanceRecord) -> tuple[Live, list[h.Event]]:
        """Return a new execution without events, and the history to feed it."""
        one = instance_of(row, lambda: h.read(turns.read(self._store, row.id)), self._retry_scale)
        stored = turns.read(self._store, one.id)
        past = h.read(stored)
        for event in past:
            event["IsPlayed"] = True
        run = execution(self._functions, one, replays=self._replays)
        return Live(run, stored[-1].turn + 1 if stored else 0), past

    def _refuse(self, row: InstanceRecord, results: list[Result]) -> None:
        """Store that no turn of an instance is taken because of its version."""
        work = partial(refuse, row=row, versions=self._versions, results=results)
        self._effects(row.id, self._store.commit_now(work).result())

    def _stored(self, turn: Turn, taken: Mail, stored: Future[Effects]) -> None:
        one = turn.instance
        failure = stored.exception()
        if failure is not None:
            LOG.error("the turn of instance %s could not be stored: %s", one.id, failure)
            self._again(one.id, taken)
            return
        effects = stored.result()
        if self.closed:
            return  # the next start reads this turn's new work from the store
        if effects.stored and not effects.ended:
            self._residents.keep(one.id, Live(turn.run, turn.number + 1))
        self._effects(one.id, effects)
        self._rest(one.id)

    def _discard(self, outdated: list[Message]) -> None:
        """Delete messages that no execution waits for any more."""
        if outdated:
            numbers = [message.seq for message in outdated]
            self._store.commit(lambda db: messages.delete(db, numbers))

    def _again(self, instance: str, taken: Mail) -> None:
        """Put the taken messages back and try again after a pause."""
        with self._lock:
            mail = self._mail[instance]
            mail.results[:0] = taken.results
            mail.look = True
        again = threading.Timer(PAUSE, self._ready.put, (instance,))
        again.daemon = True
        again.start()

    def _rest(self, instance: str) -> None:
        with self._lock:
            mail = self._mail[instance]
            if mail.results or mail.look:
                self._ready.put(instance)
                return
            del self._mail[instance]
        for rested in mail.rested:
            rested()

    def close(self) -> None:
        """End after the current turn; other turns are stored and taken at the next start."""
        self.closed = True
        self._ready.put(None)
        # Code that never returns must not keep the host from stopping; its turn is not stored.
        self._thread.join(5)
