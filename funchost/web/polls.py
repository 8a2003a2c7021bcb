"""Clients that ask for a status again and again without a pause.

Their requests would take the core from the turns that they wait for. Such a request is answered
when the instance has ended, or after HOLD, as if the client had made a short pause.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

HOLD = 0.05  # seconds
MOST = 1000  # instances of which the last request is remembered


class Polls:
    """Tells which requests for the status of a running instance to answer later."""

    def __init__(self, takes_turn: Callable[[str], bool]) -> None:
        """Take a function that tells whether an instance takes a turn at this moment."""
        self._takes_turn = takes_turn
        self._last: OrderedDict[str, float] = OrderedDict()

    def hold(self, instance: str) -> bool:
        """Tell whether the instance takes a turn, or was asked for less than HOLD ago."""
        moment = time.monotonic()
        last = self._last.pop(instance, 0.0)
        self._last[instance] = moment
        if len(self._last) > MOST:
            self._last.popitem(last=False)
        return moment - last < HOLD or self._takes_turn(instance)
