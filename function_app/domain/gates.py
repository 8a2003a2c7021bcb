"""Gates: pure functions that return a decision with its reasons.

A challenger replaces a champion when a paired test on the same rows shows that its loss is lower by
more than the minimum effect, in no slice and in no tail much higher, and when it keeps the rules of
gating/sanity.py. The levels of all of a model's comparisons add up to one error budget
(gating/spending.py). While there is no champion, an absolute bar replaces the comparison.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from function_app.domain.gating.budgets import TIMED_CALLS, Budgets, Cost, check_budgets
from function_app.domain.gating.findings import Finding, Verdict, combine
from function_app.domain.gating.judging_rows import describe_rows, too_few
from function_app.domain.gating.monotone import Monotone, check_monotone
from function_app.domain.gating.own_metric import OwnMetric, is_own, loss_name
from function_app.domain.gating.sanity import Figures, check_champion, check_model, compare_tails
from function_app.domain.gating.slices import Slice, check_slices
from function_app.domain.gating.spending import level_of
from function_app.domain.text.figures import figures, percent
from function_app.domain.text.redaction import redact

__all__ = ["Comparison", "Figures", "GatePolicy", "GateResult", "Slice", "Verdict", "judge"]

# Rounded, so that no binary fraction of 1 minus a confidence such as 0.95 reaches a command line.
_LEVEL_DIGITS = 15
KEEP, ASK = "keep", "ask"
# A greater one is better, so that their losses are 1 minus the metric.
_BENEFITS = ("auc", "f_beta")
_LOSS_WORDS = {"calibration": "squared calibration error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The rule that a challenger must pass.

    `metric` names the loss that models are compared by, `direction` is that of an own function of
    the model's code (gating/own_metric.py), `quantile` that of the metric pinball and `beta` that
    of f_beta. `bar` is the highest mean loss that a first model may have.
    `minimum_effect` and `margin` are shares of the champion's loss by which a challenger must be
    better; the larger one counts, and a negative margin alone lets a model through that is worse by
    less. `confidence` is the probability that no comparison of the model, however many there are,
    promotes a challenger that misses this gain. `slices` are columns in whose groups of rows it
    must not be worse by much. `inconclusive` says what happens when the rows show too little: keep
    the champion, or ask the approvers. Fewer than `min_judging_rows` rows compare nothing. With
    more than one of the `folds` the final model is trained on all rows, and the model of each fold,
    trained without it, is judged. The size of the model folder, and the time that predict takes
    longer for 1,000 rows than for 1 row, have budgets: `max_model_bytes` and `max_predict_ms`, and
    the ratios of the champion's; 0 sets none. Predictions must rise with the features in
    `increasing` and fall with those in `decreasing`; they may move back by `monotone_tolerance`, a
    share of the width of the range of the true values.
    """

    bar: float
    metric: str = "mse"
    direction: str = ""
    quantile: float = 0.5
    beta: float = 1.0
    margin: float = 0.0
    minimum_effect: float = 0.02
    confidence: float = 0.95
    slices: tuple[str, ...] = ()
    inconclusive: str = KEEP
    min_judging_rows: int = 30
    folds: int = 1
    max_model_bytes: int = 0
    max_model_ratio: float = 0.0
    max_predict_ms: float = 0.0
    max_predict_ratio: float = 0.0
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    monotone_tolerance: float = 0.01

    def evaluation_share(self) -> int:
        """Return the time limit of an evaluation, in time limits of a training.

        Challenger and champion predict, several times when that is timed. With folds, each of them
        trains a model, too. An own metric is called once.
        """
        trained = self.folds if self.folds > 1 else 0
        return 2 * self.predict_share() + trained + is_own(self.metric)

    def predict_share(self) -> int:
        """Return how often a model predicts in an evaluation."""
        return 1 + (TIMED_CALLS if self.budgets.of_time else 0)

    @property
    def budgets(self) -> Budgets:
        """Return the budgets of a challenger."""
        return Budgets(
            model_bytes=self.max_model_bytes,
            model_ratio=self.max_model_ratio,
            predict_ms=self.max_predict_ms,
            predict_ratio=self.max_predict_ratio,
        )

    def level(self, look: int) -> float:
        """Return the level of a model's comparison number `look`; number 0 has the whole budget."""
        budget = round(1.0 - self.confidence, _LEVEL_DIGITS)
        return level_of(look, budget) if look else budget

    @property
    def loss(self) -> str:
        """Return the name of the loss in reasons: a smaller one is better."""
        if is_own(self.metric):
            return loss_name(self.metric, self.direction)
        name = _LOSS_WORDS.get(self.metric, self.metric.replace("_", " "))
        return f"1 - {name}" if self.metric in _BENEFITS else name

    def needed_share(self) -> float:
        """Return the share of the champion's loss that the gain must exceed."""
        return self.margin if self.margin < 0 else max(self.margin, self.minimum_effect)

    def needed_gain(self, champion_loss: float) -> float:
        """Return the gain in the unit of the loss that a challenger must exceed.

        An estimate of a metric may be below 0 though its true value is not: it counts as 0, so that
        a good champion is not replaced by a challenger that is no better. The loss of an own
        function may be below 0: the share is one of its magnitude.
        """
        if is_own(self.metric):
            return self.needed_share() * abs(champion_loss)
        return self.needed_share() * max(champion_loss, 0.0)

    def comparison_words(self, look: int) -> tuple[str, ...]:
        """Return the options of `platform_jobs evaluate` for comparison number `look`."""
        metric = self.own_words() or ("--metric", self.metric)
        return (
            *(*metric, "--quantile", repr(self.quantile)),
            *("--beta", repr(self.beta), f"--needed-share={self.needed_share()!r}"),
            *("--level", repr(self.level(look)), "--look", str(look)),
            *(f"--slice={column}" for column in self.slices),
        )

    def own_words(self) -> tuple[str, ...]:
        """Return the options of a metric that is an own function, () for a built-in one."""
        own = is_own(self.metric)
        return ("--metric", self.metric, "--direction", self.direction) if own else ()

    def probe_words(self) -> tuple[str, ...]:
        """Return the options of `platform_jobs` for the measurements of a challenger."""
        words = [f"--increasing={column}" for column in self.increasing]
        words += [f"--decreasing={column}" for column in self.decreasing]
        tolerance = ("--tolerance", repr(self.monotone_tolerance)) if words else ()
        return (*self.champion_words(), *words, *tolerance)

    def champion_words(self) -> tuple[str, ...]:
        """Return the options of `platform_jobs` for the measurements of a champion."""
        budgets = self.budgets
        return (*(["--size"] if budgets.of_size else []), *(["--time"] if budgets.of_time else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The result of a gate: whether it passed, the reasons, and the figures of the decision.

    `improvement` is the measured gain, between `improvement_low` and `improvement_high` at the
    `level` of the model's comparison number `look`; `p_value` is that of a gain which is not above
    the needed one. Only a comparison of models and a check of data
    have a `verdict`. `champion_fault` is the reason that the champion counted as none, "" when it
    counted. `evaluation_id` is the evaluation whose verdict is among the reasons of a smoke test in
    staging, "" for none.
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
    rows: int = 0
    champion_fault: str = ""
    p_value: float | None = None
    evaluation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of a challenger's losses with the champion's on the same rows.

    The evaluation's run computes it (platform_jobs/judging/comparison.py). `gain_low` and
    `gain_high` bound the champion's mean loss minus the challenger's, each with an error of
    probability `level`; without a champion, and with too few rows, there are no bounds. `look` is
    its number among the model's comparisons. The true values are from `lowest` to `highest`.
    `refused` is the reason when nothing can be compared, or the rule of the contract of a model
    project that the challenger broke; `champion_fault` is the fault of the champion's predictions.
    `left_out`, `recalled`, `known` and `folds` tell which rows judged (gating/judging_rows.py);
    `known` is None without a champion. The costs are there when the policy has budgets, `metric`
    when it is an own function.
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
    lowest: float = math.nan
    highest: float = math.nan
    challenger: Figures | None = None
    champion: Figures | None = None
    champion_fault: str = ""
    slices: tuple[Slice, ...] = ()
    left_out: int = 0
    recalled: int = 0
    known: bool | None = None
    folds: int = 1
    challenger_cost: Cost | None = None
    champion_cost: Cost | None = None
    monotone: tuple[Monotone, ...] = ()
    p_value: float | None = None
    metric: OwnMetric | None = None


def judge(comparison: Comparison, policy: GatePolicy) -> GateResult:
    """Decide whether the challenger may be registered."""
    if comparison.refused:
        return _rejected(redact(comparison.refused))
    about = describe_rows(
        comparison.left_out, comparison.recalled, comparison.known, comparison.folds
    )
    result = _judge(comparison, policy)
    return replace(result, reasons=(*result.reasons, *about))


def _judge(comparison: Comparison, policy: GatePolicy) -> GateResult:
    if comparison.known is not None and comparison.rows < policy.min_judging_rows:
        few = too_few(comparison.rows, policy.min_judging_rows)
        return GateResult(passed=False, reasons=(few,), verdict=Verdict.INCONCLUSIVE)
    if comparison.rows < 1 or comparison.challenger_loss is None:
        return _rejected("There are no rows to compare on.")
    known = (
        *(comparison.challenger_loss, comparison.champion_loss, comparison.level),
        *(comparison.gain, comparison.gain_low, comparison.gain_high, comparison.p_value),
    )
    if not all(math.isfinite(value) for value in known if value is not None):
        return _rejected("A figure of the comparison is not a finite number. Train again.")
    fault = _champion_fault(comparison)
    findings = tuple(_find(comparison, policy, comparison.challenger_loss, fault))
    verdict = combine(findings)
    passed, answer = _answer(verdict, comparison, policy)
    return GateResult(
        passed=passed,
        reasons=(*(each.reason for each in findings), *_looks(comparison, policy), *answer),
        verdict=verdict,
        challenger_loss=comparison.challenger_loss,
        champion_loss=comparison.champion_loss,
        improvement=comparison.gain,
        improvement_low=comparison.gain_low,
        improvement_high=comparison.gain_high,
        level=comparison.level,
        look=comparison.look,
        rows=comparison.rows,
        champion_fault=fault,
        p_value=comparison.p_value,
    )


def _rejected(reason: str) -> GateResult:
    return GateResult(passed=False, reasons=(reason,), verdict=Verdict.REJECT)


def _champion_fault(comparison: Comparison) -> str:
    """Return the reason that the champion counts as none, "" when it counts or there is none."""
    if comparison.champion_fault:
        return redact(comparison.champion_fault)
    return check_champion(comparison.champion) if comparison.champion is not None else ""


def _find(comparison: Comparison, policy: GatePolicy, loss: float, fault: str) -> Iterator[Finding]:
    champion_loss = comparison.champion_loss
    if champion_loss is None or fault:
        yield _compare_with_bar(loss, policy, fault)
    else:
        yield _compare_with_champion(comparison, loss, champion_loss, policy)
        yield from check_slices(comparison.slices)
        if comparison.challenger is not None and comparison.champion is not None:
            allowance = max(0.0, -policy.margin)
            yield from compare_tails(comparison.challenger, comparison.champion, allowance)
    if comparison.challenger is not None:
        yield from check_model(comparison.challenger, comparison.lowest, comparison.highest)
    yield from check_monotone(comparison.monotone, policy.increasing, policy.decreasing)
    counts = champion_loss is not None and not fault
    champion_cost = (comparison.champion_cost or Cost()) if counts else None
    yield from check_budgets(comparison.challenger_cost or Cost(), champion_cost, policy.budgets)


def _compare_with_bar(loss: float, policy: GatePolicy, fault: str) -> Finding:
    passed = loss <= policy.bar
    word = "within" if passed else "over"
    error, bar = figures(loss, policy.bar)
    none = f"The champion counts as none: {fault.rstrip('.')}" if fault else "There is no champion"
    reason = f"{none}; {policy.loss} {error} is {word} the bar of {bar}."
    return Finding(verdict=Verdict.PROMOTE if passed else Verdict.REJECT, reason=reason)


def _compare_with_champion(
    comparison: Comparison, loss: float, champion_loss: float, policy: GatePolicy
) -> Finding:
    needed = policy.needed_gain(champion_loss)
    low, high, level = comparison.gain_low, comparison.gain_high, comparison.level
    error, champion_error = figures(loss, champion_loss)
    words = f"{policy.loss} {error} against {champion_error} on {comparison.rows} rows"
    if low is None or high is None or level is None:
        reason = f"The rows are too few to show which model is better: {words}."
        return Finding(verdict=Verdict.INCONCLUSIVE, reason=reason)
    if low > needed:
        verdict = Verdict.PROMOTE
        finding = "The challenger is " + ("shown to be better" if low > 0 else "within the margin")
    elif high <= needed:
        verdict = Verdict.REJECT
        finding = "The challenger is shown not to be better by enough"
    else:
        verdict = Verdict.INCONCLUSIVE
        finding = "The rows do not show whether the challenger is better by enough"
    least, most, limit = figures(low, high, needed)
    reason = (
        f"{finding}: {words}. The gain is between {least} and {most}, each bound at "
        f"{percent(1.0 - level)} confidence; more than {limit} is needed."
    )
    return Finding(verdict=verdict, reason=reason)


def _answer(
    verdict: Verdict, comparison: Comparison, policy: GatePolicy
) -> tuple[bool, tuple[str, ...]]:
    """Return whether the challenger is registered, and the policy's answer to inconclusive."""
    if verdict is not Verdict.INCONCLUSIVE:
        return verdict is Verdict.PROMOTE, ()
    if policy.inconclusive != ASK:
        return False, ("The result is inconclusive, so that nothing changes.",)
    gain, champion_loss = comparison.gain, comparison.champion_loss
    if gain is not None and champion_loss is not None:
        needed = policy.needed_gain(champion_loss)
        # People are not asked about a challenger whose measured gain misses the policy's.
        if not gain > needed:
            measured, limit = figures(gain, needed)
            text = f"the measured gain of {measured} is not above {limit}"
            return False, (f"The result is inconclusive. No approver is asked, because {text}.",)
    return True, ("The result is inconclusive. The approvers decide by these figures.",)


def _looks(comparison: Comparison, policy: GatePolicy) -> tuple[str, ...]:
    """Return the sentence that explains the confidence of one comparison among many."""
    if not comparison.look:
        return ()
    return (
        f"This is comparison {comparison.look} of the model; each has so high a confidence that "
        f"all of them together have {percent(policy.confidence)}.",
    )
