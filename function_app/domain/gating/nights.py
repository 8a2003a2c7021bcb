"""Evidence for one challenger against one champion, gathered over nights of new rows.

An inconclusive comparison is no loss of the work: each later night's rows test the same two models
again. A p-value becomes an e-value by integrating all power calibrators (Vovk and Wang 2021,
"E-values: calibration, combination and applications", Annals of Statistics 49, section 2). While
the challenger's gain is not above the needed one, an e-value has an expectation of at most 1
whatever happened in earlier nights, so that the product over nights exceeds 1 / level at any time
with a probability of at most `level` (Ville's inequality: Ramdas, Gruenwald, Vovk and Shafer 2023,
section 3). The nights need new rows: rows that judged an earlier night are no new evidence.

mlops.toml refuses `inconclusive = "shadow"`, the policy that gathers such evidence, in this
version.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from function_app.domain.gating.findings import Finding, Verdict
from function_app.domain.text.figures import figures

# Student's t says nothing about the probability of means that are farther out.
LEAST_P = 1e-9
# Below this -log(p) the quotient of the calibrator loses its digits; its series is exact there.
_SMALL = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A comparison on the rows of one version of the data.

    `p_value` is that of the hypothesis that the gain is at most the needed one.
    """

    data: str
    p_value: float
    rows: int


def e_value(p_value: float) -> float:
    """Return the e-value of a p-value: at least 0.5, and below 1 when the p-value is large.

    ValueError unless the p-value is from 0 to 1; NaN is not.
    """
    if not 0.0 <= p_value <= 1.0:
        raise ValueError(f"A p-value is from 0 to 1, not {p_value}.")
    x = -math.log(max(p_value, LEAST_P))
    return 0.5 + x / 6.0 if x < _SMALL else (math.expm1(x) - x) / (x * x)


def gathered(nights: Sequence[Night]) -> float:
    """Return the greatest product of the e-values of the first nights, at least 1.

    Of nights with the same data only the first counts.
    """
    product = most = 1.0
    seen: set[str] = set()
    for night in nights:
        if night.data not in seen:
            seen.add(night.data)
            product *= e_value(night.p_value)
            most = max(most, product)
    return most


def judge_nights(nights: Sequence[Night], level: float) -> Finding:
    """Return the finding of all nights: promote, or inconclusive while the evidence is too small.

    `level` is the probability with which it may promote a challenger that misses the needed gain,
    part of the error budget of the model (gating/spending.py). ValueError unless it is above 0 and
    below 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"A level is above 0 and below 1, not {level}.")
    evidence, needed = gathered(nights), 1.0 / level
    rows = sum({night.data: night.rows for night in reversed(nights)}.values())
    shown, limit = figures(evidence, needed)
    promoted = evidence >= needed
    word = "The evidence of all nights shows" if promoted else "The nights do not show yet"
    ending = "" if promoted else "; more new rows may show it"
    return Finding(
        verdict=Verdict.PROMOTE if promoted else Verdict.INCONCLUSIVE,
        reason=f"{word} that the challenger is better by enough: its e-value on {rows} rows is "
        f"{shown}, and {limit} is needed{ending}.",
    )
