"""Records the worker's decisions: `MLOPS_WORKER_PYTHON=PATH python -m tests.worker.refusals.record`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.worker.refusals.cases import CALLS, CASES

FOLDER = Path(__file__).parent
ANSWERS = FOLDER / "answers.json"


def ask(python: str, name: str) -> dict[str, Any]:
    """Return the worker's answer on one app."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "function_app.py").write_text(CASES[name], encoding="utf-8")
        command = [python, str(FOLDER / "probe.py"), folder, *CALLS.get(name, ())]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise SystemExit(f"{name}: the worker gave no answer: {done.stderr[-2000:]}") from None
    return answer


def main() -> None:
    """Write answers.json."""
    python = os.environ.get("MLOPS_WORKER_PYTHON", "")
    if not Path(python).is_file():
        raise SystemExit("MLOPS_WORKER_PYTHON must name the Python of the worker's environment")
    answers = {}
    for name in CASES:
        answers[name] = ask(python, name)
        print(name, answers[name].get("refused", "served"), file=sys.stderr)
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    ANSWERS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
