"""Timer triggers: NCRONTAB schedules in UTC and TimeSpans, with the last run remembered."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import Invoker
from funchost.clock import now, wait
from funchost.durable import history as h
from funchost.storage import timers
from funchost.storage.store import DatabaseError, Store
from funchost.storage.timers import TimerRecord

LOG = logging.getLogger("funchost.timer")
_SPAN = re.compile(r"^(?:(\d+)\.)?(\d+):(\d+):(\d+)$")
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_WORDS = {
    4: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    5: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}


def _number(text: str, place: int) -> int:
    words = _WORDS.get(place, [])
    if text.lower()[:3] in words:
        return words.index(text.lower()[:3]) + _RANGES[place][0]
    value = int(text)
    return 0 if place == 5 and value == 7 else value


def _field(text: str, place: int) -> frozenset[int]:
    low, high = _RANGES[place]
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, last, every = low, high, int(step or 1)
        if every < 1:
            raise ValueError(f"{text!r} has a step below 1")
        if span not in ("*", "?"):
            left, dash, right = span.partition("-")
            first = _number(left, place)
            last = _number(right, place) if dash else (high if step else first)
        if not low <= first <= last <= high:
            raise ValueError(f"{text!r} is outside {low}-{high}")
        values.update(range(first, last + 1, every))
    return frozenset(values)


@dataclass(frozen=True)
class Schedule:
    """The allowed seconds, minutes, hours, days, months and weekdays."""

    fields: tuple[frozenset[int], ...]
    text: str = ""

    def after(self, moment: datetime) -> datetime:
        """Return the first time after a moment."""
        seconds, minutes, hours, days, months, weekdays = self.fields
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        limit = moment + timedelta(days=366 * 9)
        while at < limit:
            if at.month not in months or at.day not in days or at.isoweekday() % 7 not in weekdays:
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in hours:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in minutes:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in seconds:
                at += timedelta(seconds=1)
            else:
                return at
        raise ValueError(f"schedule {self.text!r} never occurs")


@dataclass(frozen=True)
class Interval:
    """A TimeSpan schedule: a fixed interval after each run."""

    pause: timedelta

    def after(self, moment: datetime) -> datetime:
        """Return the next time after a moment."""
        return moment + self.pause


def parse_schedule(text: str, environ: Mapping[str, str]) -> Schedule | Interval:
    """Read six NCRONTAB fields (or five), a TimeSpan, or %NAME% of a setting that holds one.

    Source: Azure Functions documentation, "Timer trigger", NCRONTAB expressions and TimeSpan.
    """
    if len(text) > 2 and text.startswith("%") and text.endswith("%"):
        name = text[1:-1]
        if not environ.get(name):
            raise ValueError(f"the schedule is {text}, but no setting is called {name}")
        text = environ[name]
    span = _SPAN.match(text.strip())
    if span:
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        pause = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not pause:
            raise ValueError(f"schedule {text!r} has no length")
        return Interval(pause)
    parts = text.split()
    if len(parts) == 5:
        parts.insert(0, "0")
    if len(parts) != 6:
        raise ValueError(f"schedule {text!r} must have six fields or be a TimeSpan hh:mm:ss")
    return Schedule(tuple(_field(part, place) for place, part in enumerate(parts)), text)


class Timer:
    """Invokes one timer function on its schedule, never twice at once."""

    def __init__(
        self,
        store: Store,
        function: HostedFunction,
        schedule: Schedule | Interval,
        invoker: Invoker,
    ) -> None:
        """Take the store, which remembers the last run of a monitored timer."""
        self._store, self._function, self._invoker = store, function, invoker
        self._schedule, self._awake = schedule, asyncio.Event()
        self.running = False

    async def run(self) -> None:
        """Invoke at start-up if configured, once for missed occurrences, then on schedule."""
        trigger, monitored = self._function.trigger, self._function.trigger.get("useMonitor", True)
        known = timers.get(self._store, self._function.name)
        last = h.parse_stamp(known.last) if known else None
        missed = known is not None and h.parse_stamp(known.next) < now()
        if trigger.get("runOnStartup") or (monitored and missed):
            await self._fire(last, past_due=bool(monitored and missed))
        while True:
            due = self._schedule.after(now())
            await self._remember(last or now(), due)
            while due > now():
                await wait(self._awake, due.timestamp())
            await self._fire(last if monitored else None, past_due=False)
            last = due

    async def _remember(self, last: datetime, due: datetime) -> None:
        """Store both occurrences; without them the next start misses none, and says so here."""
        name = self._function.name
        record = TimerRecord(name, h.stamp(last), h.stamp(due))
        try:
            await self._store.committed(lambda db: timers.put(db, record))
        except DatabaseError as error:
            LOG.error("the next occurrence of timer %s cannot be stored: %s", name, error)

    async def _fire(self, last: datetime | None, *, past_due: bool) -> None:
        from azure.functions.meta import Datum

        status = None
        if self._function.trigger.get("useMonitor", True):
            then = last or datetime.min.replace(tzinfo=UTC)
            status = {
                "Last": h.stamp(then),
                "LastUpdated": h.stamp(then),
                "Next": h.stamp(self._schedule.after(now())),
            }
        content = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status,
            "IsPastDue": past_due,
        }
        datum = Datum(json.dumps(content, separators=(",", ":")), "json")
        self.running = True
        try:
            await self._invoker.call(self._function, self._invoker.value(self._function, datum))
        except Exception:
            LOG.exception("timer function %s failed", self._function.name)
        finally:
            self.running = False
