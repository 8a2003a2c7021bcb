"""The rule about features that predictions must rise, or fall, with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from function_app.domain.gating.findings import Finding, Verdict
from function_app.domain.text.figures import figures, percent

INCREASING, DECREASING = "increasing", "decreasing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monotone:
    """Movements against the declared direction of a feature (platform_jobs/probing/monotone.py).

    On `broken` of the `rows` a prediction moves back by more than `limit` when the feature rises;
    `largest` is the most.
    """

    feature: str
    direction: str
    rows: int
    broken: int
    largest: float
    limit: float


def check_monotone(
    measured: Sequence[Monotone], increasing: Sequence[str], decreasing: Sequence[str]
) -> Iterator[Finding]:
    """Yield a finding for each declared feature whose direction the predictions do not keep."""
    found = {(each.feature, each.direction): each for each in measured}
    for direction, names in ((INCREASING, increasing), (DECREASING, decreasing)):
        for name in names:
            one = found.get((name, direction))
            if one is None or one.rows < 1:
                reason = (
                    f"Whether its predictions keep to `{name}` as {direction} was not measured. "
                    "Train again."
                )
                yield Finding(verdict=Verdict.REJECT, reason=reason)
            elif not one.largest <= one.limit:
                yield Finding(verdict=Verdict.REJECT, reason=_words(one))


def _words(one: Monotone) -> str:
    verb = "fall" if one.direction == INCREASING else "rise"
    limit, largest = figures(one.limit, one.largest)
    return (
        f"Its predictions {verb} when `{one.feature}` rises, which is declared {one.direction}: by "
        f"more than {limit} on {one.broken} of {one.rows} rows ({percent(one.broken / one.rows)}), "
        f"by {largest} at most."
    )
