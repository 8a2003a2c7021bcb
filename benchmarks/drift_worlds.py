"""Streams of requests with a known truth, for drift.py: independent rows, and traffic that is not.

All of them draw four columns like the training data; a stream is fair when nothing has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from function_app.domain.drift.clusters import Memory, count_units, total_columns
from function_app.domain.drift.drift import Block, add_batch, allowed_error, weigh
from function_app.domain.drift.joint import describe_joint
from function_app.domain.drift.observations import (
    ObservationBatch,
    Reference,
    Watched,
    count_column,
    describe_column,
    describe_errors,
    sum_labels,
)
from function_app.domain.drift.prediction_lines import LoggedPrediction
from function_app.domain.drift.retraining import (
    DriftPolicy,
    DriftState,
    Verdict,
    add,
    follow,
    judge,
    restart,
)

Rows = npt.NDArray[np.float64]
DAY, START = 86_400.0, datetime(2026, 1, 5, tzinfo=UTC).timestamp()
LABELS_AT_ONCE = 20
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d1", model_uri="u"
)


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one row each, or all rows as one request; times are seconds since START."""

    rows: Rows
    times: Rows
    callers: tuple[str, ...] = ()
    as_one: bool = False


Stream = Callable[[np.random.Generator, int, int, int], Iterator[Requests]]


def independent(
    rng: np.random.Generator, per_day: int, days: int, columns: int
) -> Iterator[Requests]:
    """Yield single rows."""
    for day in range(days):
        yield Requests(rng.normal(size=(per_day, columns)), _times(rng, per_day, day))


def shifted(shift: float, callers: int = 1) -> Stream:
    """Return a stream of independent rows whose first column moved by so many deviations."""

    def stream(
        rng: np.random.Generator, per_day: int, days: int, columns: int
    ) -> Iterator[Requests]:
        for day in range(days):
            rows = rng.normal(size=(per_day, columns))
            rows[:, 0] += shift
            names = tuple(f"c{n}" for n in rng.integers(0, callers, per_day))
            yield Requests(rows, _times(rng, per_day, day), names)

    return stream


def wrong_unit(factor: float) -> Stream:
    """Return a stream with one request of 100 rows whose first column has a wrong unit."""

    def stream(
        rng: np.random.Generator, per_day: int, days: int, columns: int
    ) -> Iterator[Requests]:
        for requests in independent(rng, per_day, days, columns):
            yield requests
            if requests.times[0] < DAY:
                rows = rng.normal(size=(100, columns))
                rows[:, 0] = rows[:, 0] * factor + factor / 5
                yield Requests(rows, np.full(100, DAY - 1), as_one=True)

    return stream


def load_test(
    rng: np.random.Generator, per_day: int, days: int, columns: int
) -> Iterator[Requests]:
    """Yield single rows, and on the first day 500 equal ones, each a request."""
    for requests in independent(rng, per_day, days, columns):
        yield requests
        if requests.times[0] < DAY:
            rows = np.tile(rng.normal(size=(1, columns)), (500, 1))
            yield Requests(rows, DAY - 600 + np.arange(500.0))


def ten_times(
    rng: np.random.Generator, per_day: int, days: int, columns: int
) -> Iterator[Requests]:
    """Yield rows of users of which each sends its row ten times, a minute apart."""
    for day in range(days):
        users = per_day // 10
        rows = np.repeat(rng.normal(size=(users, columns)), 10, axis=0)
        times = np.repeat(_times(rng, users, day), 10) + np.tile(60.0 * np.arange(10), users)
        yield _in_order(rows, times)


def day_and_night(
    rng: np.random.Generator, per_day: int, days: int, columns: int
) -> Iterator[Requests]:
    """Yield rows whose first column is low by day and high by night; both together are fair."""
    for day in range(days):
        rows, times = rng.normal(size=(per_day, columns)), _times(rng, per_day, day)
        hours = times % DAY / 3600
        is_day = (hours >= 8) & (hours < 20)
        rows[:, 0] = rows[:, 0] * 0.6 + np.where(is_day, -0.8, 0.8)
        yield Requests(rows, times)


def one_client(
    rng: np.random.Generator, per_day: int, days: int, columns: int
) -> Iterator[Requests]:
    """Yield rows of which a fifth are one row of one client."""
    row = rng.normal(size=columns)
    for requests in independent(rng, per_day, days, columns):
        requests.rows[rng.random(per_day) < 0.2] = row
        yield requests


def autoregressive(correlation: float) -> Stream:
    """Return a stream whose columns are autoregressive of order 1, with the fair marginal."""

    def stream(
        rng: np.random.Generator, per_day: int, days: int, columns: int
    ) -> Iterator[Requests]:
        last = rng.normal(size=columns)
        for day in range(days):
            noise = rng.normal(size=(per_day, columns)) * np.sqrt(1 - correlation**2)
            rows = np.empty((per_day, columns))
            for index in range(per_day):
                last = correlation * last + noise[index]
                rows[index] = last
            yield Requests(rows, _times(rng, per_day, day))

    return stream


def grouped(stream: Stream, size: int) -> Stream:
    """Return the stream with `size` consecutive rows as one request."""

    def requests(
        rng: np.random.Generator, per_day: int, days: int, columns: int
    ) -> Iterator[Requests]:
        for single in stream(rng, per_day, days, columns):
            if size == 1:
                yield single
                continue
            for begin in range(0, per_day, size):
                rows = single.rows[begin : begin + size]
                yield Requests(rows, np.full(len(rows), single.times[begin]), as_one=True)

    return requests


def alike(rng: np.random.Generator, per_day: int, days: int, columns: int) -> Iterator[Requests]:
    """Yield requests of 20 rows that have nine tenths of their variance in common."""
    for day in range(days):
        for at in _times(rng, per_day // 20, day):
            common, own = rng.normal(size=columns), rng.normal(size=(20, columns))
            rows = np.sqrt(0.9) * common + np.sqrt(0.1) * own
            yield Requests(rows, np.full(20, at), as_one=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows until the first suspicion and until the retraining, else None."""

    suspected: int | None
    retrained: int | None


def describe(rows: Rows) -> Reference:
    """Return the reference of these training rows."""
    names = tuple(f"x{index}" for index in range(rows.shape[1]))
    columns = [describe_column(name, rows[:, i]) for i, name in enumerate(names)]
    joint = describe_joint(names, [list(map(float, rows[:, i])) for i in range(rows.shape[1])])
    if joint is not None:
        columns.append(joint[1])
    return Reference(
        watched=WATCHED,
        target="Y",
        columns=tuple(column for column in columns if column is not None),
        features=names,
        joint=joint[0] if joint else None,
    )


def fooling_training(rng: np.random.Generator, stream: Stream, rows: int, columns: int) -> Rows:
    """Return training rows with the stream's own fair distribution."""
    if stream is day_and_night:
        return np.concatenate([r.rows for r in day_and_night(rng, rows, 1, columns)])
    return rng.normal(size=(rows, columns))


def watch(reference: Reference, stream: Iterator[Requests], policy: DriftPolicy,
          looks_per_day: int) -> Outcome:  # fmt: skip
    """Return the outcome of the test as it is; `looks_per_day` comparisons are made a day."""
    names, memory = reference.features, Memory()
    state: DriftState = restart(None, WATCHED.digest, _time(0))
    suspected, seen = None, 0
    pause = DAY / looks_per_day
    for look, requests in _looks(stream, pause):
        now = _time((look + 1) * pause)
        logged = [p for r in requests for p in _logged(r, names)]
        seen += sum(len(r.rows) for r in requests)
        counted = count_units(reference, logged, policy.rows_per_request, memory)
        memory = counted.memory
        batch = ObservationBatch(
            cursor="",
            rows=sum(part.rows for part in counted.parts),
            columns=total_columns(counted.parts),
            parts=counted.parts,
            repeated=counted.repeated,
            out_of_range=counted.out_of_range,
        )
        state = add(state, batch, policy)
        evidence = weigh(reference, state.blocks, policy.alpha)
        state = follow(state, evidence, policy, now)
        judged = judge(state, evidence, reference, "d2", policy, now)
        if judged.verdict is not Verdict.QUIET and suspected is None:
            suspected = seen
        if judged.verdict is Verdict.RETRAIN:
            return Outcome(suspected, seen)
        if judged.verdict is Verdict.UNCONFIRMED:
            state = restart(state, WATCHED.digest, now)
    return Outcome(suspected, None)


def watch_labels(
    rng: np.random.Generator,
    held_out: int,
    factor: float,
    peace: int,
    most: int,
    policy: DriftPolicy,
) -> int | None:
    """Return the labels until the test of labels reports drift, None within `most` labels.

    Errors are normal. Labels come 20 at a time; after `peace` of them the mean squared error is
    `factor` times that of the `held_out` rows. The count begins at the change: an alarm before it
    counts as 0 labels.
    """
    errors = describe_errors(rng.normal(size=held_out), np.zeros(held_out))
    reference = Reference(watched=WATCHED, target="Y", columns=(), errors=errors)
    state: DriftState = restart(None, WATCHED.digest, _time(0))
    for seen in range(0, peace + most, LABELS_AT_ONCE):
        scale = np.sqrt(factor) if seen >= peace else 1.0
        squares = rng.normal(scale=scale, size=(LABELS_AT_ONCE, 1)) ** 2
        allowed = allowed_error(reference, policy.label_margin, policy.alpha, state.early)
        labels = sum_labels(squares, allowed or math.inf)
        state = add(state, ObservationBatch(cursor="", columns={}, labels=labels), policy)
        if weigh(reference, state.blocks, policy.alpha).drifted:
            return max(0, seen + LABELS_AT_ONCE - peace)
    return None


def watch_rows(reference: Reference, stream: Iterator[Requests], alpha: float, min_rows: int,
               looks_per_day: int) -> Outcome:  # fmt: skip
    """Return the outcome of the former test: each row is a unit, and evidence is an alarm."""
    known = Reference(
        watched=WATCHED,
        target="Y",
        columns=tuple(
            replace(c, mean_rank=None) for c in reference.columns if c.name in reference.features
        ),
    )
    blocks: tuple[Block, ...] = ()
    seen = 0
    for _, requests in _looks(stream, DAY / looks_per_day):
        rows = np.concatenate([r.rows for r in requests])
        seen += len(rows)
        counts = {c.name: count_column(c, rows[:, i]) for i, c in enumerate(known.columns)}
        blocks = add_batch(blocks, ObservationBatch(cursor="", rows=len(rows), columns=counts))
        if weigh(known, blocks, alpha).drifted and seen >= min_rows:
            return Outcome(seen, seen)
    return Outcome(None, None)


def _looks(stream: Iterator[Requests], pause: float) -> Iterator[tuple[int, list[Requests]]]:
    """Yield the requests of each comparison, in the order of time, with its number."""
    waiting: dict[int, list[Requests]] = {}
    newest = 0
    for requests in stream:
        first = int(requests.times[0] // DAY * DAY // pause)
        for look in [look for look in sorted(waiting) if look < first]:
            yield look, waiting.pop(look)
        numbers = (requests.times // pause).astype(int)
        for number in np.unique(numbers):
            mine = numbers == number
            names = tuple(n for n, m in zip(requests.callers, mine, strict=False) if m)
            part = Requests(requests.rows[mine], requests.times[mine], names, requests.as_one)
            waiting.setdefault(int(number), []).append(part)
            newest = max(newest, int(number))
    for look in sorted(waiting):
        yield look, waiting[look]


def _logged(requests: Requests, names: tuple[str, ...]) -> Iterator[LoggedPrediction]:
    rows = [tuple(row) for row in requests.rows.tolist()]
    callers = requests.callers or ("primary",) * len(rows)
    if requests.as_one:
        yield _line(requests.times[0], callers[0], names, tuple(rows))
        return
    for row, at, caller in zip(rows, requests.times.tolist(), callers, strict=True):
        yield _line(at, caller, names, (row,))


def _line(
    at: float, caller: str, names: tuple[str, ...], rows: tuple[tuple[float, ...], ...]
) -> LoggedPrediction:
    return LoggedPrediction(
        prediction_id="p",
        image=WATCHED.digest,
        at=START + float(at),
        caller=caller,
        columns=names,
        inputs=rows,
        outputs=(0.0,) * len(rows),
    )


def _times(rng: np.random.Generator, rows: int, day: int) -> Rows:
    return np.asarray(DAY * day + np.sort(rng.random(rows)) * DAY)


def _in_order(rows: Rows, times: Rows) -> Requests:
    order = np.argsort(times, kind="stable")
    return Requests(rows[order], times[order])


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)
