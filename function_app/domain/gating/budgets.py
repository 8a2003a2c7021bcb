"""Budgets of a challenger: the size of its model folder and the time of its predict."""

from collections.abc import Iterator
from dataclasses import dataclass

from function_app.domain.gating.findings import Finding, Verdict
from function_app.domain.text.figures import figure, figures

# Times of the rows below this many milliseconds are lost in the noise of starting a process.
LEAST_MS = 10.0
# The job calls predict so often to time it: once, and 5 pairs (platform_jobs/probing/costs.py).
TIMED_CALLS = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Measured costs of a model (platform_jobs/probing/costs.py); None was not measured.

    `milliseconds` is the median time that predict takes longer for 1,000 rows than for 1 row, and
    `milliseconds_low` the least of the measured times.
    """

    size_bytes: int | None = None
    milliseconds: float | None = None
    milliseconds_low: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The most that a challenger may cost; 0 sets no budget, a ratio is of the champion's cost."""

    model_bytes: int
    model_ratio: float
    predict_ms: float
    predict_ratio: float

    @property
    def of_size(self) -> bool:
        return self.model_bytes > 0 or self.model_ratio > 0.0

    @property
    def of_time(self) -> bool:
        return self.predict_ms > 0.0 or self.predict_ratio > 0.0


def check_budgets(model: Cost, champion: Cost | None, budgets: Budgets) -> Iterator[Finding]:
    """Yield a finding for each budget that a challenger is not shown to keep.

    Without a champion, and when it counts as none, `champion` is None: ratios do not apply then.
    """
    if budgets.model_bytes > 0:
        yield from _size(model, budgets.model_bytes, "`max_model_bytes` allows")
    if budgets.predict_ms > 0.0:
        yield from _time(model, budgets.predict_ms, "`max_predict_ms` allows")
    if champion is None:
        return
    if budgets.model_ratio > 0.0:
        if champion.size_bytes is None:
            yield _unmeasured("size of the champion")
        else:
            allows = _of_champion("max_model_ratio", budgets.model_ratio)
            yield from _size(model, int(budgets.model_ratio * champion.size_bytes), allows)
    if budgets.predict_ratio > 0.0:
        if champion.milliseconds is None:
            yield _unmeasured("time of the champion's predict")
        else:
            limit = budgets.predict_ratio * max(champion.milliseconds, LEAST_MS)
            yield from _time(model, limit, _of_champion("max_predict_ratio", budgets.predict_ratio))


def _size(model: Cost, limit: int, allows: str) -> Iterator[Finding]:
    if model.size_bytes is None:
        yield _unmeasured("size of the model")
    elif not model.size_bytes <= limit:
        reason = f"Its model folder has {model.size_bytes:,} bytes; {allows} {limit:,}."
        yield Finding(verdict=Verdict.REJECT, reason=reason)


def _time(model: Cost, limit: float, allows: str) -> Iterator[Finding]:
    median, low = model.milliseconds, model.milliseconds_low
    if median is None or low is None:
        yield _unmeasured("time of predict")
    elif not median <= limit:
        time, least, most = figures(median, low, limit)
        reason = (
            f"Its predict takes {time} ms longer for 1,000 rows than for 1 row (the median; the "
            f"least measured time is {least} ms); {allows} {most} ms."
        )
        # A single slow call may be the machine's fault; all of them are not.
        shown = not low <= limit
        yield Finding(verdict=Verdict.REJECT if shown else Verdict.INCONCLUSIVE, reason=reason)


def _of_champion(key: str, ratio: float) -> str:
    return f"`{key}` of {figure(ratio)} times the champion's allows"


def _unmeasured(noun: str) -> Finding:
    reason = f"The {noun} was not measured, so that its budget cannot be checked. Train again."
    return Finding(verdict=Verdict.REJECT, reason=reason)
