"""`make bench-data-check`: false alarms and detection of the comparison with reference data.

python -m benchmarks.data_check [--worlds N]: the seed is fixed. Bounds are those of Wilson (1927).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import numpy as np
from scipy.stats import binomtest

from benchmarks.data_check.faults import FAULTS
from platform_jobs.checking.compare import compare
from platform_jobs.checking.findings import ALPHA, Finding, Severity
from platform_jobs.checking.samples import sample_of
from training.sample import NAMES, Rows, load_population

SIZES, DETECTED_AT, SEED = (100, 200, 442, 1000), 442, 7
TARGET = NAMES[-1]


def found(reference: Rows, rows: Rows) -> tuple[Finding, ...]:
    """Return the findings of the data check about rows of shape (rows, columns)."""
    return compare(sample_of(NAMES, reference), sample_of(NAMES, rows), TARGET).findings


def halves(rng: np.random.Generator, rows: Rows, size: int) -> tuple[Rows, Rows]:
    """Return two disjoint samples of the real rows, at most half of them each."""
    order = rng.permutation(len(rows))
    size = min(size, len(rows) // 2)
    return rows[order[:size]], rows[order[size : 2 * size]]


def main(arguments: list[str]) -> int:
    """Print both tables; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_check")
    parser.add_argument("--worlds", type=int, default=1000, help="samples of each row")
    worlds = parser.parse_args(arguments).worlds
    population, rng = load_population(), np.random.default_rng(SEED)
    missed, begun = 0, time.process_time()
    print(f"Goal: at most {ALPHA:.0%} false alarms of all tests together.\n")
    print("| samples | rows | false alarms | 95 % interval | faults | most frequent | |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("generator", "halves"):
        for size in SIZES:
            if kind == "halves" and 2 * size > len(population.rows):
                continue
            alarms, faults, kinds = 0, 0, Counter[str]()
            for _ in range(worlds):
                if kind == "halves":
                    before, now = halves(rng, population.rows, size)
                else:
                    before, now = (population.draw(rng, size) for _ in range(2))
                seen = [f for f in found(before, now) if f.severity is not Severity.NOTE]
                alarms += bool(seen)
                faults += any(f.severity is Severity.FAULT for f in seen)
                kinds.update({f.kind for f in seen})
            low, high = interval(alarms, worlds)
            missed += low > ALPHA
            often = ", ".join(f"{name} {count}" for name, count in kinds.most_common(2))
            print(
                f"| {kind} | {size} | {alarms / worlds:.2%} | {low:.2%} to {high:.2%} | {faults} | "
                f"{often} | {'MISSED' if low > ALPHA else ''} |",
                flush=True,
            )
    print(f"\nDetection at {DETECTED_AT} rows.\n")
    print("| fault | found | 95 % interval | refused as a fault | goal | |")
    print("|---|---|---|---|---|---|")
    for name, (plant, goal) in FAULTS.items():
        hits, refused = 0, 0
        for _ in range(worlds):
            before, now = (population.draw(rng, DETECTED_AT) for _ in range(2))
            findings = found(before, plant(rng, now))
            hits += bool(findings)
            refused += any(f.severity is Severity.FAULT for f in findings)
        low, high = interval(hits, worlds)
        missed += high < goal
        print(
            f"| {name} | {hits / worlds:.1%} | {low:.1%} to {high:.1%} | {refused / worlds:.1%} | "
            f"{goal:.0%} | {'MISSED' if high < goal else ''} |",
            flush=True,
        )
    seconds = time.process_time() - begun
    print(f"\n{worlds} worlds a row, {seconds:.0f} s of CPU. Goals missed: {missed}.")
    return 1 if missed else 0


def interval(hits: int, worlds: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    bounds = binomtest(hits, worlds).proportion_ci(0.95, method="wilson")
    return float(bounds.low), float(bounds.high)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
