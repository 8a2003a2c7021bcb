"""The conformance kit finds answers and models that depend on more than they may."""

from pathlib import Path

import pytest

from platform_jobs.__main__ import main
from platform_jobs.contract.walk import Rows, check_contract
from platform_jobs.models.models import Project
from tests.patience import PATIENCE
from tests.platform_jobs.toys import write_project

# Answers by a function of the rows, given as dictionaries.
ANSWERS = """
def predict(model, data, out):
    with data.open() as lines:
        answers = answer(list(csv.DictReader(lines)))
    out.write_text("prediction\\n" + "".join(f"{value}\\n" for value in answers))

def sample(out):
    out.write_text("a,b,Y\\n" + "".join(f"{n},{n * n % 11},{n % 7}\\n" for n in range(60)))
"""
BROKEN = {
    "chance": (
        ANSWERS + "import random\ndef answer(rows): return [random.random() for row in rows]",
        ["the same rows are asked again. Set seeds"],
    ),
    "the row before": (
        ANSWERS
        + "def answer(rows): return [float(a['a']) - float(b['a']) for a, b in zip(rows, [rows[0], *rows])]",
        ["the rows come in another order", "other rows are left out"],
    ),
    "the mean of the asked rows": (
        ANSWERS
        + "def answer(rows): return [sum(float(r['a']) for r in rows) / len(rows)] * len(rows)",
        ["other rows are left out. Each answer may depend on its own row alone."],
    ),
    "positions of columns": (
        ANSWERS + "def answer(rows): return [list(row.values())[0] for row in rows]",
        ["the columns come in another order. Find columns by the names in the header"],
    ),
    "a header that must be the same": (
        ANSWERS
        + "def answer(rows):\n"
        + "    if list(rows[0]) != ['a', 'b']: sys.exit('wrong columns')\n"
        + "    return [row['a'] for row in rows]",
        ["wrong columns This happens when the columns come in another order"],
    ),
    "the time of a training": (
        "_train = train\nimport time\n"
        "def train(data, out):\n"
        "    _train(data, out)\n"
        "    (out / 'when.txt').write_text(str(time.time_ns()))\n",
        ["a second training on the same rows wrote other files: when.txt. Set seeds"],
    ),
}


def check(code: Path, *more: str) -> int:
    return main(["contract", "--module", "toy", "--code", str(code), *more])


@pytest.mark.parametrize("cause", BROKEN)
def test_every_broken_promise_is_named_and_the_kept_ones_too(tmp_path: Path, cause: str) -> None:
    changes, reasons = BROKEN[cause]
    code = write_project(tmp_path, changes)
    project = Project(name="toy", code=code, module="toy", timeout=PATIENCE)
    lines: list[str] = []

    # Not by way of standard output, to which each thread of the process may write.
    assert not check_contract(project, Rows(), lines.append)
    failed = [line for line in lines if line.startswith("FAILED")]
    assert len(failed) == len(reasons), lines
    for line, reason in zip(failed, reasons, strict=True):
        assert reason in line
    promises = ("repeat", "order of rows", "other rows", "order of columns", "repeated training")
    kept = [line for line in lines if line.startswith(tuple(f"ok      {p}:" for p in promises))]
    # Answers by chance are asked in no other form.
    assert len(kept) == (1 if cause == "chance" else len(promises) - len(failed)), lines


def test_a_model_that_computes_from_its_own_row_keeps_every_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ANSWERS + "def answer(rows): return [float(row['a']) / 3 for row in rows]"

    assert check(write_project(tmp_path, changes)) == 0
    assert "FAILED" not in capsys.readouterr().out


def test_data_with_other_columns_than_declared_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = write_project(tmp_path)

    assert check(code, "--column", "a", "--column", "Y") == 0
    assert check(code, "--column", "Y", "--column", "a") == 1
    assert "has the columns a, Y, and mlops.toml declares Y, a" in capsys.readouterr().out


def test_a_second_training_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = BROKEN["the time of a training"][0]

    assert check(write_project(tmp_path, changes), "--train-once") == 0
    assert "repeated training" not in capsys.readouterr().out
