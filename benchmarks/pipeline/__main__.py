"""Measures a training from the file to its registered version, as a ratio to two bare processes.

python -m benchmarks.pipeline [ROUNDS] (3 by default, about half a minute). Each round trains the
first model of a new name, so that it is registered. The bare processes do the same two steps with
nothing around them: one fits Ridge on the rows and writes the model, the other loads it, answers
rows and writes the error. Neither checks data, holds rows out, isolates or records anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlopsctl.demo import arrive
from mlopsctl.reach.client import Api, segment
from mlopsctl.reach.connection import ROOT
from mlopsctl.reach.local_host import LocalHost, ensure_platform
from training.sample import write_sample

ROUNDS, WAITED = 3, 300
_STEPS = {
    "train": """
import csv, pickle, sys
from sklearn.linear_model import Ridge
rows = list(csv.reader(open(sys.argv[1])))[1:]
cells = [[float(cell) for cell in row] for row in rows]
model = Ridge(alpha=0.4).fit([row[:-1] for row in cells], [row[-1] for row in cells])
pickle.dump(model, open(sys.argv[2], "wb"))
""",
    "evaluate": """
import csv, json, pickle, sys
from sklearn.metrics import mean_squared_error
rows = list(csv.reader(open(sys.argv[1])))[1:]
cells = [[float(cell) for cell in row] for row in rows]
model = pickle.load(open(sys.argv[2], "rb"))
error = mean_squared_error([row[-1] for row in cells], model.predict([row[:-1] for row in cells]))
json.dump({"mse": error}, open(sys.argv[3], "w"))
""",
}


def bare(folder: Path, data: Path) -> float:
    """Return the seconds of the two bare processes."""
    model, out = folder / "model.pickle", folder / "metrics.json"
    start = time.perf_counter()
    for step in _STEPS.values():
        words = [sys.executable, "-c", step, str(data), str(model), str(out)]
        subprocess.run(words, check=True)
    return time.perf_counter() - start


def from_file_to_version(api: Api, state: Path, model: str, data: Path) -> float:
    """Return the seconds from the file in the inbox to the end of its training.

    RuntimeError when the training does not end as registered.
    """
    path = state / "inbox" / "data" / model / "rows.csv"
    start = time.perf_counter()
    training, _ = arrive(api, path, lambda: path.write_bytes(data.read_bytes()), lambda line: None)
    while not (story := api.get(f"/api/status/{segment(training)}"))["ended"]:
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    output = story["output"]
    if not isinstance(output, dict) or output.get("outcome") != "registered":
        raise RuntimeError(f"{training} ended as {output}.")
    return seconds


def _wait_for_release(api: Api, release: str) -> None:
    """Return when a release waits for its approval, so that it takes no core from the next round.

    RuntimeError when it ends before, or when its staging takes more than WAITED seconds.
    """
    end = time.monotonic() + WAITED
    while time.monotonic() < end:
        stored = api.find(f"/api/releases/{segment(release)}")
        status = stored["status"] if stored else "in_progress"
        if status == "awaiting_approval":
            return
        if status != "in_progress":
            raise RuntimeError(f"{release} ended as {status}.")
        time.sleep(0.1)
    raise RuntimeError(f"{release} has not come to its approval within {WAITED} s.")


def measure(root: Path, rounds: int, say: Callable[[str], None]) -> tuple[float, list[float]]:
    """Return the median seconds of the bare processes and those of each training, in order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state, projects, data = folder / "state", folder / "mlops.toml", folder / "rows.csv"
        names = [f"bench{number}" for number in range(rounds)]
        # The bare processes train once, too.
        sample = (ROOT / "mlops.toml").read_text(encoding="utf-8").replace("folds = 5", "folds = 1")
        renamed = [
            sample.replace("models.diabetes", f"models.{name}").replace("diabetes/", f"{name}/")
            for name in names
        ]
        projects.write_text("\n".join(renamed), encoding="utf-8")
        os.environ |= {"MLOPS_PROJECTS": str(projects), "MLOPS_ENGINE": ""}
        os.environ["MLOPS_CONFIG"] = str(folder / "config")
        host, floors, ours = LocalHost(root, state, 0), [], []
        try:
            host.start()
            api = host.api()
            ensure_platform(api)
            for number, model in enumerate(names):
                write_sample(data, number)
                floors.append(bare(folder, data))
                ours.append(from_file_to_version(api, state, model, data))
                _wait_for_release(api, f"release-{model}-1")
                say(f"{model}: bare {floors[-1]:.2f} s, from file to version {ours[-1]:.2f} s")
        finally:
            host.stop()
        return statistics.median(floors), ours


def main(arguments: list[str]) -> int:
    rounds = int(arguments[0]) if arguments else ROUNDS
    floor, ours = measure(ROOT, rounds, lambda line: print(line, flush=True))
    print(f"first training of a host: {ours[0] / floor:.2f} x the two bare processes")
    if later := ours[1:]:
        print(f"later trainings, median: {statistics.median(later) / floor:.2f} x (aim 0.55)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
