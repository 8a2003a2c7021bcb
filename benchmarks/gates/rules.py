"""The rules that are compared: the seed's, the percentile bootstrap, and the product's own."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np

from benchmarks.gates.population import Floats, Places
from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from platform_jobs.judging.comparison import compare

SEED, BOOTSTRAP, PRODUCT = "lower mse", "bootstrap 95 %", "product"
# High, because no comparison with a champion asks for it.
POLICY = GatePolicy(bar=1e12)
_RESAMPLES, _TAIL = 2000, 0.05
# In standard errors of the mean gain; the quantile is 2.7 at the first look and 3.9 at the last.
_LEAST_REACH = 2.5
# One of so many skipped cases runs.
SPOT_CHECK = 50


class Rule(Protocol):
    """A rule that decides whether a challenger replaces the champion, on the same rows.

    All arrays have shape (rows,). `look` is the number of the comparison from 1. `slices` are
    numbers of rows by a name.
    """

    def __call__(
        self,
        actual: Floats,
        challenger: Floats,
        champion: Floats,
        look: int,
        slices: Mapping[str, Places] | None = None,
    ) -> bool: ...


def lower_mse(
    actual: Floats,
    challenger: Floats,
    champion: Floats,
    look: int,
    slices: Mapping[str, Places] | None = None,
) -> bool:
    """Promote when the challenger's mean squared error is lower: the rule of MLOpsPython."""
    return bool(_gains(actual, challenger, champion).mean() > 0)


def percentile_bootstrap(
    actual: Floats,
    challenger: Floats,
    champion: Floats,
    look: int,
    slices: Mapping[str, Places] | None = None,
) -> bool:
    """Promote when the 5 % percentile of 2,000 resampled mean gains is above 0, as version 0.1.0.

    Efron and Tibshirani 1993, chapter 13. The draws depend on the number of rows only, because
    that version had a fixed seed.
    """
    gains = _gains(actual, challenger, champion)
    if gains.mean() <= 0:
        # No 5 % percentile of means around it is above 0.
        return False
    means = _resampling(len(gains)) @ gains.astype(np.float32)
    return bool(np.quantile(means, _TAIL) > 0)


def product(
    actual: Floats,
    challenger: Floats,
    champion: Floats,
    look: int,
    slices: Mapping[str, Places] | None = None,
) -> bool:
    """Return whether the product's own functions promote.

    They run where they can promote: the lower bound of the gain is at least a quantile of Student's
    t below the mean gain, which is over _LEAST_REACH standard errors at the level of any look. Some
    of the skipped cases run as well; ValueError when the product promotes there.
    """
    gains = _gains(actual, challenger, champion)
    needed = POLICY.needed_share() * float(np.mean((champion - actual) ** 2))
    error = float(gains.std()) / math.sqrt(len(gains))
    possible = float(gains.mean()) - _LEAST_REACH * error > needed * (1 - 1e-9)
    if not possible and int(1e6 * abs(float(actual[0]))) % SPOT_CHECK:
        return False
    promoted = product_verdict(actual, challenger, champion, look, slices) is Verdict.PROMOTE
    if promoted and not possible:
        raise ValueError("The product promotes where the simulation does not ask it.")
    return promoted


def product_verdict(
    actual: Floats,
    challenger: Floats,
    champion: Floats,
    look: int,
    slices: Mapping[str, Places] | None = None,
) -> Verdict | None:
    """Return the verdict of the product's comparison and gate with the policy's defaults."""
    content = compare(
        actual.tolist(),
        challenger.tolist(),
        champion.tolist(),
        level=POLICY.level(look),
        look=look,
        groups={name: rows.tolist() for name, rows in (slices or {}).items()},
    )
    return judge(load(Comparison, content), POLICY).verdict


RULES: dict[str, Rule] = {SEED: lower_mse, BOOTSTRAP: percentile_bootstrap, PRODUCT: product}


def _gains(actual: Floats, challenger: Floats, champion: Floats) -> Floats:
    return np.asarray((champion - actual) ** 2 - (challenger - actual) ** 2)


@lru_cache(maxsize=8)
def _resampling(count: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Return the share of each row in each resample, shape (resamples, rows)."""
    draws = np.random.default_rng(0).integers(0, count, size=(_RESAMPLES, count))
    shares = np.zeros((_RESAMPLES, count), dtype=np.float32)
    for resample, drawn in zip(shares, draws, strict=True):
        resample += np.bincount(drawn, minlength=count)
    return np.asarray(shares / count, dtype=np.float32)
