"""Gates: pure functions that return a decision with its reasons.

A challenger replaces a champion when a paired test on the same rows shows that its loss is lower by
more than the minimum effect. The levels of all of a model's comparisons add up to one error budget
(gating/spending.py). While there is no champion, absolute bars decide.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.gating.spending import level_of
from function_app.domain.text.figures import figures, percent
from function_app.domain.text.redaction import redact

# Rounded, so that no binary fraction of 1 minus a confidence such as 0.95 reaches a command line.
_LEVEL_DIGITS = 15


class Verdict(StrEnum):
    """The verdict on a challenger; inconclusive means that the rows show neither of the others."""

    PROMOTE = "promote"
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The rule that a challenger must pass.

    `bar` is the highest mean squared error (units of the target, squared) that a first model may
    have. `minimum_effect` and `margin` are shares of the champion's loss by which a challenger must
    be better; the larger one counts, and a negative margin alone lets a model through that is worse
    by less. `confidence` is the probability that no comparison of the model, however many there
    are, promotes a challenger that misses this gain.
    """

    bar: float
    margin: float = 0.0
    minimum_effect: float = 0.02
    confidence: float = 0.95

    def level(self, look: int) -> float:
        """Return the level of a model's comparison number `look`; number 0 has the whole budget."""
        budget = round(1.0 - self.confidence, _LEVEL_DIGITS)
        return level_of(look, budget) if look else budget

    def needed_share(self) -> float:
        """Return the share of the champion's loss that the gain must exceed."""
        return self.margin if self.margin < 0 else max(self.margin, self.minimum_effect)

    def comparison_words(self, look: int) -> tuple[str, ...]:
        """Return the options of `platform_jobs evaluate` for comparison number `look`."""
        return ("--level", repr(self.level(look)), "--look", str(look))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The result of a gate: whether it passed, the reasons, and the figures of the decision.

    `improvement` is the measured gain, between `improvement_low` and `improvement_high` at the
    `level` of the model's comparison number `look`. Only a comparison of models has a `verdict`.
    """

    passed: bool
    reasons: tuple[str, ...]
    verdict: Verdict | None = None
    challenger_loss: float | None = None
    champion_loss: float | None = None
    improvement: float | None = None
    improvement_low: float | None = None
    improvement_high: float | None = None
    level: float | None = None
    look: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of a challenger's losses with the champion's on the same rows.

    The evaluation's run computes it (platform_jobs/judging/comparison.py). `gain_low` and
    `gain_high` bound the champion's mean loss minus the challenger's, each with an error of
    probability `level`; without a champion, and with too few rows, there are no bounds. `look` is
    its number among the model's comparisons. `refused` is the reason when nothing can be compared,
    or the rule of the contract of a model project that the challenger broke.
    """

    refused: str = ""
    rows: int = 0
    challenger_loss: float | None = None
    champion_loss: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    level: float | None = None
    look: int = 0


def judge(comparison: Comparison, policy: GatePolicy) -> GateResult:
    """Decide whether the challenger may be registered."""
    if comparison.refused:
        return _rejected(redact(comparison.refused))
    if comparison.rows < 1 or comparison.challenger_loss is None:
        return _rejected("There are no rows to compare on.")
    loss, champion_loss = comparison.challenger_loss, comparison.champion_loss
    if champion_loss is None:
        return _judge_by_bar(loss, policy)
    known = (comparison.gain, comparison.gain_low, comparison.gain_high, comparison.level)
    if not all(
        math.isfinite(value) for value in (loss, champion_loss, *known) if value is not None
    ):
        return _rejected("A figure of the comparison is not a finite number. Train again.")
    return _judge_by_gain(comparison, loss, champion_loss, policy)


def _rejected(reason: str) -> GateResult:
    return GateResult(passed=False, reasons=(reason,), verdict=Verdict.REJECT)


def _judge_by_bar(loss: float, policy: GatePolicy) -> GateResult:
    passed = loss <= policy.bar
    word = "within" if passed else "over"
    error, bar = figures(loss, policy.bar)
    reason = f"There is no champion; mse {error} is {word} the bar of {bar}."
    verdict = Verdict.PROMOTE if passed else Verdict.REJECT
    return GateResult(passed=passed, reasons=(reason,), verdict=verdict, challenger_loss=loss)


def _judge_by_gain(
    comparison: Comparison, loss: float, champion_loss: float, policy: GatePolicy
) -> GateResult:
    needed = policy.needed_share() * champion_loss
    low, high, level = comparison.gain_low, comparison.gain_high, comparison.level
    verdict = _verdict(low, high, needed)
    error, champion_error = figures(loss, champion_loss)
    words = f"mse {error} against {champion_error} on {comparison.rows} rows"
    if low is None or high is None or level is None:
        reason = f"The rows are too few to show which model is better: {words}."
    else:
        least, most, limit = figures(low, high, needed)
        reason = (
            f"{_finding(verdict, low)}: {words}. The gain is between {least} and {most}, each "
            f"bound at {percent(1.0 - level)} confidence; more than {limit} is needed."
        )
    return GateResult(
        passed=verdict is Verdict.PROMOTE,
        reasons=(reason, *_looks(comparison, policy)),
        verdict=verdict,
        challenger_loss=loss,
        champion_loss=champion_loss,
        improvement=comparison.gain,
        improvement_low=low,
        improvement_high=high,
        level=level,
        look=comparison.look,
    )


def _verdict(low: float | None, high: float | None, needed: float) -> Verdict:
    if low is not None and low > needed:
        return Verdict.PROMOTE
    if high is not None and high <= needed:
        return Verdict.REJECT
    return Verdict.INCONCLUSIVE


def _finding(verdict: Verdict, low: float) -> str:
    if verdict is Verdict.PROMOTE:
        known = "shown to be better" if low > 0 else "within the margin"
        return f"The challenger is {known}"
    if verdict is Verdict.REJECT:
        return "The challenger is shown not to be better by enough"
    return "The rows do not show whether the challenger is better by enough"


def _looks(comparison: Comparison, policy: GatePolicy) -> tuple[str, ...]:
    """Return the sentence that explains the confidence of one comparison among many."""
    if not comparison.look:
        return ()
    return (
        f"This is comparison {comparison.look} of the model; each has so high a confidence that "
        f"all of them together have {percent(policy.confidence)}.",
    )
