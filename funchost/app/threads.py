"""The threads of the app's sync functions; one that runs a function for too long is replaced.

Azure ends the worker process when a function exceeds functionTimeout. A thread cannot be ended, so
it goes on here, without counting as one of the pool, and ends with its function.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

LOG = logging.getLogger("funchost.invocation")
T = TypeVar("T")


class Call(Future[T]):
    """The result of a call; `thread` is the number of the thread that runs it, None before."""

    thread: int | None = None


class Threads:
    """A pool of at most `most` threads; each is started when no other is free."""

    def __init__(self, most: int, name: str) -> None:
        """Take the name that the threads get."""
        self._most, self._name = most, name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock, self._free = threading.Lock(), threading.Semaphore(0)
        self._threads: set[int] = set()
        self._replaced: set[int] = set()
        self._count = 0

    def start(self, work: Callable[[], None]) -> None:
        """Run work on a thread; an exception of it is logged."""
        self._work.put(work)
        if not self._free.acquire(blocking=False):
            with self._lock:
                self._add()

    def call(self, function: Callable[..., T], *arguments: object) -> Call[T]:
        """Call a function on a thread and return the future of its result."""
        result: Call[T] = Call()

        def work() -> None:
            result.thread = threading.get_ident()
            if not result.set_running_or_notify_cancel():
                return
            try:
                result.set_result(function(*arguments))
            except BaseException as error:
                result.set_exception(error)

        self.start(work)
        return result

    def replace(self, thread: int | None) -> None:
        """Let another thread do the work of this one, which ends with the function that it runs.

        A number of a thread that is not in the pool, such as that of the event loop, is ignored.
        """
        with self._lock:
            if thread not in self._threads or thread in self._replaced:
                return
            self._replaced.add(thread)
            self._count -= 1
            if not self._work.empty():
                self._add()

    def _add(self) -> None:
        if self._count < self._most:
            self._count += 1
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        me = threading.get_ident()
        with self._lock:
            self._threads.add(me)
        try:
            while me not in self._replaced and (work := self._next()) is not None:
                _do(work)
                del work  # its arguments must not live until the next work comes
        finally:
            with self._lock:
                self._threads.discard(me)
                self._replaced.discard(me)

    def _next(self) -> Callable[[], None] | None:
        try:
            return self._work.get_nowait()
        except Empty:
            self._free.release()
            return self._work.get()

    def close(self) -> None:
        """Drop waiting calls and end the free threads; running calls end with the process."""
        waiting = list[object]()
        try:
            while True:
                waiting.append(self._work.get_nowait())
        except Empty:
            for _ in range(self._most):
                self._work.put(None)


def _do(work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException:
        LOG.exception("a thread of the host failed")
