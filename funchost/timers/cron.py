"""NCRONTAB expressions: six fields, of which the first is the second, or five without it.

Source: Azure Functions documentation, "Timer trigger", NCRONTAB expressions; the grammar is that of
the library NCrontab, whose answers are recorded in `tests/conformance`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_WORDS = {
    4: (
        *("january", "february", "march", "april", "may", "june", "july", "august"),
        *("september", "october", "november", "december"),
    ),
    5: ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"),
}
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# NCrontab reads numbers by .NET's int.Parse, which takes white space around and 32 bits.
_NUMBER, _STEP = (
    re.compile(r"0*[0-9]{1,10}[\t-\r]*"),
    re.compile(r"[\t-\r]*[+-]?0*[0-9]{1,10}[\t-\r]*"),
)
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Schedule:
    """The allowed seconds, minutes, hours, days, months and weekdays."""

    fields: tuple[frozenset[int], ...]
    text: str = ""

    # The runs of a cron schedule follow the clock of the host's zone.
    adjusts_for_dst = True

    def after(self, moment: datetime) -> datetime:
        """Return the first time after a moment; ValueError without one until the year 9999."""
        seconds, minutes, hours, days, months, weekdays = self.fields
        at = moment.replace(microsecond=0)
        try:
            at += timedelta(seconds=1)
            while True:
                if at.month not in months:
                    first = at.replace(day=1, hour=0, minute=0, second=0)
                    at = (first + timedelta(days=32)).replace(day=1)
                elif at.day not in days or at.isoweekday() % 7 not in weekdays:
                    at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
                elif at.hour not in hours:
                    at = at.replace(minute=0, second=0) + timedelta(hours=1)
                elif at.minute not in minutes:
                    at = at.replace(second=0) + timedelta(minutes=1)
                elif at.second not in seconds:
                    at += timedelta(seconds=1)
                else:
                    return at
        except OverflowError as error:
            raise ValueError(f"schedule {self.text!r} never occurs again") from error

    @property
    def is_frequent(self) -> bool:
        """Return whether it runs several times in each minute: the host stores no status then.

        Source: azure-webjobs-sdk-extensions, TimerSchedule.ShouldDisableScheduleMonitor.
        """
        whole = zip(self.fields[1:], _RANGES[1:], strict=True)
        in_each_minute = all(len(field) == high - low + 1 for field, (low, high) in whole)
        return in_each_minute and len(self.fields[0]) > 1


def parse_cron(text: str) -> Schedule | None:
    """Return the schedule of an NCRONTAB expression, None when it has another number of fields.

    Raises ValueError with the field and its fault.
    """
    parts = [part for part in text.split(" ") if part]
    if len(parts) == 5:
        parts.insert(0, "0")
    if len(parts) != 6:
        return None
    fields = tuple(_field(part, place) for place, part in enumerate(parts))
    if min(fields[3]) > max(_DAYS_OF_MONTH[month - 1] for month in fields[4]):
        # The real host says it with the error of its calendar.
        raise ValueError(
            f"schedule {text!r} never occurs, because no such day exists in these months "
            "(Year must be between 1 and 9999)"
        )
    return Schedule(fields, text)


def _field(text: str, place: int) -> frozenset[int]:
    low, high = _RANGES[place]
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (_STEP.fullmatch(step) and abs(int(step)) <= _LARGEST):
            raise ValueError(f"{text!r} has the step {step!r}, which is not a number of 32 bits")
        every = int(step) if slash else 1
        if every < 1:
            raise ValueError(f"{text!r} has a step below 1, which Azure would read as 1")
        first, last = low, high
        if span != "*":
            left, dash, right = span.partition("-")
            first = _value(left, place)
            last = _value(right, place) if dash else (high if slash else first)
        if not (low <= first <= high and low <= last <= high):
            raise ValueError(f"{text!r} is outside {low}-{high}")
        if first > last:
            raise ValueError(
                f"{text!r} goes backwards; Azure would swap its ends and run at {last}-{first}. "
                f"Write {first}-{high},{low}-{last}"
            )
        values.update(range(first, last + 1, every))
    return frozenset(values)


def _value(text: str, place: int) -> int:
    """Return the value of a number or of the beginning of a name; ValueError for another text."""
    if _NUMBER.fullmatch(text):
        return int(text)
    lowered = text.lower()
    for number, word in enumerate(_WORDS.get(place, ()), start=_RANGES[place][0]):
        if lowered and word.startswith(lowered):
            return number
    raise ValueError(f"{text!r} is neither a number nor a name")
