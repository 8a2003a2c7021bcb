"""Gates: pure decisions with reasons.

A challenger replaces a champion when a paired bootstrap on the same rows shows, at the confidence
of the policy, that its mean squared error is lower by more than the margin. While there is no
champion, absolute bars decide.
"""

from dataclasses import dataclass

import numpy as np

from function_app.domain.figures import figures, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What a challenger must show.

    `bar` is the highest mean squared error (units of the target, squared) that a first model may
    have; `margin` is the share of the champion's error by which a challenger must be better.
    """

    bar: float
    margin: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Whether a gate let something pass, why, and the figures it decided by."""

    passed: bool
    reasons: tuple[str, ...]
    challenger_mse: float | None = None
    champion_mse: float | None = None
    improvement_low: float | None = None
    improvement_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What the models say of the same held-out rows; all have shape (rows,).

    `refused` says how the challenger broke the contract of a model project.
    """

    actual: tuple[float, ...]
    challenger: tuple[float, ...]
    champion: tuple[float, ...] | None = None
    refused: str = ""


def judge(predictions: Predictions, policy: GatePolicy) -> GateResult:
    """Decide whether the challenger may be registered."""
    if predictions.refused:
        return GateResult(passed=False, reasons=(predictions.refused,))
    actual = np.asarray(predictions.actual, dtype=float)
    challenger = np.asarray(predictions.challenger, dtype=float)
    if actual.size == 0 or actual.shape != challenger.shape:
        return GateResult(passed=False, reasons=("There are no rows to compare on.",))
    errors = (challenger - actual) ** 2
    if not np.all(np.isfinite(errors)):
        return GateResult(passed=False, reasons=(_not_finite("challenger", challenger),))
    mse = float(errors.mean())
    if predictions.champion is None:
        return _judge_by_bar(mse, policy)
    return _judge_by_comparison(errors, actual, predictions.champion, policy)


def _judge_by_bar(mse: float, policy: GatePolicy) -> GateResult:
    passed = mse <= policy.bar
    word = "within" if passed else "over"
    error, bar = figures(mse, policy.bar)
    reason = f"There is no champion; mse {error} is {word} the bar of {bar}."
    return GateResult(passed=passed, reasons=(reason,), challenger_mse=mse)


def _judge_by_comparison(
    errors: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    actual: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    champion: tuple[float, ...],
    policy: GatePolicy,
) -> GateResult:
    served = np.asarray(champion, dtype=float)
    if served.shape != actual.shape:
        return GateResult(passed=False, reasons=("The champion predicted other rows.",))
    champion_errors = (served - actual) ** 2
    if not np.all(np.isfinite(champion_errors)):
        # NaN compares as false: the reason would name a gain of "nan".
        return GateResult(passed=False, reasons=(_not_finite("champion", served),))
    # Paired percentile bootstrap (Efron and Tibshirani 1993, chapter 13): rows are drawn once for
    # both models, so what makes a row hard for both cancels out.
    gains = champion_errors - errors
    rng = np.random.default_rng(policy.seed)
    rows = rng.integers(0, gains.size, size=(policy.resamples, gains.size))
    means = gains[rows].mean(axis=1)
    tail = 1.0 - policy.confidence
    low, high = (float(q) for q in np.quantile(means, [tail, 1.0 - tail]))
    champion_mse = float(champion_errors.mean())
    needed = policy.margin * champion_mse
    passed = low > needed
    verdict = "is not shown to be better"
    if passed:
        verdict = "is shown to be better" if low > 0 else "is within what the margin allows"
    error, champion_error = figures(float(errors.mean()), champion_mse)
    gain, least = figures(low, needed)
    reason = (
        f"The challenger {verdict}: mse {error} against {champion_error}, gain at least {gain} at "
        f"{percent(policy.confidence)} confidence, more than {least} needed."
    )
    return GateResult(
        passed=passed,
        reasons=(reason,),
        challenger_mse=float(errors.mean()),
        champion_mse=champion_mse,
        improvement_low=low,
        improvement_high=high,
    )


def _not_finite(model: str, predicted: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    bad = int(np.count_nonzero(~np.isfinite(predicted)))
    if not bad:
        return f"The squared errors of the {model} are too large for a finite number."
    return (
        f"{bad} of {predicted.size} predictions of the {model} are not finite numbers, so they "
        "cannot be compared."
    )
