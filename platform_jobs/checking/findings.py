"""Findings of the comparison with earlier data, at one rate of false alarms for all tests together.

Each family of tests gets a share of ALPHA, and Holm's procedure controls it within the family, so
that the probability of any false alarm is at most ALPHA (Holm 1979; the sum over the families is
Bonferroni's inequality). Families keep a permutation test, whose p-value has a least value, from
being lost among hundreds of tests of single columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ALPHA = 0.01


class Severity(StrEnum):
    """The meaning of a finding.

    A fault is damage, which no change of the world explains. A shift may be damage or a change of
    the world. A note is an observation that decides nothing.
    """

    FAULT = "fault"
    SHIFT = "shift"
    NOTE = "note"


class Family(StrEnum):
    """Tests that share one part of ALPHA."""

    COLUMNS = "columns"
    ATOMS = "atoms"
    PAIRS = "pairs"
    SWAPS = "swaps"
    JOINT = "joint"
    RELATION = "relation"
    ROWS = "rows"


# The parts of ALPHA; they add up to it.
SHARES = {
    Family.COLUMNS: 0.003,
    Family.ATOMS: 0.0015,
    Family.PAIRS: 0.001,
    Family.SWAPS: 0.0005,
    Family.JOINT: 0.002,
    Family.RELATION: 0.0015,
    Family.ROWS: 0.0005,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference from the reference data: `text` has the figures, and a fault's remedy.

    `p` is the probability of such a difference between two samples of the same population, None
    for a note without a test.
    """

    kind: str
    severity: Severity
    text: str
    columns: tuple[str, ...] = ()
    p: float | None = None


def significant(tests: Iterable[tuple[Family, Finding]]) -> list[Finding]:
    """Return the findings that Holm's procedure rejects in their family, in the order given.

    A p-value that is not a number is significant: a figure that cannot be computed is no pass.
    """
    given = list(tests)
    rejected: set[int] = set()
    for family, share in SHARES.items():
        members = [index for index, (other, _) in enumerate(given) if other is family]
        members.sort(key=lambda index: _p(given[index][1]))
        for rank, index in enumerate(members):
            if _p(given[index][1]) > share / (len(members) - rank):
                break
            rejected.add(index)
    return [finding for index, (_, finding) in enumerate(given) if index in rejected]


def _p(finding: Finding) -> float:
    p = finding.p
    return p if p is not None and p == p else 0.0
