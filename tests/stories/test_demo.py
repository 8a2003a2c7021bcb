"""`make demo` runs the whole loop, and shows a rejected file and rows that show too little."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.made_once import prepare
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


def demo(state: Path, *options: str) -> str:
    """Run the demo on a state folder, and return its output."""
    environment = {**os.environ, "MLOPS_ENGINE": "", "COLUMNS": "300"}

    def command(name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "mlopsctl", name, "--state", str(state), *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
        )

    try:
        ended = command("demo", *options)
    except subprocess.TimeoutExpired:
        command("down")  # the host and production are processes of their own
        raise
    assert ended.returncode == 0, ended.stderr[-2000:] + ended.stdout[-2000:]
    return ended.stdout


def test_the_demo_promotes_rejects_and_says_why_and_repeats_nothing(tmp_path: Path) -> None:
    prepare(tmp_path)
    text = demo(tmp_path)

    for line in (
        "There is no champion; mse 3112 is within the bar of 4500.",
        "ada approves over HTTP",
        "Perhaps targets were mixed up or flipped.",
        "The gain is between",
        "The result is inconclusive, so that nothing changes.",
        "The loop is closed.",
    ):
        assert line in text
    assert text.count("report.html") == 3

    facts = json.loads(demo(tmp_path, "--json"))
    assert facts["repeated"]
    assert (facts["version"], facts["approved_by"]) == ("1", "ada")
    assert facts["served"] == facts["offline"]
    assert any("mixed up" in reason for reason in facts["rejected"]["reasons"])
    assert any("inconclusive" in reason for reason in facts["inconclusive"]["reasons"])
