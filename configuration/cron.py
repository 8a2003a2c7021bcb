"""NCRONTAB expressions of timer triggers: six fields, of which the first is the second.

Source: Azure Functions documentation, "Timer trigger for Azure Functions"; the grammar is that of
the library NCrontab, which the Functions host uses.
"""

import re

_FIELDS = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 6),
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WORDS = {"month": (_MONTHS, 1), "day of the week": (_WEEKDAYS, 0)}
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DIGITS = frozenset("0123456789")
# The Functions host replaces `%NAME%` by the app setting NAME, also within an expression. Its value
# is not known here and may hold several fields.
_SETTING = re.compile(r"%[A-Za-z_][A-Za-z0-9_:]*%")


def find_fault(expression: str) -> str:
    """Return the fault of an NCRONTAB expression, "" when it is valid."""
    if "%" not in _SETTING.sub("", expression) and _SETTING.search(expression):
        return ""
    words = expression.split()
    if len(words) != len(_FIELDS):
        hint = f'; with a second in front: "0 {" ".join(words)}"' if len(words) == 5 else ""
        return f"it has {len(words)} fields, not six{hint}"
    values: list[set[int]] = []
    for word, (name, low, high) in zip(words, _FIELDS, strict=True):
        try:
            values.append(_read_field(word, name, low, high))
        except ValueError as error:
            return f"the {name} {word!r} {error}"
    days, months = values[3], values[4]
    if min(days) > max(_DAYS_OF_MONTH[month - 1] for month in months):
        return "no such day exists in these months"
    return ""


def _read_field(word: str, name: str, low: int, high: int) -> set[int]:
    values: set[int] = set()
    for entry in word.split(","):
        span, slash, step_text = entry.partition("/")
        step = _read_number(step_text, name) if slash else 1
        if step < 1:
            raise ValueError("has a step of 0")
        if span == "*":
            first, last = low, high
        else:
            left, dash, right = span.partition("-")
            first = _read_number(left, name)
            # `5/15` counts from 5 to the end of the range.
            last = _read_number(right, name) if dash else (high if slash else first)
        if not (low <= first <= high and low <= last <= high):
            raise ValueError(f"is outside {low} to {high}")
        if first > last:
            raise ValueError(f"goes backwards, from {first} to {last}")
        values.update(range(first, last + 1, step))
    return values


def _read_number(text: str, name: str) -> int:
    if text and set(text) <= _DIGITS and len(text) <= 4:
        return int(text)
    words, start = _WORDS.get(name, ((), 0))
    lowered = text.lower()
    for number, word in enumerate(words, start=start):
        if len(lowered) >= 3 and word.startswith(lowered):
            return number
    raise ValueError("is neither a number, a list, a range nor `*`")
