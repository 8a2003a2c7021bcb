"""`make bench-gates`: how often does the gate promote noise, and how often a better model?

Each figure is that of a simulation whose truth is known, beside the rule of MLOpsPython and that of
version 0.1.0 on the same streams. The intervals are exact (95 %, Clopper and Pearson). The exit
status is 0, also when goals are missed: the table says which.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gates.errors import MODES, count_gains, count_slices
from benchmarks.gates.files import Pool, make_pool
from benchmarks.gates.models import ridge
from benchmarks.gates.population import Rows, draw_rows
from benchmarks.gates.report import Goal, Line, Share, least, missed, most, share_line, table
from benchmarks.gates.rules import PRODUCT
from benchmarks.gates.trees import GROWING, run_trees
from benchmarks.gates.worlds import STREAMS, TWICE, Count, run_stream

ROOT = Path(__file__).parents[2]
LOOKS = 1000
GOALS_OF_POWER = {(442, 0.2): 0.65, (442, 0.3): 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The extent of a run."""

    truth: int = 20_000
    pool: int = 60_000
    worlds: int = 60
    split_worlds: int = 5
    nights: int = LOOKS
    trees: int = 100
    worse: int = 1_000
    tries: int = 200
    rows: int = 250_000
    processes: int = 2


QUICK = Size(
    truth=2_000,
    pool=2_000,
    worlds=1,
    split_worlds=1,
    nights=5,
    trees=2,
    worse=3,
    tries=3,
    rows=2_000,
)


def main(words: list[str] | None = None) -> int:
    """Print the table and the goals that are missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.gates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds, for a test: no figures")
    parser.add_argument("--worlds", type=int, default=Size().worlds)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(words)
    size = QUICK if given.quick else Size(worlds=given.worlds)
    begun = time.process_time()
    rng = np.random.default_rng(given.seed)
    truth = draw_rows(rng, size.truth)
    pool = make_pool(draw_rows(rng, size.pool))
    fitted = ridge(pool, np.arange(min(442, size.pool)), truth).true_loss
    print(f"Ridge on 442 rows: mse {fitted:.0f}; variance of Y {truth.target.var():.0f}.")
    lines = []
    for line in _lines(pool, truth, size, given.seed, rng):
        lines.append(line)
        print(f"{time.process_time() - begun:.0f} s: {line.figure}", file=sys.stderr)
    print(table(lines))
    print(f"Goals missed: {'; '.join(missed(lines)) or 'none'}.")
    return 0


def _lines(
    pool: Pool, truth: Rows, size: Size, seed: int, rng: np.random.Generator
) -> Iterator[Line]:
    yield from _streams(pool, truth, size, seed)
    for case in (TWICE, GROWING):
        counts = run_trees(case, pool, truth, size.trees, seed)
        promoted = {n: Share(hits=c.promoted, tries=c.tries) for n, c in counts.items()}
        goal = most(0.01) if case == TWICE else None
        yield share_line(f"decision tree, {case}: promoted", promoted, PRODUCT, goal)
        biases = {name: f"{count.bias:+.0f}" for name, count in counts.items()}
        yield Line(figure=f"decision tree, {case}: measured minus true gain, mse", cells=biases)
    yield from _errors(pool.rows, size, rng)
    yield from _large(size.rows)


def _streams(pool: Pool, truth: Rows, size: Size, seed: int) -> Iterator[Line]:
    def run(name: str) -> "Future[dict[str, Count]]":
        sizes = (size.worlds, size.split_worlds, size.nights)
        return executor.submit(run_stream, name, pool, truth, *sizes, seed)

    with ProcessPoolExecutor(size.processes) as executor:
        waiting = {name: run(name) for name in STREAMS}
        for name, future in waiting.items():
            yield from _stream(name, future.result(), size.nights)


def _stream(name: str, counts: dict[str, Count], nights: int) -> Iterator[Line]:
    def shares(hits: str, tries: str) -> dict[str, Share]:
        return {
            rule: Share(hits=getattr(count, hits), tries=getattr(count, tries))
            for rule, count in counts.items()
        }

    for figure, hits, tries, goal in (
        ("promoted per retrain", "promoted", "retrains", most(0.01)),
        ("promoted per retrain though truly no better", "no_better", "retrains", None),
        (f"worlds with a promotion in {nights} nights", "worlds_promoted", "worlds", None),
        (
            f"worlds with one that is no better in {nights} nights",
            "worlds_no_better",
            "worlds",
            most(0.05),
        ),
    ):
        yield share_line(f"A/A, {name}: {figure}", shares(hits, tries), PRODUCT, goal)


def _errors(rows: Rows, size: Size, rng: np.random.Generator) -> Iterator[Line]:
    def shares(counts: dict[str, int], tries: int = size.tries) -> dict[str, Share]:
        return {name: Share(hits=hits, tries=tries) for name, hits in counts.items()}

    for mode, own in MODES.items():
        counts = count_gains(rng, rows, 442, -0.1, own, size.worse, 1)
        text = f"worse by 10 %, mode {mode}, 442 rows: promoted"
        yield share_line(text, shares(counts, size.worse), PRODUCT, most(0.0))
    for count in (89, 442, 1000):
        for named in (False, True):
            slices = count_slices(rng, rows, count, size.tries, named=named)
            kind = "named in the policy" if named else "not named"
            text = f"hidden slice twice as bad, {kind}, {count} rows: promoted"
            yield share_line(text, shares(slices), PRODUCT, most(0.01) if named else None)
    for mode, own in MODES.items():
        for count in (89, 442, 1000):
            for gain in (0.1, 0.2, 0.3):
                counts = count_gains(rng, rows, count, gain, own, size.tries, LOOKS)
                limit = GOALS_OF_POWER.get((count, gain)) if mode == "A" else None
                text = f"better by {gain:.0%}, mode {mode}, {count} rows, look {LOOKS}: promoted"
                yield share_line(text, shares(counts), PRODUCT, least(limit) if limit else None)


def _large(count: int) -> Iterator[Line]:
    command = [sys.executable, "-m", "benchmarks.gates.large", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout)
    for name, unit, limit in (("seconds", "s", 1.0), ("megabytes", "MB", 200.0)):
        yield Line(
            figure=f"comparison of {count:,} rows, {name}",
            cells={PRODUCT: f"{counts[name]:.2f} {unit}"},
            value=counts[name],
            goal=Goal(limit=limit, text=f"< {limit:g} {unit}"),
        )


if __name__ == "__main__":
    sys.exit(main())
