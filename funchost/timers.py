"""Timer triggers with six-field NCRONTAB schedules in UTC."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from funchost import history as h
from funchost.clock import now
from funchost.indexing import HostedFunction
from funchost.invocation import Invoker

LOG = logging.getLogger("funchost.timer")
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
        first, last = low, high
        if span not in ("*", "?"):
            left, dash, right = span.partition("-")
            first = _number(left, place)
            last = _number(right, place) if dash else (high if step else first)
        if not low <= first <= last <= high:
            raise ValueError(f"{text!r} is outside {low}-{high}")
        values.update(range(first, last + 1, int(step or 1)))
    return frozenset(values)


@dataclass(frozen=True)
class Schedule:
    """The allowed seconds, minutes, hours, days, months and weekdays."""

    fields: tuple[frozenset[int], ...]

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule of six fields, or of five without seconds."""
        parts = text.split()
        if len(parts) == 5:
            parts.insert(0, "0")
        if len(parts) != 6:
            raise ValueError(f"schedule {text!r} must have six fields")
        return cls(tuple(_field(part, place) for place, part in enumerate(parts)))

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
        raise ValueError("the schedule never occurs")


async def run_timer(function: HostedFunction, invoker: Invoker) -> None:
    """Invoke a timer function on its schedule until cancelled, never twice at once."""
    from azure.functions.timer import TimerRequest

    schedule = Schedule.parse(function.trigger["schedule"])
    last = now()
    if function.trigger.get("runOnStartup"):
        await _fire(function, invoker, TimerRequest(past_due=False))
    while True:
        due = schedule.after(now())
        while (left := (due - now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 60.0))
        status = {
            "Last": h.stamp(last),
            "LastUpdated": h.stamp(last),
            "Next": h.stamp(schedule.after(due)),
        }
        last = due
        await _fire(
            function,
            invoker,
            TimerRequest(past_due=False, schedule_status=status, schedule={"AdjustForDST": True}),
        )


async def _fire(function: HostedFunction, invoker: Invoker, value: object) -> None:
    try:
        await invoker.call(function, value)
    except Exception:
        LOG.exception("timer function %s failed", function.name)
