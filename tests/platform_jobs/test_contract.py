"""A model project is walked through the contract; each fault has its own words."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from platform_jobs.__main__ import main
from tests.platform_jobs.toys import WRONG, write_project

ROOT = Path(__file__).parents[2]


def check(code: Path, *more: str) -> int:
    return main(["contract", "--module", "toy", "--code", str(code), *more])


def test_a_project_that_keeps_the_contract_passes_every_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(write_project(tmp_path)) == 0

    # A poller of azure-ai-ml that an earlier test left behind prints points from its own thread.
    lines = [line.lstrip(".") for line in capsys.readouterr().out.splitlines()]
    assert [line.split(":")[0] for line in lines] == [
        "ok      module toy",
        "ok      data",
        "ok      split",
        "ok      train",
        "ok      predict",
        "ok      repeat",
        "ok      order of rows",
        "ok      other rows",
        "ok      order of columns",
        "ok      repeated training",
        "note    serve",
    ]
    assert "there is no model.skops, so that" in lines[-1]


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    changes, reason = WRONG[fault]

    assert check(write_project(tmp_path, changes)) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    # A poller of azure-ai-ml, which a test before this one left running, prints points.
    assert last.lstrip(".").startswith("FAILED")
    assert reason in last


def test_a_project_without_a_sample_is_checked_with_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = write_project(tmp_path / "code", "def sample(out): sys.exit('no sample')")
    data = tmp_path / "data.csv"
    data.write_text("a,label,b\n" + "".join(f"{n},{n},x\n" for n in range(30)), encoding="utf-8")

    assert check(code) == 1
    assert "Give data instead: --data FILE." in capsys.readouterr().out
    assert check(code, "--data", str(data), "--target", "label") == 0
    assert check(code, "--data", str(data), "--target", "Y") == 1
    assert "Name the label: --target NAME." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("label", "seen"),
    [("high", "has 'high', which is not a finite number"), ("", "has an empty cell")],
)
def test_a_label_that_is_no_number_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], label: str, seen: str
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a,Y\n" + "".join(f"{n},{label}\n" for n in range(30)), encoding="utf-8")

    assert check(write_project(tmp_path / "code"), "--data", str(data)) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"The target Y {seen}. Remove such rows, or encode the labels as numbers" in last


def test_a_module_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["contract", "--module", "my.model", "--code", str(tmp_path)]) == 1
    assert "It needs my/model/__main__.py" in capsys.readouterr().out


def test_a_copy_of_the_sample_model_is_checked_itself_and_not_the_sample(tmp_path: Path) -> None:
    # With absolute imports the copy would run the sample's code and not its own changes.
    copy = tmp_path / "mymodel"
    copy.mkdir()
    for path in (ROOT / "training").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "train.py":
            text = text.replace("return Ridge(", "raise SystemExit('the copy trains')\n    Ridge(")
        (copy / path.name).write_text(text, encoding="utf-8")
    (tmp_path / "training").symlink_to(ROOT / "training")

    ended = subprocess.run(
        [
            *(sys.executable, "-m", "platform_jobs", "contract"),
            *("--module", "mymodel", "--code", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "the copy trains" in ended.stdout.splitlines()[-1]


def test_a_process_that_predict_leaves_behind_holds_nothing_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # It inherits the output of predict and would keep that open for ten minutes.
    left = tmp_path / "left.txt"
    changes = (
        "import subprocess\n"
        "_predict = predict\n"
        "def predict(model, data, out):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        f"    with open({str(left)!r}, 'a') as file:\n"
        "        file.write(f'{child.pid} ')\n"
        "    _predict(model, data, out)\n"
    )
    code = write_project(tmp_path / "code", changes)
    try:
        assert check(code) == 0
    finally:
        for pid in left.read_text(encoding="utf-8").split():
            os.kill(int(pid), signal.SIGKILL)
    assert "ok      predict" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["from first.fit import train", "import first.fit", "from first import fit"]
)
def test_a_copy_that_imports_the_original_s_modules_is_told_to_import_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    for name in ("first", "copy_of_it"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fit.py").write_text("def train(): ...", encoding="utf-8")
        (tmp_path / name / "__main__.py").write_text(line, encoding="utf-8")

    assert main(["contract", "--module", "copy_of_it", "--code", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "copy_of_it/__main__.py imports first.fit" in said
    assert "Import it relatively: `from .fit import" in said


def test_a_project_may_use_what_others_share_with_it(tmp_path: Path) -> None:
    code = write_project(tmp_path, "import first.tools")
    (code / "first").mkdir()
    for name in ("__main__", "tools"):
        (code / "first" / f"{name}.py").write_text("", encoding="utf-8")

    assert check(code) == 0
