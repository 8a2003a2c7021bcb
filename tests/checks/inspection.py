"""Helpers that run the checks on a folder of files and return the results."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.levels import LEVELS, Level
from sandbox.probe import find_level, try_level
from tests.processes import read_each

ROOT = Path(__file__).parents[2]
BEST = find_level().level
ALLOWED = [level for level in LEVELS if not try_level(level)]
levels = pytest.mark.parametrize("level", ALLOWED, ids=lambda level: level.name)
isolated = pytest.mark.skipif(not BEST.isolated, reason="this system gives no namespaces")


def check(
    folder: Path,
    files: dict[str, str],
    level: Level | None = None,
    *,
    data: bool = True,
    **plan: Any,
) -> dict[str, Any]:
    """Run the checks on a folder of these files and return the content of checks.json."""
    code, out = folder / "code", folder / "out"
    for name, content in files.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(content)
    whole = {"tests": ["pytest", "-q"], "timeout_seconds": 300, **plan}
    (folder / "plan.json").write_text(json.dumps(whole))
    words = ["--code", str(code), "--plan", str(folder / "plan.json"), "--out", str(out)]
    words += ["--data", str(folder / "reference.csv")] if data else []
    words += ["--hide", str(folder)]
    words += ["--isolation", level.name] if level else []
    temporary = folder / "temporary"
    temporary.mkdir()
    environ = {
        **os.environ,
        "TMPDIR": str(temporary),
        "MLOPS_SECRET": "s3cret",
        "AZURE_CLIENT_SECRET": "s3cret",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "checks", *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not list(temporary.iterdir()), "the workspace is thrown away"
    report: dict[str, Any] = json.loads((out / "checks.json").read_text())
    return report


def result(report: dict[str, Any], name: str = "tests") -> tuple[bool, str]:
    found = next(result for result in report["results"] if result["name"] == name)
    return found["passed"], found["detail"]


def running(name: str) -> list[int]:
    return [process for process, words in read_each("cmdline") if name.encode() in words]
