"""Runs activities, at least once each: a row of `work` stays until its result is stored."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from funchost import warnings
from funchost.app.deadlines import Deadlines
from funchost.app.indexing import HostedFunction
from funchost.app.invocation import FunctionTimeoutError, Invoker, logged, timed_out
from funchost.app.json_text import TooDeepError
from funchost.durable import history as h
from funchost.durable import http_call
from funchost.durable.turn import FunctionMap, Result
from funchost.storage.activities import ScheduledActivity, TaskId
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.engine")


class Activities:
    """Runs scheduled activities: sync functions on threads, async ones on the event loop."""

    def __init__(
        self,
        store: Store,
        functions: FunctionMap,
        invoker: Invoker,
        done: Callable[[str, Result], None],
        *,
        most: int | None = None,
    ) -> None:
        """Take a function that gets the instance id and result of an activity, on any thread.

        At most `most` activities run at once; None means as many as there are threads.
        """
        self._store, self._functions, self._invoker = store, functions, invoker
        self._done, self._loop = done, asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._running: dict[TaskId, ScheduledActivity] = {}
        self._most, self._busy = most, 0
        self._waiting: deque[ScheduledActivity] = deque()
        self._deadlines = Deadlines(self._loop, invoker.timeout, self._expire)

    @property
    def idle(self) -> bool:
        """Return whether no activity runs."""
        return not self._running

    def start(self, row: ScheduledActivity) -> None:
        """Run one row of work, unless an earlier row of the same task still runs."""
        with self._lock:
            if row.task_id in self._running:
                return
            self._running[row.task_id] = row
            if self._most is not None and self._busy >= self._most:
                self._waiting.append(row)
                return
            self._busy += 1
        self._begin(row)

    def _begin(self, row: ScheduledActivity) -> None:
        function = self._functions.get(row.name.lower())
        if row.name == http_call.NAME or function is None or function.is_async:
            asyncio.run_coroutine_threadsafe(self._run_async(row, function), self._loop)
        else:
            self._invoker.submit(self._run, row, function)

    def _run(self, row: ScheduledActivity, function: HostedFunction) -> None:
        self._deadlines.begin(row)
        try:
            with logged(row.name, row.instance), self._span(row) as trace:
                text = self._invoker.activity(function, row.input, trace)
            event = _completed(row, text)
        except Exception as error:
            event = _failed(row, error)
        self._finish(row, event)

    async def _run_async(self, row: ScheduledActivity, function: HostedFunction | None) -> None:
        try:
            if row.name == http_call.NAME:
                text = await self._http(row)
            elif function is None:
                raise LookupError(f"the app has no activity function {row.name}")
            else:
                self._deadlines.begin(row)
                with logged(row.name, row.instance), self._span(row) as trace:
                    text = await self._invoker.async_activity(function, row.input, trace)
            event = _completed(row, text)
        except Exception as error:
            event = _failed(row, error)
        self._finish(row, event)

    def _span(self, row: ScheduledActivity) -> AbstractContextManager[str]:
        """Return the span of an activity, below its orchestration's."""
        facts = {"durabletask.task.instance_id": row.instance}
        return self._invoker.spans.span(f"activity:{row.name}", row.trace, **facts)

    async def _http(self, row: ScheduledActivity) -> str:
        """Return the answer of a call_http as JSON; warn when it asks for polling."""
        text = await http_call.call(row.input or "")
        if http_call.asks_for_polling(text):
            url = str(json.loads(row.input or "{}").get("uri"))
            await self._store.committed(lambda db: warnings.http_not_polled(db, row.instance, url))
        return text

    def _expire(self, row: ScheduledActivity, thread: int) -> None:
        limit = self._invoker.timeout
        if limit is not None:
            self._invoker.replace(thread)
            self._finish(row, _failed(row, timed_out(row.name, limit)))

    def _finish(self, row: ScheduledActivity, event: h.Event) -> None:
        """Hand over the first result of a row: a later one comes from a function that timed out."""
        self._deadlines.end(row)
        # First: a rewind that drops this result must be able to start the task again.
        if self._release(row):
            self._done(row.instance, Result(execution=row.execution, event=event))

    def drop(self, tasks: Iterable[TaskId]) -> None:
        """Take no result of these tasks: a rewind lets the code schedule them again."""
        for task in tasks:
            row = self._running.get(task)
            if row is not None:
                self._release(row)

    def _release(self, row: ScheduledActivity) -> bool:
        """Let the next row begin; False when the result of this one is not taken any more."""
        with self._lock:
            if self._running.get(row.task_id) is not row:
                return False
            del self._running[row.task_id]
            if row in self._waiting:
                self._waiting.remove(row)
                return True
            following = self._waiting.popleft() if self._waiting else None
            self._busy -= following is None
        if following is not None:
            self._begin(following)
        return True


def _completed(row: ScheduledActivity, text: str) -> h.Event:
    return h.event(h.TASK_COMPLETED, TaskScheduledId=row.task, Result=text)


def _failed(row: ScheduledActivity, error: Exception) -> h.Event:
    name, text = row.name, f"{type(error).__name__}: {error}"
    if isinstance(error, (TooDeepError, FunctionTimeoutError)):
        text = str(error)  # the host, and not the function, raises it
    reason = f"Activity function '{name}' failed: {text}"
    if isinstance(error, http_call.HttpCallError):
        text = reason = str(error)  # the code did not call this activity by a name
    LOG.warning("activity %s of %s failed: %s", name, row.instance, text)
    trace = "".join(traceback.format_exception(error))
    details = {"Message": text, "InnerException": {"Message": f"{text}\n{trace}"}}
    return h.event(
        h.TASK_FAILED,
        TaskScheduledId=row.task,
        Details=json.dumps(details),
        Reason=reason,
    )
