"""Time spans as .NET writes them: [d.]hh:mm:ss[.fffffff]."""

from __future__ import annotations

import re
from datetime import timedelta

_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(\.\d{1,7})?)?")


def parse_span(text: str) -> timedelta | None:
    """Return the span that a text means, None when it means none."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    fraction = float(match[5] or 0)
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + fraction)


def show_span(span: timedelta) -> str:
    """Return the text of a span."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06d}0" if span.microseconds else ""
    return f"{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
