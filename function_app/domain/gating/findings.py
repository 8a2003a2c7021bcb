"""Findings of the rules of a gate: a verdict and the sentence with its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The verdict on a challenger (promote or reject) or on data (pass or reject).

    Inconclusive means that the rows are enough for neither.
    """

    PASS = "pass"
    PROMOTE = "promote"
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The finding of one rule, in one sentence."""

    verdict: Verdict
    reason: str


def combine(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict of all rules: one that rejects decides, then one that is inconclusive."""
    for verdict in (Verdict.REJECT, Verdict.INCONCLUSIVE):
        if any(each.verdict is verdict for each in findings):
            return verdict
    return Verdict.PROMOTE
