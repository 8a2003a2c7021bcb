"""Measures the test for drift on streams with a known truth, before and after clusters of requests.

python -m benchmarks.drift [WORLDS] (fixed seeds; 100 worlds take about ten minutes). "Rows" is the
former test: each row is a unit and evidence is an alarm. "Now" is the test of the app as it is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import drift_worlds as worlds
from benchmarks.drift_worlds import Outcome, Requests, Stream
from function_app.domain.drift.retraining import DriftPolicy

COLUMNS, TRAINING_ROWS = 4, 442
POLICY = DriftPolicy()


@dataclass(frozen=True, slots=True)
class Traffic:
    """The number of rows a day, the days, and the comparisons a day."""

    per_day: int = 1000
    days: int = 7
    looks: int = 6


FOOLING: dict[str, Stream] = {
    "one request with 100 rows in a wrong unit (x 10)": worlds.wrong_unit(10.0),
    "the same, in range (x 2)": worlds.wrong_unit(2.0),
    "a load test with 500 equal rows": worlds.load_test,
    "each user sends a row ten times": worlds.ten_times,
    "day and night with different values": worlds.day_and_night,
    "a client with 20 % of the traffic and one row": worlds.one_client,
}
AUTOREGRESSIVE = worlds.autoregressive(0.99)


def outcomes(
    stream: Stream,
    count: int,
    traffic: Traffic,
    columns: int = COLUMNS,
    policy: DriftPolicy = POLICY,
) -> tuple[list[Outcome], list[Outcome]]:
    """Return the outcomes of the former test and of the present one, in `count` worlds."""
    before, now = [], []
    for world in range(count):

        def requests(world: int = world) -> Iterator[Requests]:
            rng = np.random.default_rng([world, 1])
            return stream(rng, traffic.per_day, traffic.days, columns)

        rng = np.random.default_rng([world, 0])
        rows = worlds.fooling_training(rng, stream, TRAINING_ROWS, columns)
        reference = worlds.describe(rows)
        looks = traffic.looks
        before.append(
            worlds.watch_rows(reference, requests(), policy.alpha, policy.min_rows, looks)
        )
        now.append(worlds.watch(reference, requests(), policy, looks))
    return before, now


def false_alarms(count: int) -> Iterator[str]:
    """Yield a table of streams in which nothing has changed."""
    yield f"| {count} worlds, nothing has changed | rows: alarms | now: suspicions | retrainings |"
    yield "|---|---|---|---|"
    week, slow = Traffic(), Traffic(per_day=100, days=30, looks=4)
    cases = [(name, stream, week) for name, stream in FOOLING.items()]
    cases += [("AR(1) 0.99, 1,000 rows a day", AUTOREGRESSIVE, week)]
    cases += [("AR(1) 0.99, 100 rows a day", AUTOREGRESSIVE, slow)]
    cases += [("requests of 20 rows that resemble each other", worlds.alike, week)]
    cases += [("independent rows, 1,000 a day", worlds.independent, Traffic(days=20))]
    for name, stream, traffic in cases:
        before, now = outcomes(stream, count, traffic)
        figures = (_share(before, "retrained"), _share(now, "suspected"), _share(now, "retrained"))
        yield f"| {name} | {' | '.join(figures)} |"


def delays(count: int) -> Iterator[str]:
    """Yield a table of the delay until a shift of one of ten columns is found."""
    yield f"| shift (sd), {count} worlds, half of them | rows: alarm | now: suspicion | ratio |"
    yield "|---|---|---|---|"
    for shift, traffic in (
        (0.25, Traffic(per_day=5000, days=12, looks=5)),
        (0.5, Traffic(per_day=1000, days=8, looks=40)),
        (1.0, Traffic(per_day=1000, days=4, looks=40)),
    ):
        before, now = outcomes(worlds.shifted(shift), count, traffic, 10)
        old, new = _median(before, "retrained"), _median(now, "suspected")
        yield f"| {shift} | {old:.0f} | {new:.0f} | {new / old:.2f} |"
    yield ""
    yield "| shift (sd), rows a day, callers | retraining in half of the worlds after days | rows |"
    yield "|---|---|---|"
    for shift, per_day, callers in (
        (1.0, 100, 1), (1.0, 1000, 1), (1.0, 1000, 2), (1.0, 1000, 5), (0.5, 1000, 1),
        (0.5, 1000, 2), (0.5, 1000, 5),
    ):  # fmt: skip
        traffic = Traffic(per_day=per_day, days=20, looks=4)
        _, now = outcomes(worlds.shifted(shift, callers), count, traffic, 10)
        rows = _median(now, "retrained")
        yield f"| {shift}, {per_day}, {callers} | {rows / per_day:.1f} | {rows:.0f} |"


def requests_of_rows(count: int) -> Iterator[str]:
    """Yield a table of the cost of one unit for each request, where its rows are independent."""
    yield "| rows of a request, shift 1 sd | rows: half found after | now: after | ratio |"
    yield "|---|---|---|---|"
    for size in (1, 10, 100):
        traffic = Traffic(per_day=1000 * size, days=3, looks=100)
        before, now = outcomes(worlds.grouped(worlds.shifted(1.0), size), count, traffic, 10)
        old, new = _median(before, "retrained"), _median(now, "suspected")
        yield f"| {size} | {old:.0f} | {new:.0f} | {new / old:.1f} |"


def labels(count: int) -> Iterator[str]:
    """Yield a table of the power of the test of labels."""
    yield f"| held-out rows, labels before the change, mse x, {count} worlds | found | median |"
    yield "|---|---|---|"
    for held_out in (89, 442):
        for peace in (0, 1000):
            for factor in (1.0, 1.25, 1.5, 2.0, 3.0):
                counts = [
                    worlds.watch_labels(
                        np.random.default_rng([world, held_out, peace]),
                        *(held_out, factor, peace, 5000, POLICY),
                    )
                    for world in range(count)
                ]
                known = [math.inf if each is None else each for each in counts]
                median = np.quantile(known, 0.5, method="lower")
                share = sum(each is not None for each in counts) / count
                yield f"| {held_out}, {peace}, {factor} | {share:.0%} | {median:.0f} labels |"


def main() -> None:
    """Print the tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for table in (false_alarms, delays, requests_of_rows, labels):
        for line in table(max(1, count // 4) if table in (delays, requests_of_rows) else count):
            print(line, flush=True)
        print()


def _share(results: list[Outcome], field: str) -> str:
    return f"{sum(getattr(outcome, field) is not None for outcome in results)}"


def _median(results: list[Outcome], field: str) -> float:
    values = [getattr(outcome, field) for outcome in results]
    return float(np.quantile([np.inf if v is None else v for v in values], 0.5, method="lower"))


if __name__ == "__main__":
    main()
