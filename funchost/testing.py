"""The test kit: a host in this process with a virtual clock, crashes and golden replays.

As pytest fixtures: say `pytest_plugins = ["funchost.testing"]` and ask for `make_host`.
`docs/funchost.md` shows it with a small app.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from funchost import clock
from funchost.app.indexing import HostedFunction, alone, load_functions
from funchost.check.divergence import Recorded, divergence
from funchost.commands import recording
from funchost.durable import history as h
from funchost.durable.execution import Instance
from funchost.host import Host, Options
from funchost.storage import instances, turns
from funchost.virtual_clock import VirtualClock
from funchost.web.management.status import status_document

T = TypeVar("T")


class HostCrashedError(Exception):
    """The host was made to crash; restart it."""


class DivergenceError(AssertionError):
    """The code differs from a recorded history, so that running instances would break."""


class LocalHost:
    """A host of one app in this process; it replays every turn, to catch non-determinism."""

    def __init__(self, app: Path, state: Path) -> None:
        """Take the app's folder and a folder for the store."""
        self._app, self._state = app.resolve(), state
        self.clock = VirtualClock()
        self.crashed = False
        self._crash: tuple[str, int] | None = None

    def open(self) -> None:
        """Start the host on a free port."""
        self._environ, self._scope = dict(os.environ), ExitStack()
        self._scope.enter_context(alone(self._app))
        os.environ["FUNCHOST_REPLAY"] = "always"
        os.environ.setdefault("FUNCHOST_CHECK", "all")
        self._clock_before = clock.use(self.clock)
        self.crashed, self._crash = False, None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="host", daemon=True)
        self._thread.start()
        self._host = Host(Options(app=self._app, state=self._state, port=0, probe=self._probe))
        try:
            self._await(self._host.start())
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        """Stop the host and leave the process as it was."""
        self._await(self._host.stop())
        self._leave()

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        clock.use(self._clock_before)
        self._scope.close()
        os.environ.clear()
        os.environ.update(self._environ)
        time.tzset()  # the host ran in UTC

    def restart(self) -> None:
        """Stop the host, crashed or not, and start another one on the same store."""
        self.close()
        self.open()

    @property
    def url(self) -> str:
        """Return the base address of the app's HTTP functions."""
        return self._host.url

    def start(self, name: str, value: Any = None, instance_id: str | None = None) -> str:
        """Start an orchestration as the Python client does and return its instance id."""
        function = self._host.functions.get(name.lower())
        if function is None or function.kind != "orchestrationTrigger":
            raise LookupError(f"the app has no orchestrator function {name!r}")
        instance = instance_id or uuid.uuid4().hex
        text = None if value is None else json.dumps(json.dumps(value))
        if not self._await(self._host.engine.start(instance, function.name, text)):
            raise ValueError(f"instance {instance!r} exists and has not ended")
        self.settle()
        return instance

    def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Raise an external event as the management API does."""
        text = json.dumps(value)
        if self._await(self._host.engine.raise_event(instance_id, name, text)) is None:
            raise LookupError(f"there is no instance {instance_id!r}")
        self.settle()

    def status(self, instance_id: str) -> dict[str, Any]:
        """Return an instance as the status endpoint shows it."""
        row = instances.get(self._host.store, instance_id)
        if row is None:
            raise LookupError(f"there is no instance {instance_id!r}")
        return status_document(row)

    def record(self, instance_id: str) -> dict[str, Any]:
        """Return an instance with its history, for a golden replay."""
        row = instances.get(self._host.store, instance_id)
        if row is None:
            raise LookupError(f"there is no instance {instance_id!r}")
        return recording(row, h.read(turns.read(self._host.store, instance_id)))

    def advance(self, by: timedelta) -> None:
        """Let time pass: every timer on the way fires at its moment, one after the other."""
        end = self.clock.time() + by.total_seconds()
        self.settle()
        while (moment := self.clock.next_moment()) is not None and moment <= end:
            self.clock.move(moment)
            self.settle()
        self.clock.move(end)

    def crash_at(self, point: str, number: int = 1) -> None:
        """Crash "before" or "after" the next commit, or a later one; nothing is stored then."""
        if point not in ("before", "after"):
            raise ValueError(f"point {point!r} is neither 'before' nor 'after'")
        self._crash = (point, number)

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until the host has nothing to do at this moment, or has crashed.

        TimeoutError after `seconds` of this process's CPU time: the host runs in this process, so
        the limit does not depend on the load of the machine.
        """
        end = time.process_time() + seconds
        calm = 0
        while calm < 2 and not self.crashed:
            if time.process_time() > end:
                raise TimeoutError(f"the host was still busy after {seconds} s of CPU time")
            self._await(asyncio.sleep(0))
            calm = calm + 1 if self._host.idle and self.clock.resting(self._host.loops) else 0
            if not calm:
                time.sleep(0.001)

    def _probe(self, reached: str) -> None:
        if self._crash is not None and reached == self._crash[0]:
            self._crash = (reached, self._crash[1] - 1)
            self.crashed = self.crashed or self._crash[1] <= 0
        if self.crashed:
            raise HostCrashedError(f"crashed {reached} a commit, as the test asked")

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


def replay(app: Path, *recordings: dict[str, Any]) -> None:
    """Run today's code on recorded histories; raise DivergenceError with the step that differs."""
    with alone(app.resolve()):
        functions = load_functions(app.resolve())
        for recorded in recordings:
            _replay(functions, recorded)


def _replay(functions: dict[str, HostedFunction], document: dict[str, Any]) -> None:
    one = Instance(
        id=document["instanceId"],
        name=document["name"],
        execution=document["executionId"],
        input=document["input"],
        parent=document["parentInstanceId"],
        stored=lambda: list(document["history"]),
    )
    stored = Recorded(
        instance=one,
        status=document["runtimeStatus"],
        output=document["output"],
        events=document["history"],
    )
    step = divergence(functions, stored, inputs=False)
    if step is not None:
        raise DivergenceError(f"{one.name} ({one.id}): {step}")


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[[Path], LocalHost]]:
    """Start hosts of app folders, one at a time, and stop them after the test."""
    opened: list[LocalHost] = []

    def make(app: Path) -> LocalHost:
        if opened:
            raise RuntimeError("one process hosts one app at a time; restart the one you have")
        host = LocalHost(app, tmp_path / "funchost")
        host.open()
        opened.append(host)
        return host

    yield make
    for host in opened:
        host.close()
