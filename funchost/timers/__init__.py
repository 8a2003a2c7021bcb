"""Timer triggers: schedules as the Functions host reads them, and the loop that invokes them."""

from funchost.timers.schedules import parse_schedule
from funchost.timers.timer import Timer

__all__ = ["Timer", "parse_schedule"]
