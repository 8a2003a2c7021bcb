"""`make bench`: every contender in its own process, round by round, then one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.endurance import recovery, waiting
from benchmarks.measure import ROWS
from benchmarks.table import DBOS, FLOOR, HTTP_FLOOR, LIBRARIES, OBVIOUS, OURS, POLLED, render

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench"
CONTENDERS = {
    FLOOR: ("sqlite_floor", False),
    HTTP_FLOOR: ("http_floor", False),
    LIBRARIES: ("libraries_floor", False),
    "SDK replay, not stored": ("replay_floor", False),
    OURS: ("local_host", False),
    POLLED: ("local_host_polled", False),
    OBVIOUS: ("obvious_host", False),
    DBOS: ("dbos_sqlite", True),
    "durabletask in memory": ("durabletask_memory", True),
    "Prefect": ("prefect_local", True),
}
TIME_LIMIT = 240  # seconds for one contender's round


def main() -> int:
    """Measure, print the table and keep the samples."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rows", help=f"some of: {', '.join(ROWS)}")
    parser.add_argument("--contenders", help=f"some of: {', '.join(CONTENDERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-endurance", action="store_true")
    arguments = parser.parse_args()
    rows = tuple(arguments.rows.split(",")) if arguments.rows else ROWS
    names = arguments.contenders.split(",") if arguments.contenders else list(CONTENDERS)
    samples: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for number in range(arguments.rounds):
        # The contenders take turns, so that a slow moment of the machine affects all of them.
        for name in names:
            if name == "Prefect" and number:
                continue
            for row, values in _measure(name, rows).items():
                samples[name].setdefault(row, []).extend(values)
    print(render(samples, rows))
    document = {"machine": _machine(), "samples": samples}
    if not arguments.without_endurance:
        with tempfile.TemporaryDirectory() as folder:
            for part in (waiting, recovery):
                figures = part(Path(folder))
                document[part.__name__] = figures
                said = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
                print(f"{part.__name__}: {said}")
    (ROOT / "benchmarks" / "results.json").write_text(json.dumps(document, indent=1))
    return 0


def _measure(name: str, rows: tuple[str, ...]) -> dict[str, list[float]]:
    module, is_peer = CONTENDERS[name]
    python = PEERS / "bin" / "python" if is_peer else Path(sys.executable)
    if not python.exists():
        print(f"{name}: not installed", file=sys.stderr)
        return {}
    folder = tempfile.mkdtemp()
    command = [str(python), "-m", f"benchmarks.contenders.{module}", folder, *rows]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=TIME_LIMIT
        )
        measured: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        print(f"{name}: no result ({type(error).__name__})", file=sys.stderr)
        return {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return measured


def _machine() -> dict[str, str | int | None]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "os": platform.system()}


if __name__ == "__main__":
    sys.exit(main())
