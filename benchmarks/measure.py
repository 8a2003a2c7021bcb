"""The tasks of every contender and their timing; standard library only, because peers run it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Protocol, runtime_checkable

CHAINS = (1, 10, 100, 1000)
FAN, MANY, CONCURRENT = 100, 2000, 200
ROUNDS = {
    "chain 1": 20,
    "chain 10": 10,
    "chain 100": 5,
    "chain 1000": 1,
    "fan 100": 5,
    "signal": 10,
}
CLIENTS = 32
CROWD = f"per second by {CLIENTS} clients"
ROWS = (*ROUNDS, "per second", CROWD)


class Contender(Protocol):
    """Runs orchestrations to their end; `skips` names the tasks that it cannot do."""

    skips: tuple[str, ...]

    def chain(self, length: int) -> None:
        """Run one orchestration of so many activities, one after the other."""

    def fan(self, width: int) -> None:
        """Run one orchestration of so many activities at once."""

    def signal(self) -> float:
        """Send an event to an orchestration that waits; return the seconds until it has ended."""

    def many(self, total: int, concurrent: int) -> None:
        """Run so many orchestrations of one activity, so many at a time."""

    def close(self) -> None:
        """Stop everything that was started."""


@runtime_checkable
class Crowd(Protocol):
    """A contender that has several clients at once."""

    def crowd(self, total: int, clients: int) -> None:
        """Run so many orchestrations of one activity; each client has one at a time."""


def run(contender: Contender) -> None:
    """Measure the rows named on the command line and print them: milliseconds, or per second."""
    measured: dict[str, list[float]] = {}
    try:
        contender.chain(2)
        for row in sys.argv[2:] or ROWS:
            if row in contender.skips or (row == CROWD and not isinstance(contender, Crowd)):
                continue
            measured[row] = [_once(contender, row) for _ in range(_rounds(contender, row))]
    finally:
        contender.close()
    print(json.dumps(measured))


def _rounds(contender: Contender, row: str) -> int:
    slow = getattr(contender, "slow", False)
    return 1 if slow else ROUNDS.get(row, 1)


def _once(contender: Contender, row: str) -> float:
    if row == "signal":
        return contender.signal() * 1000
    begun = time.perf_counter()
    if row == CROWD and isinstance(contender, Crowd):
        contender.crowd(MANY, CLIENTS)
        return MANY / (time.perf_counter() - begun)
    kind, _, size = row.partition(" ")
    if kind == "chain":
        contender.chain(int(size))
    elif kind == "fan":
        contender.fan(int(size))
    else:
        total = 100 if getattr(contender, "slow", False) else MANY
        contender.many(total, CONCURRENT)
        return total / (time.perf_counter() - begun)
    return (time.perf_counter() - begun) * 1000


def folder() -> Path:
    """Return the folder that the contender may write in."""
    return Path(sys.argv[1])
