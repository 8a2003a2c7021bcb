"""A project of a shell script keeps the contract by the words of its command."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from platform_jobs.__main__ import main
from platform_jobs.errors import ContractError
from platform_jobs.models.models import Project
from platform_jobs.tables.tables import read_table
from sandbox.probe import find_level
from tests.platform_jobs.shell_project import SCRIPT, write_script

COMMAND = "sh model.sh"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a folder of code with the project `shell` of the documentation."""
    return write_script(tmp_path / "code", "shell").parent


def contract(code: Path, *more: str, command: str = COMMAND) -> int:
    return main(["contract", "--module", "shell", "--code", str(code), "--command", command, *more])


def test_a_script_keeps_the_contract(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contract(code) == 0

    said = capsys.readouterr().out
    assert "ok      command sh model.sh: it starts in shell" in said
    assert "ok      repeated training: the same rows make the same files" in said
    assert "FAILED" not in said


def test_the_script_finds_the_line_of_its_sample(code: Path, tmp_path: Path) -> None:
    project = Project(
        name="shell", code=code, module="shell", timeout=600, command=("sh", "model.sh")
    )
    (tmp_path / "rows").mkdir()
    (tmp_path / "model").mkdir()

    project.sample(tmp_path / "rows" / "rows.csv")
    project.train(tmp_path / "rows", tmp_path / "model")

    line = json.loads((tmp_path / "model" / "line.json").read_text())
    assert line["slope"] == pytest.approx(2, abs=0.1)
    assert line["intercept"] == pytest.approx(3, abs=0.5)


def test_the_last_line_of_a_script_is_the_reason(
    code: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("x,y\n" + "".join(f"1,{n}\n" for n in range(40)))

    assert contract(code, "--data", str(data)) == 1
    said = capsys.readouterr().out
    assert "train ended with exit code 1: Column x has one value only. Send more rows." in said


def test_a_program_that_is_not_there_is_named_with_what_to_do(
    code: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, first in (
        ("no-such-program a.R", "no-such-program"),
        ("./model.sh", "./model.sh"),
    ):
        assert contract(code, command=command) == 1
        said = capsys.readouterr().out
        assert (
            f"there is no program {first} in PATH, the first word of `command` = {command}" in said
        )
        assert "Install it where the commands run" in said


def test_a_folder_that_is_not_there_is_named_with_what_to_do(
    code: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(code / "shell")

    assert contract(code) == 1
    assert f"there is no folder shell in {code}, in which `command`" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["", "  ", "'' a", "sh 'a"])
def test_a_command_without_a_program_is_refused(
    code: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        contract(code, command=command)

    assert ended.value.code == 2
    assert "argument --command" in capsys.readouterr().err


def test_a_word_that_a_shell_would_read_stays_a_word(tmp_path: Path) -> None:
    words = ("sh", "a b.sh", "$(touch bad)")
    (tmp_path / "shell").mkdir()
    (tmp_path / "shell" / "a b.sh").write_text('printf "%s" "$1" > "$4"')
    project = Project(name="shell", code=tmp_path, module="shell", timeout=600, command=words)

    project.sample(tmp_path / "said.txt")

    assert (tmp_path / "said.txt").read_text() == "$(touch bad)"
    assert not (tmp_path / "shell" / "bad").exists()


def test_a_command_that_runs_too_long_is_ended(tmp_path: Path) -> None:
    (tmp_path / "shell").mkdir()
    (tmp_path / "shell" / "model.sh").write_text("exec sleep 600")
    project = Project(
        name="shell", code=tmp_path, module="shell", timeout=0.1, command=("sh", "model.sh")
    )

    with pytest.raises(ContractError, match="sample ran longer than"):
        project.sample(tmp_path / "rows.csv")


def test_python_is_the_python_of_the_app(tmp_path: Path) -> None:
    (tmp_path / "shell").mkdir()
    (tmp_path / "shell" / "model.py").write_text(
        "import sys\nopen(sys.argv[3], 'w').write(sys.executable)\n"
    )
    project = Project(
        name="shell", code=tmp_path, module="shell", timeout=600, command=("python3", "model.py")
    )

    project.sample(tmp_path / "said.txt")

    assert (tmp_path / "said.txt").read_text() == sys.executable


def test_each_fold_is_trained_and_asked_in_the_sandbox(code: Path, tmp_path: Path) -> None:
    level = find_level().level
    (tmp_path / "state").mkdir()
    data, rows, out = (tmp_path / "state" / name for name in ("data.csv", "rows", "out"))
    spy = (
        f"[ ! -e {data} ] || {{ echo 'the data is seen' >&2; exit 9; }}\n" if level.isolated else ""
    )
    words = ["--module", "shell", "--command", COMMAND]
    assert main(["sample", *words, "--code", str(code), "--out", str(tmp_path / "sample")]) == 0
    shutil.copy(tmp_path / "sample" / "rows.csv", data)
    key = ["--target", "y", "--key", "m", "--folds", "3"]
    assert main(["prepare", "--data", str(data), *key, "--out", str(rows)]) == 0
    model = tmp_path / "state" / "model"
    model.mkdir()
    Project(name="shell", code=code, module="shell", timeout=600, command=("sh", "model.sh")).train(
        rows / "seen" / "all", model
    )
    (code / "shell" / "model.sh").write_text(spy + SCRIPT)

    words += ["--held-out", str(rows / "held_out"), "--seen", str(rows / "seen")]
    words += ["--challenger", str(model), "--challenger-code", str(code), "--out", str(out)]
    words += ["--isolation", level.name, "--hide", str(tmp_path / "state")]
    assert main(["evaluate", *words, "--timeout", "600"]) == 0

    assert json.loads((out / "evaluation.json").read_text())["refused"] == ""
    assert json.loads((out / "comparison.json").read_text())["folds"] == 3
    predicted = json.loads((out / "predictions.json").read_text())["predicted"]
    assert len(predicted) == len(read_table(data).rows)
