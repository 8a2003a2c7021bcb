"""The benchmark's table is made from numbers, and our contender does what it measures."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.endurance import recovery
from benchmarks.table import FLOOR, OURS, render


def test_the_table_shows_medians_ratios_and_aims() -> None:
    samples = {
        FLOOR: {"chain 10": [2.0]},
        OURS: {"chain 10": [9.0, 5.0, 4.0], "per second": [600.0]},
        "peer": {"chain 10": [20.0], "per second": [100.0]},
    }

    lines = render(samples, ("chain 10", "per second")).splitlines()

    assert lines[2] == "| chain 10 | 2.0 | 5.0 | 20.0 | x 2.50 | x 0.25 | ≤ 10 ✓ |"
    assert lines[3] == "| per second | - | 600 | 100 |  | x 6.00 | ≥ 700 ✗ |"


def test_our_contender_measures_what_it_says(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.contenders.local_host", str(tmp_path)]
    done = subprocess.run(
        [*command, "fan 100", "signal"], capture_output=True, text=True, timeout=600, check=True
    )

    measured = json.loads(done.stdout.splitlines()[-1])

    assert {row: len(values) for row, values in measured.items()} == {"fan 100": 5, "signal": 10}


def test_a_killed_host_finishes_without_repeating_a_stored_step(tmp_path: Path) -> None:
    assert recovery(tmp_path, count=20)["finished steps run again"] == 0
