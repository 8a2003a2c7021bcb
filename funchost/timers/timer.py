"""Invokes timer functions on their schedules, with the status remembered as the real host does.

Source: azure-webjobs-sdk-extensions, the timer listener and its schedule monitor; version 3.0.6 was
run and compared. Where the real host uses its local time, this one uses UTC.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import datetime

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker, RetryContext
from funchost.clock import now, wait
from funchost.durable import history as h
from funchost.storage import timers
from funchost.storage.store import DatabaseError, Store
from funchost.storage.timers import TimerRecord
from funchost.timers.cron import Schedule
from funchost.timers.schedules import Interval

LOG = logging.getLogger("funchost.timer")
NEVER = "0001-01-01T00:00:00"  # .NET's default time, which has no zone


@dataclass(frozen=True)
class Status:
    """The last run, the next occurrence and the time from which it was counted; None: never."""

    last: datetime | None
    next: datetime
    updated: datetime | None

    def document(self) -> dict[str, str]:
        """Return the status as the function gets it."""
        return {
            "Last": _text(self.last),
            "Next": _text(self.next),
            "LastUpdated": _text(self.updated),
        }


class Timer:
    """Invokes one timer function on its schedule, never twice at once."""

    def __init__(
        self,
        store: Store,
        function: HostedFunction,
        schedule: Schedule | Interval,
        invoker: Invoker,
    ) -> None:
        """Take the store, which remembers the status of a monitored timer."""
        self._store, self._function, self._invoker = store, function, invoker
        self._schedule = schedule
        wants_status = bool(function.trigger.get("useMonitor", True))
        self._monitored = wants_status and not schedule.is_frequent
        self.running = False

    async def run(self) -> None:
        """Invoke at start-up if configured, once for missed occurrences, then on schedule."""
        started = now()
        status = await self._stored(started) if self._monitored else None
        past_due = status is not None and status.next < started
        if status is None:
            status = Status(None, self._schedule.after(started), None)
        if past_due or self._function.trigger.get("runOnStartup"):
            status = await self._fire(status, past_due=past_due)
        while True:
            # A call that outlasts the next occurrence is followed by one call at once.
            await _until(status.next)
            status = await self._fire(status, past_due=False)

    async def _stored(self, moment: datetime) -> Status | None:
        """Return the stored status, corrected when the schedule was changed; None before the first.

        The first one is written here, so that an occurrence is missed only once.
        """
        record = timers.get(self._store, self._function.name)
        if record is None:
            await self._remember(Status(None, self._schedule.after(moment), moment))
            return None
        last = h.parse_stamp(record.last) if record.last else None
        following = h.parse_stamp(record.next)
        if not record.updated:  # an earlier version counted from another moment than it stored
            return Status(last, following, last)
        counted = last or h.parse_stamp(record.updated)
        expected = self._schedule.after(counted)
        if expected == following:
            return Status(last, following, h.parse_stamp(record.updated))
        if expected < moment:
            # The extension's ScheduleMonitor counts from now, so that a new schedule is never past
            # due.
            counted, expected = moment, self._schedule.after(moment)
        status = Status(None, expected, counted)
        await self._remember(status)
        return status

    async def _remember(self, status: Status) -> None:
        """Store the status; without it the next start misses no occurrence, and says so here."""
        name = self._function.name
        last, updated = (h.stamp(m) if m else "" for m in (status.last, status.updated))
        record = TimerRecord(name, last, h.stamp(status.next), updated)
        try:
            await self._store.committed(lambda db: timers.put(db, record))
        except DatabaseError as error:
            LOG.error("the next occurrence of timer %s cannot be stored: %s", name, error)

    async def _fire(self, status: Status, *, past_due: bool) -> Status:
        """Invoke the function and return the new status, counted from the start of this call."""
        begun = now()
        content = {
            "Schedule": {"AdjustForDST": self._schedule.adjusts_for_dst},
            "ScheduleStatus": status.document() if self._monitored else None,
            "IsPastDue": past_due,
        }
        try:
            await self._call(json.dumps(content, separators=(",", ":")))
        except Exception:
            LOG.exception("timer function %s failed", self._function.name)
        following = Status(begun, self._schedule.after(begun), begun)
        if self._monitored:
            await self._remember(following)
        return following

    async def _call(self, text: str) -> None:
        """Invoke the function, again after each failure that its retry policy admits."""
        from azure.functions.meta import Datum

        policy, count, function = self._function.retry, 0, self._function
        context = RetryContext(0, policy.most if policy else 0)
        request = self._invoker.value(function, Datum(text, "json"))
        while True:
            self.running = True
            try:
                await self._invoker.call(function, request, retry=context)
                return
            except Exception as error:
                count += 1
                if policy is None or not policy.admits(count):
                    raise
                pause = policy.pause(count)
                form = "timer function %s failed, next attempt in %s: %s"
                LOG.warning(form, function.name, pause, error)
                context = RetryContext(count, policy.most, error)
            finally:
                self.running = False
            await _until(now() + pause)


async def _until(moment: datetime) -> None:
    """Return at a moment, at once when it has passed."""
    while moment > now():
        await wait(asyncio.Event(), moment.timestamp())


def _text(moment: datetime | None) -> str:
    """Return a moment as .NET writes it: an offset, seven digits of a second or none."""
    if moment is None:
        return NEVER
    fraction = f".{moment.microsecond:06d}0" if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"
