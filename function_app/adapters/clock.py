"""The time."""

from datetime import UTC, datetime


class SystemClock:
    """The time of the machine that the app runs on."""

    def now(self) -> datetime:
        return datetime.now(UTC)
