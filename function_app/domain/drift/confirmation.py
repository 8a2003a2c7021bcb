"""Drift is suspected first, and confirmed by other days and callers before a retraining.

The evidence of drift.py is a suspicion: a load test, a fault of one client or a night with
other users looks like drift for hours. A suspicion is confirmed when later requests show the same
columns moving in the same direction: on whole later days (UTC), so that day and night have their
shares, and also without any one caller. The confirmation is an e-process of its own that begins
after the suspicion, against the same intervals; 1/LEVEL is its threshold. It can only refuse an
alarm that drift.py would raise, so that the bound on false alarms stays.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from function_app.domain.drift.clusters import OTHERS, total_columns
from function_app.domain.drift.dependence import design_effect, rank_variance
from function_app.domain.drift.drift import LABELS, Evidence
from function_app.domain.drift.e_processes import (
    interval,
    log_mixture,
    log_rank_mixture,
    log_sum,
    mirrored,
    rank_interval,
)
from function_app.domain.drift.observations import (
    ColumnReference,
    ObservationBatch,
    Part,
    Reference,
)
from function_app.domain.text.figures import figures

# The probability of confirming a suspicion by units like the training data.
LEVEL = 0.05
# A suspicion is given up after these days, when as many rows came as it had taken.
PATIENCE_DAYS = 7
# Callers with a smaller share of the rows do not count as callers.
LEAST_SHARE = 0.05
MOST_CALLERS = 8
# Days that are kept apart; of more, the oldest two become one.
MOST_DAYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Evidence that reached its threshold on `day`, and the requests since.

    `causes` are columns with their directions; `rows` the number of rows that it took. `parts` are
    the later days, with the columns of the causes only.
    """

    day: str
    rows: int
    causes: tuple[str, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The evidence for a suspicion, and the missing parts of it as a text, "" when confirmed."""

    e_value: float
    days: int
    callers: int
    missing: str


def suspect(evidence: Evidence, rows: int, now: datetime) -> Suspicion:
    """Return the suspicion that this evidence raises."""
    return Suspicion(day=now.date().isoformat(), rows=rows, causes=strong_causes(evidence))


def strong_causes(evidence: Evidence) -> tuple[str, ...]:
    """Return the columns that reach the threshold, else the strongest, with their directions."""
    strong = [c for c in evidence.columns if c.e_value >= evidence.threshold]
    strong = strong or list(evidence.columns[:1])
    return tuple(f"{column.name} {column.direction}" for column in strong)


def add_parts(suspicion: Suspicion, batch: ObservationBatch, days: int) -> Suspicion:
    """Return the suspicion with the units of later days; with `days` 1 of the same day, too."""
    names = {cause.rpartition(" ")[0] for cause in suspicion.causes}
    parts = {(part.day, part.caller): part for part in suspicion.parts}
    for part in batch.parts:
        if part.day > suspicion.day or days == 1:
            columns = {n: counts for n, counts in part.columns.items() if n in names}
            _add(parts, replace(part, columns=columns))
    _bound(parts)
    return replace(suspicion, parts=tuple(parts[key] for key in sorted(parts)))


def count_callers(callers: dict[str, int], batch: ObservationBatch) -> dict[str, int]:
    """Return the rows of each caller since the test began; of many callers the rest is one."""
    counts = dict(callers)
    for part in batch.parts:
        known = part.caller in counts or len(counts) < MOST_CALLERS
        caller = part.caller if known else OTHERS
        counts[caller] = counts.get(caller, 0) + part.rows
    return counts


def confirm(
    reference: Reference,
    suspicion: Suspicion,
    callers: dict[str, int],
    alpha: float,
    days: int,
    needed_callers: int,
    now: datetime,
) -> Confirmation:
    """Return whether whole later days and enough callers show the suspected drift.

    `days` and `needed_callers` are the policy's. Of an installation with fewer callers, all that
    have at least LEAST_SHARE of the rows are needed, so that one caller alone suffices if it is
    the only one.
    """
    today = now.date().isoformat()
    parts = [part for part in suspicion.parts if part.day < today or days == 1]
    seen = {part.day for part in parts} - {suspicion.day}
    rows = sum(callers.values())
    known = sum(count >= LEAST_SHARE * rows for count in callers.values())
    enough = max(1, min(needed_callers, known))
    if (days == 1 and enough == 1) or suspicion.causes == (f"{LABELS} up",):
        # The evidence of the suspicion itself is enough.
        return Confirmation(e_value=1 / LEVEL, days=len(seen), callers=known, missing="")
    log = _least_evidence(reference, suspicion, parts, alpha, enough)
    e_value = math.exp(min(log, 690.0))
    missing = ""
    if len(seen) < days - 1:
        missing = f"{days - 1 - len(seen)} more whole days (UTC) of requests"
    elif e_value < 1 / LEVEL:
        without = "" if enough == 1 else f" without any {enough - 1} of its callers"
        shown, needed = figures(e_value, 1 / LEVEL)
        missing = f"the same drift in later requests{without} (e-value {shown} of {needed})"
    return Confirmation(e_value=e_value, days=len(seen), callers=known, missing=missing)


def is_given_up(suspicion: Suspicion, days: int, now: datetime) -> bool:
    """Return whether later requests had days and rows enough to confirm the suspicion."""
    end = date.fromisoformat(suspicion.day) + timedelta(days=max(PATIENCE_DAYS, 2 * days))
    return now.date() > end and sum(part.rows for part in suspicion.parts) >= suspicion.rows


def _least_evidence(
    reference: Reference,
    suspicion: Suspicion,
    parts: Sequence[Part],
    alpha: float,
    enough: int,
) -> float:
    """Return the log of the evidence after the `enough` - 1 strongest callers are left out."""
    left = {part.caller for part in parts}
    log = _log_evidence(reference, suspicion, parts, alpha)
    for _ in range(enough - 1):
        if not left:
            return 0.0
        without = {
            caller: _log_evidence(
                reference, suspicion, [p for p in parts if p.caller in left - {caller}], alpha
            )
            for caller in sorted(left)
        }
        weakest = min(without, key=lambda caller: without[caller])
        left, log = left - {weakest}, min(log, without[weakest])
    return log


def _log_evidence(
    reference: Reference, suspicion: Suspicion, parts: Iterable[Part], alpha: float
) -> float:
    columns, counts = {c.name: c for c in reference.columns}, total_columns(parts)
    level, logs = alpha / 4 / max(1, len(columns)), []
    for cause in suspicion.causes:
        name, _, direction = cause.rpartition(" ")
        column, counted = columns.get(name), counts.get(name)
        if column is None:
            continue
        if counted is None or not counted.rows:
            logs.append(0.0)
            continue
        effect = design_effect(counted.ranks, rank_variance(column))
        means = rank_interval(column, level / 2)
        logs += _edges(column, direction, counted.rows / effect,
                       [below / effect for below in counted.below],
                       level if means is None else level / 2)  # fmt: skip
        if means is not None and direction == "up":
            logs.append(log_rank_mixture(counted.ranks, effect, means[1]))
        elif means is not None:
            logs.append(log_rank_mixture(mirrored(counted.ranks), effect, 1 - means[0]))
    return log_sum(logs) - math.log(len(logs)) if logs else 0.0


def _edges(
    column: ColumnReference, direction: str, rows: float, below: Sequence[float], level: float
) -> list[float]:
    """Return the log of each edge's evidence that the column went in this direction."""
    low, high = interval(column, level)
    if direction == "up":
        return [
            log_mixture(rows - under, under, 1 - least)
            for under, least in zip(below, low, strict=True)
        ]
    return [log_mixture(under, rows - under, most) for under, most in zip(below, high, strict=True)]


def _bound(parts: dict[tuple[str, str], Part]) -> None:
    days = sorted({day for day, _ in parts})
    for older, newer in pairwise(
        days[: len(days) - MOST_DAYS + 1] if len(days) > MOST_DAYS else ()
    ):
        for key in [key for key in parts if key[0] == older]:
            _add(parts, replace(parts.pop(key), day=newer))


def _add(parts: dict[tuple[str, str], Part], part: Part) -> None:
    callers = {caller for _, caller in parts}
    if part.caller not in callers and len(callers) >= MOST_CALLERS:
        part = replace(part, caller=OTHERS)
    key = (part.day, part.caller)
    before = parts.get(key)
    if before is None:
        parts[key] = part
        return
    columns = total_columns((before, part))
    parts[key] = replace(before, rows=before.rows + part.rows, columns=columns)
