"""Converts the cron expression of a pipeline to the NCRONTAB of a timer trigger.

A pipeline's cron has no seconds, takes 7 for Sunday and ranges such as FRI-MON. The Functions host
refuses 7, and turns such a range round: FRI-MON would be Monday to Friday.
"""

import re
from collections.abc import Iterator

from configuration.cron import find_fault

_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_RANGE = re.compile(r"([0-9]{1,2}|[A-Za-z]{3,9})(?:-([0-9]{1,2}|[A-Za-z]{3,9}))?(?:/([0-9]{1,2}))?")


def to_ncrontab(expression: str) -> str:
    """Return the six fields of a timer's schedule; ValueError says why there is none."""
    words = expression.split()
    if len(words) != len(_FIELDS):
        raise ValueError(f"it has {len(words)} fields, not five")
    fields = (_field(word, place) for place, word in enumerate(words))
    converted = " ".join(["0", *fields])
    if fault := find_fault(converted):
        raise ValueError(fault)
    return converted


def _field(word: str, place: int) -> str:
    return ",".join(part for entry in word.split(",") for part in _entry(entry, place))


def _entry(entry: str, place: int) -> Iterator[str]:
    """Yield the values of an entry that NCRONTAB reads otherwise, else the entry itself."""
    low, high = _FIELDS[place]
    match = _RANGE.fullmatch(entry)
    first = _number(match[1], place) if match else None
    last = _number(match[2] or match[1], place) if match else None
    is_weekday = place == len(_FIELDS) - 1
    has_seven = is_weekday and 7 in (first, last)
    if match is None or first is None or last is None or not (has_seven or first > last):
        yield entry
        return
    count = high - low + 1
    if is_weekday and first == 7:
        first, last = 0, last % 7
    if match[3] and not match[2]:
        last = high
    length = last - first if first <= last else last - first + count
    length = min(length, count - 1)
    for number in range(0, length + 1, int(match[3] or 1) or 1):
        yield str((first - low + number) % count + low)


def _number(text: str, place: int) -> int | None:
    """Return the value of a number or a name, None for another text or one out of range."""
    low, high = _FIELDS[place]
    if text.isdigit():
        value = int(text)
        return value if low <= value <= high or (high == 6 and value == 7) else None
    names = {3: _MONTHS, 4: _WEEKDAYS}.get(place, [])
    short = text.lower()[:3]
    return names.index(short) + low if short in names else None
