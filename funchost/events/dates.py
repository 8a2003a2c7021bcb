"""Rewrites the texts of an event that are times, as Azure does before it calls the function.

The Event Grid extension reads the body with Newtonsoft's date recognition and rewrites it for the
function. Source: Newtonsoft.Json documentation, "Serializing Dates in JSON"; recorded answers of
the extension 3.3.0. An offset becomes the host's local time, and this host runs in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

DEEPEST = 64  # arrays and objects inside each other, the body included
_TICKS = 10_000_000  # in a second
_START = datetime(1, 1, 1)
_LAST = (datetime(9999, 12, 31) - _START) // timedelta(seconds=1) * _TICKS + 86_400 * _TICKS - 1
# Newtonsoft's reader also takes two digits, a colon, or both, where the minutes of a zone may be,
# and ignores them when there is no zone: so nine digits of a fraction without a zone are a time.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{7}|[0-9]{1,6}(?![0-9])))?"
    r"(?:([Zz])|(?:([+-])([0-9]{2}))?(?::([0-9]{2})?|([0-9]{2}))?)"
)
_MILLISECONDS = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{2}(?:[0-9]{2})?)?\)/")


class TooDeepError(Exception):
    """Says that an event is nested deeper than Azure reads."""


def as_delivered(value: Any, depth: int = 0) -> Any:
    """Return a JSON value in which every text that is a time is rewritten; keys stay.

    TooDeepError when arrays and objects are nested deeper than 64; `depth` is that of the
    surroundings.
    """
    if isinstance(value, str):
        return _rewritten(value)
    if not isinstance(value, dict | list):
        return value
    if depth == DEEPEST:
        raise TooDeepError(f"the event is nested deeper than {DEEPEST} arrays and objects")
    if isinstance(value, dict):
        return {key: as_delivered(each, depth + 1) for key, each in value.items()}
    return [as_delivered(each, depth + 1) for each in value]


def _rewritten(text: str) -> str:
    if text.startswith("/Date("):
        return _from_milliseconds(text)
    match = _TIME.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        return text
    day, hour, minute, second, fraction, utc, sign, zone_hours, *zone = match.groups()
    hours, minutes, seconds = int(hour), int(minute), int(second)
    parts = int((fraction or "").ljust(7, "0"))
    is_midnight = hours == 24 and not (minutes or seconds or parts)
    if minutes > 59 or seconds > 59 or not (hours < 24 or is_midnight):
        return text
    try:
        moment = datetime.strptime(day, "%Y-%m-%d")
    except ValueError:
        return text
    ticks = _ticks(moment) + (hours * 3600 + minutes * 60 + seconds) * _TICKS + parts
    if sign is None:
        return _written(ticks, "Z" if utc else "")
    zone_minutes = zone[0] or zone[1] or 0
    offset = (int(zone_hours) * 3600 + int(zone_minutes) * 60) * _TICKS
    return _written(ticks - offset if sign == "+" else ticks + offset, "+00:00")


def _from_milliseconds(text: str) -> str:
    match = _MILLISECONDS.fullmatch(text)
    if match is None:
        return text
    ticks = _ticks(datetime(1970, 1, 1)) + int(match[1]) * 10_000
    return _written(ticks, "+00:00" if match[2] else "Z") if 0 <= ticks <= _LAST else text


def _ticks(day: datetime) -> int:
    return (day - _START) // timedelta(seconds=1) * _TICKS


def _written(ticks: int, zone: str) -> str:
    seconds, parts = divmod(min(max(ticks, 0), _LAST), _TICKS)
    moment = _START.replace(tzinfo=UTC) + timedelta(seconds=seconds)
    fraction = f".{parts:07d}".rstrip("0") if parts else ""
    return f"{moment.isoformat()[:19]}{fraction}{zone}"
