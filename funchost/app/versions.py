"""Decides whether this app takes the turns of an instance of a given version.

Source: Durable Task extension 3.19, settings defaultVersion, versionMatchStrategy and
versionFailureStrategy of host.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Match = Literal["None", "Strict", "CurrentOrOlder"]
Failure = Literal["Reject", "Fail"]
MISMATCH = "Orchestration version did not comply with Worker Versioning"
_NUMBERS = re.compile(r"\s*\d+(\.\d+){1,3}\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The version of the app, and the rule by which it takes instances of other versions.

    An instance that is not taken waits with the strategy Reject and fails with Fail.
    """

    default: str = ""
    match: Match = "CurrentOrOlder"
    failure: Failure = "Reject"

    def accepts(self, version: str) -> bool:
        """Return whether the turns of an instance of this version are taken."""
        if self.match == "None":
            return True
        order = compare(version, self.default)
        return order == 0 or (order < 0 and self.match == "CurrentOrOlder")


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1: whether a version is older than, the same as or newer than another.

    An empty one is the oldest. Two of numbers are compared by number and others as text.
    """
    numbers = [_numbers(one), _numbers(other)]
    if numbers[0] is not None and numbers[1] is not None:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    first, second = one.upper(), other.upper()
    return (first > second) - (first < second)


def _numbers(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a version a.b[.c[.d]]; None for any other text."""
    if not _NUMBERS.fullmatch(version):
        return None
    return tuple(int(number) for number in version.split("."))
