"""Measures the delay and the false alarms of the sequential test for drift.

python -m benchmarks.drift (fixed seed, about two minutes).
"""

from __future__ import annotations

import numpy as np

from function_app.domain.drift.drift import Block, add_batch, weigh
from function_app.domain.drift.observations import (
    ObservationBatch,
    Reference,
    Watched,
    count_column,
    describe_column,
)

COLUMNS, ALPHA, STREAMS, STEP, LONGEST = 10, 0.01, 60, 50, 10_000
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)


def found_after(rng: np.random.Generator, training_rows: int, shift: float, peace: int) -> float:
    """Return the number of rows until a shift of one column was detected, else infinity."""
    rows = rng.normal(size=(training_rows, COLUMNS))
    described = [describe_column(f"x{i}", rows[:, i]) for i in range(COLUMNS)]
    columns = tuple(column for column in described if column is not None)
    known = Reference(watched=WATCHED, target="Y", columns=columns)
    blocks: tuple[Block, ...] = ()
    seen = -peace
    while seen < LONGEST:
        fresh = rng.normal(size=(STEP, COLUMNS))
        fresh[:, 0] += shift if seen >= 0 else 0.0
        counts = {c.name: count_column(c, fresh[:, i]) for i, c in enumerate(columns)}
        blocks = add_batch(blocks, ObservationBatch(cursor="", rows=STEP, columns=counts))
        seen += STEP
        if weigh(known, blocks, ALPHA).drifted:
            return float(seen) if seen > 0 else float("nan")
    return float("inf")


def main() -> None:
    """Print the table."""
    print(f"| training rows | shift (sd) | rows before it | half found | 9 of 10 | in {LONGEST} |")
    print("|---|---|---|---|---|---|")
    for training_rows in (442, 5000, 50_000):
        for shift, peace in ((0.0, 0), (0.25, 0), (0.5, 0), (0.5, 5000), (1.0, 0), (2.0, 0)):
            rng = np.random.default_rng(0)
            rows = [found_after(rng, training_rows, shift, peace) for _ in range(STREAMS)]
            half, most = (_quantile(rows, share) for share in (0.5, 0.9))
            share = np.mean(np.isfinite(rows))
            print(f"| {training_rows} | {shift} | {peace} | {half} | {most} | {share:.0%} |")


def _quantile(rows: list[float], share: float) -> str:
    value = sorted(rows)[int(np.ceil(share * len(rows))) - 1]
    return f"{value:.0f}" if np.isfinite(value) else "-"


if __name__ == "__main__":
    main()
