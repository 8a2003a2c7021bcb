"""The platform asks the models for answers and computes every figure."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from platform_jobs.files import folder_digest
from platform_jobs.prepare import write_rows
from platform_jobs.tables.tables import Table
from tests.platform_jobs.toys import WRONG, write_project

HELD_OUT = Table(columns=("a", "Y"), rows=tuple((str(n), str(n % 3)) for n in range(9)))


def evaluate(folder: Path, changes: str = "", champion: str | None = None, *more: str) -> int:
    """Evaluate a model that answers 1, against a champion when its code is given."""
    write_rows(folder / "held_out", HELD_OUT, "Y")
    words = ["evaluate", "--held-out", str(folder / "held_out"), "--module", "toy"]
    for name, code in (("challenger", changes), ("champion", champion)):
        if code is not None:
            (folder / name).mkdir()
            (folder / name / "mean.txt").write_text("1.0", encoding="utf-8")
            write_project(folder / f"{name}-code", code)
            words += [f"--{name}", str(folder / name)]
            words += [f"--{name}-code", str(folder / f"{name}-code")]
    return main([*words, "--out", str(folder / "out"), "--timeout", "600", *more])


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "out" / name).read_text())


def test_the_figures_are_computed_from_the_answers(tmp_path: Path) -> None:
    forged = (
        "_predict = predict\n"
        "def predict(model, data, out):\n"
        "    _predict(model, data, out)\n"
        "    (out.parent / 'metrics.json').write_text('{\"mse\": 0}')\n"
    )
    assert evaluate(tmp_path, forged, champion="") == 0

    assert read(tmp_path, "evaluation.json") == {
        "refused": "",
        "digest": folder_digest(tmp_path / "challenger"),
        "largest_difference": 0.0,
    }
    assert [path.name for path in sorted((tmp_path / "out" / "plots").iterdir())] == [
        "calibration.svg",
        "predicted.svg",
        "residuals.svg",
    ]
    assert read(tmp_path, "predictions.json") == {
        "actual": [0, 1, 2] * 3,
        "predicted": [1] * 9,
        "champion": [1] * 9,
    }
    figures = read(tmp_path, "metrics.json")
    assert figures == pytest.approx({"mse": 2 / 3, "mae": 2 / 3, "r2": 0.0})
    assert read(tmp_path, "model_schema.json") == {"features": ["a"], "target": "Y"}
    assert read(tmp_path, "golden.json") == {
        "data": [[0], [1], [2], [3], [4]],
        "result": [1] * 5,
    }


def test_a_model_sees_the_features_alone(tmp_path: Path) -> None:
    peeking = "def predict(model, data, out): sys.exit(data.read_text().splitlines()[0])"
    assert evaluate(tmp_path, peeking) == 0

    assert read(tmp_path, "evaluation.json")["refused"].endswith("exit code 1: a")


@pytest.mark.parametrize(
    "fault",
    [
        f
        for f in WRONG
        if f.startswith("predict")
        and f
        not in (
            "predict needs other files",
            "predict answers by the place of the row",
        )
    ],
)
def test_a_challenger_that_breaks_the_contract_is_refused_with_the_reason(
    tmp_path: Path, fault: str
) -> None:
    changes, reason = WRONG[fault]

    assert evaluate(tmp_path, changes) == 0
    assert reason in read(tmp_path, "evaluation.json")["refused"]
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_an_empty_model_folder_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path / "code")
    write_rows(tmp_path / "held_out", HELD_OUT, "Y")
    (tmp_path / "empty").mkdir()
    words = ["evaluate", "--held-out", str(tmp_path / "held_out"), "--module", "toy"]
    words += ["--challenger", str(tmp_path / "empty"), "--challenger-code", str(tmp_path / "code")]

    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert "train wrote no file" in read(tmp_path, "evaluation.json")["refused"]


def test_a_champion_that_answers_an_impossible_value_is_a_fault_beside_the_challenger(
    tmp_path: Path,
) -> None:
    infinite = "def predict(model, data, out): out.write_text('prediction\\n' + 'inf\\n' * 9)"

    assert evaluate(tmp_path, champion=infinite) == 0

    comparison = read(tmp_path, "comparison.json")
    assert comparison["champion_fault"].startswith("predict answered 'inf' in row 1.")
    assert comparison["challenger_loss"] == pytest.approx(2 / 3)
    assert read(tmp_path, "evaluation.json")["refused"] == ""


def test_a_champion_that_fails_is_no_verdict_on_the_challenger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tmp_path, champion="def predict(model, data, out): sys.exit('no b')") == 1

    assert "The champion: predict ended with exit code 1: no b" in capsys.readouterr().err
    assert not (tmp_path / "out" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("number", "code"),
    # A crash of the model's own fails the evaluation; a kill from outside interrupts it, too.
    [(signal.SIGSEGV, 1), (signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, -signal.SIGTERM)],
)
def test_a_command_that_was_killed_is_no_verdict(tmp_path: Path, number: int, code: int) -> None:
    killed = f"import os\ndef predict(model, data, out): os.kill(os.getpid(), {number:d})"
    write_rows(tmp_path / "held_out", HELD_OUT, "Y")
    write_project(tmp_path / "code", killed)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mean.txt").write_text("1.0")
    words = ["--held-out", str(tmp_path / "held_out"), "--module", "toy"]
    words += ["--challenger", str(tmp_path / "model"), "--challenger-code", str(tmp_path / "code")]

    ended = subprocess.run(
        [sys.executable, "-m", "platform_jobs", "evaluate", *words, "--out", str(tmp_path / "out")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == code
    assert f"predict was killed by signal {number:d}" in ended.stderr
    assert not (tmp_path / "out" / "evaluation.json").exists()


def test_a_command_that_hangs_is_refused_by_its_time_limit(tmp_path: Path) -> None:
    hanging = "import signal\ndef predict(model, data, out): signal.pause()"
    write_rows(tmp_path / "held_out", HELD_OUT, "Y")
    write_project(tmp_path / "code", hanging)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mean.txt").write_text("1.0")
    words = ["evaluate", "--held-out", str(tmp_path / "held_out"), "--module", "toy"]
    words += ["--challenger", str(tmp_path / "model"), "--challenger-code", str(tmp_path / "code")]

    assert main([*words, "--out", str(tmp_path / "out"), "--timeout", "0.5"]) == 0
    assert "predict ran longer than 0.5 seconds" in read(tmp_path, "evaluation.json")["refused"]


def test_the_jobs_need_nothing_but_python(tmp_path: Path) -> None:
    # They run in the environment of the model's own code.
    root = Path(__file__).parents[2]
    code = "import runpy, sys; sys.argv = ['x', '--help']\ntry: runpy.run_module('platform_jobs', run_name='__main__')\nexcept SystemExit: pass"
    ended = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {os.fspath(root)!r})\n{code}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "contract" in ended.stdout


def test_a_champion_that_was_changed_after_it_was_registered_is_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tmp_path, "", "", "--champion-digest", "0" * 64) == 1

    assert "its model folder was changed after it was registered" in capsys.readouterr().err
    assert not (tmp_path / "out" / "evaluation.json").exists()
