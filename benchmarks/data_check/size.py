"""`python -m benchmarks.data_check.size`: time and memory of the preparation of a large file.

It prepares a generated file as the platform does, in a child process, with reference data of the
same size: reading, check, split and the folders of rows. Without another --rows the file has those
of the goal.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from function_app.adapters.parts import Part, pack

COLUMNS, SECONDS, MEBIBYTES = 50, 20.0, 1430.0  # 1.5 GB
MIB = 1 << 20
PARTS = 10
ROOT = Path(__file__).parents[2]


def generate(rows: int, columns: int, seed: int) -> pa.Table:
    """Return a table of correlated normal numbers with 6 decimals, the target last."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=rows)
    arrays = [np.round(0.3 * shared + rng.normal(size=rows), 6) for _ in range(columns - 1)]
    target = np.round(sum(arrays[:5]) + rng.normal(size=rows), 6)
    return pa.table([*arrays, target], names=[*(f"x{n}" for n in range(columns - 1)), "Y"])


def write_parts(table: pa.Table, path: Path) -> None:
    """Write the version that the app makes of a folder of parts."""

    def part(number: int) -> Part:
        low = table.num_rows * number // PARTS
        rows = table.num_rows * (number + 1) // PARTS - low

        def write(out: IO[bytes]) -> None:
            pa.csv.write_csv(table.slice(low, rows), pa.PythonFile(out, "w"))

        return f"part-{number:05}.csv", write

    with path.open("wb") as out:
        pack(map(part, range(PARTS)), out)


WRITERS = {"csv": pa.csv.write_csv, "parquet": pa.parquet.write_table, "parts": write_parts}


def measure(data: Path, reference: Path, out: Path, folds: int) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and the peak memory in MiB of one preparation."""
    words = ["--data", data, "--reference", reference, "--target", "Y", "--key", "m", "--out", out]
    command = [sys.executable, "-m", "platform_jobs", "prepare", *map(str, words)]
    begun = time.perf_counter()
    child = subprocess.Popen([*command, "--folds", str(folds)], cwd=ROOT)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"prepare ended with {child.returncode}")
    if refused := json.loads((out / "prepared.json").read_text())["refused"]:
        raise SystemExit(f"prepare refused the file: {refused}")
    # Linux counts in KiB.
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Print the table; return 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_check.size")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--form", choices=tuple(WRITERS), nargs="+", default=list(WRITERS))
    parser.add_argument("--folds", type=int, nargs="+", default=[1])
    given, missed = parser.parse_args(arguments), 0
    print(f"Goal: {COLUMNS} columns, < {SECONDS:g} s and < {MEBIBYTES:.0f} MiB (1.5 GB).\n")
    print("| rows | form | MiB | folds | seconds | CPU seconds | peak MiB | |")
    print("|---:|---|---:|---:|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            for form in given.form:
                files = [Path(folder, f"{seed}.{form}") for seed in (1, 2)]
                for seed, file in enumerate(files):
                    WRITERS[form](generate(rows, COLUMNS, seed), file)
                for folds in given.folds:
                    wall, cpu, peak = measure(files[0], files[1], Path(folder, "out"), folds)
                    over = wall >= SECONDS or peak >= MEBIBYTES
                    missed += over
                    print(
                        f"| {rows} | {form} | {files[0].stat().st_size / MIB:.0f} | {folds} | "
                        f"{wall:.1f} | {cpu:.1f} | {peak:.0f} | {'MISSED' if over else ''} |",
                        flush=True,
                    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
