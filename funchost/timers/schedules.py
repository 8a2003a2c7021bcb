"""The schedule of a timer trigger: NCRONTAB or a TimeSpan, in which settings may be named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from funchost.app.host_json.names import with_settings
from funchost.app.host_json.spans import read_span
from funchost.timers.cron import Schedule, parse_cron


@dataclass(frozen=True)
class Interval:
    """A TimeSpan schedule: a fixed time from the start of a run to the start of the next."""

    pause: timedelta

    # An interval has the same length on a day on which the clock is changed.
    adjusts_for_dst = False

    def after(self, moment: datetime) -> datetime:
        """Return the next time after a moment; ValueError when it is after the year 9999."""
        try:
            return moment + self.pause
        except OverflowError as error:
            raise ValueError(f"a schedule of {self.pause} never occurs") from error

    @property
    def is_frequent(self) -> bool:
        """Return whether occurrences are less than a minute apart: the host stores no status."""
        return self.pause < timedelta(minutes=1)


def parse_schedule(text: str, environ: Mapping[str, str]) -> Schedule | Interval:
    """Return the schedule of an expression; `%NAME%` stands for a setting, also within the text.

    Raises ValueError with the fault. Source: Azure Functions documentation, "Timer trigger".
    """
    resolved = with_settings(text, environ, "the schedule")
    cron = parse_cron(resolved)
    if cron is not None:
        return cron
    span = read_span(resolved)
    if span is None:
        raise ValueError(f"schedule {resolved!r} must have six fields or be a TimeSpan hh:mm:ss")
    if not span:
        raise ValueError(f"schedule {resolved!r} has no length; Azure would run it without a pause")
    return Interval(span)
