"""Gates: pure functions that return a decision with its reasons.

A challenger replaces a champion when a paired bootstrap on the same rows shows, at the confidence
of the policy, that its mean squared error is lower by more than the margin. While there is no
champion, absolute bars decide.
"""

from dataclasses import dataclass

from function_app.domain.text.figures import figures, percent
from function_app.domain.text.redaction import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The rule that a challenger must pass.

    `bar` is the highest mean squared error (units of the target, squared) that a first model may
    have; `margin` is the share of the champion's error by which a challenger must be better.
    """

    bar: float
    margin: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0

    def comparison_words(self) -> tuple[str, ...]:
        """Return the options of `platform_jobs evaluate` for a comparison by the policy."""
        return (
            *("--confidence", str(self.confidence)),
            *("--resamples", str(self.resamples), "--seed", str(self.seed)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The result of a gate: whether it passed, the reasons, and the figures of the decision."""

    passed: bool
    reasons: tuple[str, ...]
    challenger_mse: float | None = None
    champion_mse: float | None = None
    improvement_low: float | None = None
    improvement_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of a challenger's squared errors with the champion's on the same rows.

    The evaluation's run computes it (platform_jobs/judging/comparison.py). `gain_low` and
    `gain_high` bound the champion's mean squared error minus the challenger's; without a champion
    there are no bounds. `refused` is the reason when nothing can be compared, or the rule of the
    contract of a model project that the challenger broke.
    """

    refused: str = ""
    rows: int = 0
    challenger_mse: float | None = None
    champion_mse: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


def judge(comparison: Comparison, policy: GatePolicy) -> GateResult:
    """Decide whether the challenger may be registered."""
    if comparison.refused:
        return GateResult(passed=False, reasons=(redact(comparison.refused),))
    if not comparison.rows or comparison.challenger_mse is None:
        return GateResult(passed=False, reasons=("There are no rows to compare on.",))
    mse, champion_mse = comparison.challenger_mse, comparison.champion_mse
    low, high = comparison.gain_low, comparison.gain_high
    if champion_mse is None or low is None or high is None:
        return _judge_by_bar(mse, policy)
    return _judge_by_gain(mse, champion_mse, (low, high), policy)


def _judge_by_bar(mse: float, policy: GatePolicy) -> GateResult:
    passed = mse <= policy.bar
    word = "within" if passed else "over"
    error, bar = figures(mse, policy.bar)
    reason = f"There is no champion; mse {error} is {word} the bar of {bar}."
    return GateResult(passed=passed, reasons=(reason,), challenger_mse=mse)


def _judge_by_gain(
    mse: float, champion_mse: float, bounds: tuple[float, float], policy: GatePolicy
) -> GateResult:
    low, high = bounds
    needed = policy.margin * champion_mse
    passed = low > needed
    verdict = "is not shown to be better"
    if passed:
        verdict = "is shown to be better" if low > 0 else "is within the margin"
    error, champion_error = figures(mse, champion_mse)
    gain, least = figures(low, needed)
    reason = (
        f"The challenger {verdict}: mse {error} against {champion_error}, gain at least {gain} at "
        f"{percent(policy.confidence)} confidence, more than {least} needed."
    )
    return GateResult(
        passed=passed,
        reasons=(reason,),
        challenger_mse=mse,
        champion_mse=champion_mse,
        improvement_low=low,
        improvement_high=high,
    )
