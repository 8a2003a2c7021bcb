"""The benchmark's table is made from numbers, and our contender runs the measured work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.endurance import recovery
from benchmarks.table import FLOOR, OBVIOUS, OURS, POLLED, render


def test_the_table_shows_medians_ratios_and_aims() -> None:
    samples = {
        FLOOR: {"chain 10": [2.0]},
        OURS: {"chain 10": [9.0, 5.0, 4.0], "per second": [600.0]},
        POLLED: {"chain 10": [6.0], "per second": [150.0]},
        OBVIOUS: {"chain 10": [20.0], "per second": [100.0]},
    }

    lines = render(samples, ("chain 10", "per second")).splitlines()

    chain = "| chain 10 | 2.0 | 5.0 | 6.0 | 20.0 | x 2.50 | x 0.25 |"
    assert lines[2] == f"{chain} ≤ x 0.4 obvious host: x 0.30 ✓ |"
    rate = "| per second | - | 600 | 150 | 100 |  | x 6.00 |"
    assert lines[3] == f"{rate} ≥ x 2 obvious host: x 1.50 ✗ |"


@pytest.mark.parametrize("contender", ["local_host", "local_host_polled", "obvious_host"])
def test_a_contender_measures_what_it_says(tmp_path: Path, contender: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.contenders.{contender}", str(tmp_path)]
    done = subprocess.run(
        [*command, "fan 100", "signal"], capture_output=True, text=True, timeout=600, check=True
    )

    measured = json.loads(done.stdout.splitlines()[-1])

    assert {row: len(values) for row, values in measured.items()} == {"fan 100": 5, "signal": 10}


def test_a_killed_host_finishes_without_repeating_a_stored_step(tmp_path: Path) -> None:
    assert recovery(tmp_path, count=20)["finished steps run again"] == 0
