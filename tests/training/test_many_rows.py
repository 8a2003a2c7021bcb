"""A training of many rows gives the same bytes on one machine, whatever threads the app has."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from function_app.domain.lineage.environment import PINNED
from platform_jobs.files import folder_digest

ROOT = Path(__file__).parents[2]
# So many that OpenBLAS divides a product among threads; 442 rows are too few.
ROWS, FEATURES = 60_000, 10


def write_rows(folder: Path) -> None:
    draw = random.Random(7)
    names = [f"x{number}" for number in range(FEATURES)]
    lines = [",".join([*names, "Y"])]
    for _ in range(ROWS):
        values = [draw.gauss(0, 1) for _ in names]
        target = sum(values) + draw.gauss(0, 1)
        lines.append(",".join(f"{value:.6f}" for value in (*values, target)))
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "schema.json").write_text(json.dumps({"features": names, "target": "Y"}))


def test_60_000_rows_give_the_same_bytes_whatever_threads_the_app_has(tmp_path: Path) -> None:
    write_rows(tmp_path)
    digests = set()
    for threads, name in (("1", "a"), ("2", "b")):
        out = tmp_path / name
        mine = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        subprocess.run(
            [sys.executable, "-m", "training", "train", "--data", tmp_path, "--out", out],
            cwd=ROOT,
            env={**os.environ, **mine, **PINNED},
            check=True,
        )
        digests.add(folder_digest(out))

    assert len(digests) == 1
