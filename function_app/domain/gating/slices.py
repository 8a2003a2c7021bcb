"""The rule about slices of the judging rows: a better mean must not hide a group that is worse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from function_app.domain.gating.findings import Finding, Verdict
from function_app.domain.text.figures import figures, percent

# Below this number of rows nothing is shown about a slice at a tolerance of 25 %.
LEAST_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Both models' mean losses on the rows of a slice.

    `reserve` is (1 + tolerance) times the champion's mean loss minus the challenger's, with bounds
    (platform_jobs/judging/slices.py).
    """

    name: str
    rows: int
    challenger_loss: float
    champion_loss: float
    tolerance: float
    reserve: float
    reserve_low: float | None = None
    reserve_high: float | None = None


def check_slices(slices: Sequence[Slice]) -> Iterator[Finding]:
    """Yield a finding for each slice on which the challenger is not shown to be non-inferior."""
    for one in slices:
        loss, champion_loss = figures(one.challenger_loss, one.champion_loss)
        words = f"On the {one.rows} rows with {one.name} its loss is {loss} against {champion_loss}"
        if one.rows < LEAST_ROWS or one.reserve_low is None or one.reserve_high is None:
            yield Finding(
                verdict=Verdict.INCONCLUSIVE,
                reason=f"{words}: a slice needs {LEAST_ROWS} rows to be judged.",
            )
        elif not one.reserve_high >= 0.0:
            yield Finding(
                verdict=Verdict.REJECT,
                reason=f"{words}: it is shown to be worse by more than {percent(one.tolerance)}.",
            )
        elif not one.reserve_low > 0.0:
            yield Finding(
                verdict=Verdict.INCONCLUSIVE,
                reason=f"{words}: it may be worse by more than {percent(one.tolerance)}.",
            )
