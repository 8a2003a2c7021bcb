"""Moments as keys of rows: rows come in the order of their keys, upwards only."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 10**18


def downwards(moment: datetime) -> str:
    """Return a moment as 19 digits that sort later moments first."""
    return f"{_LAST - _micros(moment):019d}"


def upwards(moment: datetime) -> str:
    """Return a moment as 19 digits that sort later moments last."""
    return f"{_micros(moment):019d}"


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
