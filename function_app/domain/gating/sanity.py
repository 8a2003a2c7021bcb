"""Rules that every right model keeps, whatever the champion does.

Each rule is written so that a figure that is not a number breaks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from function_app.domain.gating.findings import Finding, Verdict
from function_app.domain.text.figures import figure, figures

# The greatest bias, as a share of the root of the mean squared error. At 0.25, the bias causes 6 %
# of the mean squared error.
MOST_BIAS = 0.25
# A model whose predictions must be stretched by more than 2, or shrunk by more, is not calibrated.
LEAST_SLOPE, MOST_SLOPE = 0.5, 2.0
# A prediction may leave the range of the true values by so many widths of this range.
REACH = 1.0
# A challenger's tail and largest error, compared with the champion's.
MOST_TAIL, MOST_LARGEST = 1.25, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of one model's predictions (platform_jobs/judging/sanity.py has their meaning)."""

    skill: float | None = None
    skill_low: float | None = None
    skill_high: float | None = None
    constant: bool = False
    bias: float | None = None
    bias_low: float | None = None
    bias_high: float | None = None
    rms: float | None = None
    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    largest: float | None = None
    tail: float | None = None
    lowest: float | None = None
    highest: float | None = None


def check_model(model: Figures, lowest: float, highest: float) -> Iterator[Finding]:
    """Yield each broken rule of a challenger; the true values are from `lowest` to `highest`."""
    if model.constant:
        yield _rejected("It predicts the same value for every row.")
    else:
        yield from _skill(model)
    yield from _bias(model)
    yield from _slope(model)
    yield from _range(model, lowest, highest)


def check_champion(model: Figures) -> str:
    """Return the reason that a champion counts as none, "" when it counts.

    Only a champion that is shown to be useless counts as none: a right one may have bad luck.
    """
    if model.constant:
        return "it predicts the same value for every row"
    if model.skill_high is not None and not model.skill_high >= 0.0:
        return "it is shown to be worse than the best constant prediction"
    return ""


def compare_tails(model: Figures, champion: Figures, allowance: float) -> Iterator[Finding]:
    """Yield a finding for errors in the tail that are much larger than the champion's.

    A mean hides rare catastrophes. `allowance` is the share by which the policy lets a challenger
    be worse in the mean; its tail may be worse by the same.
    """
    for noun, ours, theirs, most in (
        ("95 % quantile of the absolute errors", model.tail, champion.tail, MOST_TAIL),
        ("largest absolute error", model.largest, champion.largest, MOST_LARGEST),
    ):
        if ours is None or theirs is None:
            continue
        limit = most * (1.0 + allowance) * theirs
        if not ours <= limit:
            error, other, allowed = figures(ours, theirs, limit)
            yield _rejected(
                f"Its {noun} is {error} against {other} of the champion; {allowed} is allowed."
            )


def _skill(model: Figures) -> Iterator[Finding]:
    if model.skill is None:
        return
    if model.skill_low is None:
        verdict = Verdict.INCONCLUSIVE
        reason = "The rows are too few to show that it is better than the best constant prediction."
        yield Finding(verdict=verdict, reason=reason)
    elif not model.skill_low > 0.0:
        verdict = Verdict.INCONCLUSIVE if model.skill > 0.0 else Verdict.REJECT
        gain, low = figures(model.skill, model.skill_low)
        reason = (
            "It is not shown to be better than the best constant prediction: its gain is "
            f"{gain}, at least {low} at 99 % confidence."
        )
        yield Finding(verdict=verdict, reason=reason)


def _bias(model: Figures) -> Iterator[Finding]:
    bias, rms = model.bias, model.rms
    if bias is None or rms is None or model.bias_low is None or model.bias_high is None:
        return
    shown = not model.bias_low <= 0.0 <= model.bias_high
    if shown and not abs(bias) <= MOST_BIAS * rms:
        amount, limit = figures(bias, MOST_BIAS * rms)
        yield _rejected(
            f"Its predictions are biased by {amount} on average; {limit} is allowed either way."
        )


def _slope(model: Figures) -> Iterator[Finding]:
    if model.slope is None or model.slope_low is None or model.slope_high is None:
        return
    if model.slope_low > MOST_SLOPE or not model.slope_high >= LEAST_SLOPE:
        yield _rejected(
            f"Its predictions are not calibrated: the true value changes by {figure(model.slope)} "
            f"for each 1 of the prediction; {LEAST_SLOPE:g} to {MOST_SLOPE:g} is allowed."
        )


def _range(model: Figures, lowest: float, highest: float) -> Iterator[Finding]:
    if model.lowest is None or model.highest is None:
        return
    reach = REACH * (highest - lowest)
    least, most = lowest - reach, highest + reach
    if not (least <= model.lowest and model.highest <= most):
        shown = figures(model.lowest, model.highest, lowest, highest)
        yield _rejected(
            f"Its predictions go from {shown[0]} to {shown[1]}, and the true values from "
            f"{shown[2]} to {shown[3]}: they may leave this range by its width at most."
        )


def _rejected(reason: str) -> Finding:
    return Finding(verdict=Verdict.REJECT, reason=reason)
