"""Reads a .NET TimeSpan as the Functions host does.

Source: .NET documentation, "TimeSpan.Parse"; recorded answers of the timer extension 3.0.6.
"""

from __future__ import annotations

import re
from datetime import timedelta

_FRACTION = r"(?:\.(?P<fraction>[0-9]+))?"
# The first form whose numbers are in range counts. A first number over 23 is therefore days.
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<days>[0-9]+)",
        r"(?P<hours>[0-9]+):(?P<minutes>[0-9]+)",
        r"(?P<hours>[0-9]+):(?P<minutes>[0-9]+):(?P<seconds>[0-9]+)" + _FRACTION,
        r"(?P<hours>[0-9]+):(?P<minutes>[0-9]+):" + _FRACTION[3:-2],
        r"(?P<days>[0-9]+)[.:](?P<hours>[0-9]+):(?P<minutes>[0-9]+)",
        r"(?P<days>[0-9]+)[.:](?P<hours>[0-9]+):(?P<minutes>[0-9]+):(?P<seconds>[0-9]+)"
        + _FRACTION,
        r"(?P<days>[0-9]+)\.(?P<hours>[0-9]+):(?P<minutes>[0-9]+):" + _FRACTION[3:-2],
    )
)
_LARGEST = {"days": 10_675_199, "hours": 23, "minutes": 59, "seconds": 59}


def read_span(text: str) -> timedelta | None:
    """Return the length of a TimeSpan; None when the text is not one.

    `24:00:00` is 24 days, `5` is 5 days and `5:00` is 5 hours, as in .NET.
    """
    for form in _FORMS:
        match = form.fullmatch(text.strip())
        if match is None:
            continue
        numbers = {name: int(part) for name, part in match.groupdict().items() if part}
        fraction = match.groupdict().get("fraction") or ""
        numbers.pop("fraction", None)
        if all(number <= _LARGEST[name] for name, number in numbers.items()):
            return timedelta(**numbers) + timedelta(seconds=float(f"0.{fraction or 0}"))
    return None


def show_span(span: timedelta) -> str:
    """Return the text of a span."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06d}0" if span.microseconds else ""
    return f"{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
