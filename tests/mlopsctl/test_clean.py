"""`make clean` removes the state folder of a stopped app only."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def clean(state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/clean", str(state)], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["funchost/lock", "processes/production-diabetes.lock"])
def test_a_state_folder_that_a_process_uses_is_not_removed(tmp_path: Path, name: str) -> None:
    state = tmp_path / "my stäte"
    path = state / name
    path.parent.mkdir(parents=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = clean(state)
        assert (refused.returncode, path.exists()) == (1, True)
        assert f"uses {state}. Nothing was removed. Stop it first: make down" in refused.stderr

    assert clean(state).returncode == 0
    assert not state.exists()
    assert clean(state).returncode == 0, "a folder that is not there is clean"
