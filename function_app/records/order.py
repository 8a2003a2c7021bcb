"""Moments and numbers as keys of rows, and cursors.

Rows come in the order of their keys, upwards only.
"""

import re
from datetime import UTC, datetime, timedelta

from function_app.errors import ContractError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 10**18


def downwards(moment: datetime) -> str:
    """Return a moment as 19 digits that sort later moments first."""
    return falling(_micros(moment))


def upwards(moment: datetime) -> str:
    """Return a moment as 19 digits that sort later moments last."""
    return f"{_micros(moment):019d}"


def falling(number: int) -> str:
    """Return a number from 0 to 10**18 as 19 digits that sort greater ones first."""
    return f"{_LAST - min(number, _LAST):019d}"


def number_of(key: str) -> int:
    """Return the number at the beginning of a key that `falling` made."""
    return _LAST - int(key[:19])


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def check_cursor(after: str | None, pattern: re.Pattern[str]) -> None:
    """Raise ContractError, code BAD_CURSOR, unless `after` is None or fits the pattern."""
    if after is not None and not pattern.fullmatch(after):
        text = f"{after[:80]!a} is not a cursor."
        remedy = "Use the cursor of the page before, or leave it out."
        raise ContractError(f"{text} {remedy}", code="BAD_CURSOR")
