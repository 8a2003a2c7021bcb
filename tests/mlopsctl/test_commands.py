import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mlopsctl import screens
from mlopsctl.reach.local_host import running_url
from tests.mlopsctl import invocation
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


def run(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    return invocation.run(*arguments, environ={"MLOPS_STATE": str(state), "MLOPS_URL": ""})


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["nonsense"], 2, "No such command"),
        (["approve"], 2, "Missing argument"),
        (["status", "--url", "http://127.0.0.1:9"], 1, "UNREACHABLE: http://127.0.0.1:9"),
        (["doctor", "--url", "http://127.0.0.1:9"], 1, "Start it with `make up`"),
        (["events", "send", "nowhere.json"], 1, "BAD_FILE"),
        (["events", "replay", "x", "--url", "http://127.0.0.1:9"], 1, "UNREACHABLE"),
        (["roll-back", "m", "--as", "nobody", "--url", "http://127.0.0.1:9"], 1, "NO_TOKEN"),
        (["cancel", "t", "--as", "nobody", "--url", "http://127.0.0.1:9"], 1, "NO_TOKEN"),
        (["status"], 1, "NOT_RUNNING: No app runs on the state"),
        (["models"], 1, "Start it with `make up`"),
        (["doctor"], 1, "BAD  app: No app runs on the state"),
        (["logs", "run"], 1, "NOT_RUNNING"),
        (["logs", "run", "--tail", "0"], 2, "Invalid value"),
        (["endpoint"], 2, "Missing argument"),
    ],
)
def test_a_command_that_fails_says_why_by_its_exit_code_and_a_line(
    tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    ended = run(*arguments, state=tmp_path)

    assert ended.returncode == code
    assert text in ended.stdout + ended.stderr


def test_up_starts_the_app_and_stops_everything_at_a_signal(tmp_path: Path) -> None:
    environ = {**os.environ, "MLOPS_STATE": str(tmp_path)}
    command = [sys.executable, "-m", "mlopsctl", "up", "--json", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert running_url(tmp_path) == announced["url"]
        assert httpx.get(announced["url"] + "/api/status").status_code == 200
        listed = json.loads(run("releases", "--json", state=tmp_path).stdout)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)

    assert listed == {"releases": [], "next": None}
    assert process.returncode == 0
    assert running_url(tmp_path) is None


def test_a_cell_is_cut_and_its_markup_is_harmless() -> None:
    assert screens.short("a  b\nc", 10) == "a b c"
    assert screens.short("x" * 20, 5) == "xxxx…"
    assert screens.short("[red]", 20) == "\\[red]"


def test_mlflow_ui_opens_the_database_of_a_state_with_a_blank_in_its_path(tmp_path: Path) -> None:
    state = tmp_path / "st ä"
    state.mkdir()
    command = ["make", "-n", "--no-print-directory", "mlflow-ui", f"MLFLOW_STATE={state}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    words = shlex.split(shown.splitlines()[-1])
    assert words[1:] == ["scripts/mlflow-ui", str(state), "5000"]
    ended = subprocess.run(
        [sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"{state}/mlflow.db does not exist" in ended.stdout
