"""The reason of a failed run on this machine is the last line of its command."""

from pathlib import Path

import pytest

from function_app.adapters.local.jobs.run_job import main
from function_app.adapters.local.jobs.run_state import read_state
from function_app.adapters.local.reach.files import write_json
from function_app.domain.training import RunStatus

CASES = {
    # Python writes its output to a file only at its end, after the error.
    "printed before": ("print('epoch 1')\nraise KeyError('bmi')", "Exit code 1: KeyError: 'bmi'"),
    "credential": ("import sys\nsys.exit('password=hunter2 is wrong')", "password=*** is wrong"),
    "crash": ("import os\nos.kill(os.getpid(), 11)", "It crashed with SIGSEGV: It wrote nothing."),
}


@pytest.fixture(autouse=True)
def no_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_TOPIC_ENDPOINT", "")
    monkeypatch.setenv("MLOPS_TOPIC_KEY", "")


def failed(folder: Path, command: list[str], start: Path) -> str:
    """Return the reason of a run whose command starts in the folder `start`, and which fails."""
    request = {
        "run_id": "train-a-1",
        "dataset": {"model": "a", "version": "1", "uri": ""},
        "code": None,
        "tags": {},
        "command": command,
        "folder": str(start),
        "timeout_seconds": 100,
    }
    write_json(folder / "request.json", request)

    main(folder)

    status, detail = read_state(folder, running=False)
    assert status is RunStatus.FAILED
    return detail


@pytest.mark.parametrize("case", CASES)
def test_the_reason_of_a_failed_run_is_its_cause(tmp_path: Path, case: str) -> None:
    code, reason = CASES[case]

    detail = failed(tmp_path / "runs" / "train-a-1", ["python", "-c", code], tmp_path)

    assert reason in detail
    assert detail.endswith(" `mlopsctl logs train-a-1` shows its log.")


def test_a_program_starts_in_no_folder_that_the_code_lacks(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "train-a-1"

    detail = failed(folder, ["sh", "model.sh"], tmp_path / "gone")

    assert detail.startswith("The code has no folder gone, in which `command` of the model starts.")
    assert (folder / "run.log").read_text().strip() == detail
