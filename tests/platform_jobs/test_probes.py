"""The platform measures the size and the time of a model in the process that asks it."""

import json
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, judge
from platform_jobs.models.answers import Answers
from platform_jobs.models.models import Project
from platform_jobs.probing.costs import PAIRS, ROWS, cost_figures, folder_size, time_predict
from platform_jobs.tables.tables import Table
from sandbox.probe import find_level
from tests.platform_jobs.test_asking import ask, folder
from tests.platform_jobs.test_asking import judge as run_judge
from tests.platform_jobs.test_asking import read as read_out
from tests.platform_jobs.test_evaluate import evaluate, read
from tests.platform_jobs.toys import write_project

__all__ = ["folder"]
# Each call appends the number of its rows to a file beside the code.
COUNTING = (
    "_predict = predict\n"
    "def predict(model, data, out):\n"
    "    _predict(model, data, out)\n"
    "    with open(pathlib.Path(__file__).with_name('calls'), 'a') as calls:\n"
    "        print(len(data.read_text().splitlines()) - 1, file=calls)\n"
)


def test_predict_is_timed_on_many_rows_and_on_one_in_turn(tmp_path: Path) -> None:
    write_project(tmp_path / "code", COUNTING)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mean.txt").write_text("1.0")
    (tmp_path / "work").mkdir()
    project = Project(name="The toy", code=tmp_path / "code", module="toy", timeout=600.0)
    features = Table(columns=("a",), rows=tuple((str(n),) for n in range(9)))

    times = time_predict(project, tmp_path / "model", features, (), tmp_path / "work")

    assert len(times) == PAIRS
    calls = [int(line) for line in (tmp_path / "code" / "calls").read_text().splitlines()]
    assert calls == [1, *[ROWS, 1] * PAIRS]
    many = (tmp_path / "work" / str(ROWS) / "features.csv").read_text().splitlines()
    assert many[:12] == ["a", *map(str, range(9)), "0", "1"]


def test_the_costs_are_the_median_and_the_least_time() -> None:
    measured = Answers(numbers=[], size=7, milliseconds=[5.0, -1.0, 3.0, 9.0, 4.0])

    assert cost_figures(measured) == {
        "size_bytes": 7,
        "milliseconds": 4.0,
        "milliseconds_low": -1.0,
    }
    assert cost_figures(Answers(numbers=[])) == {}


def test_the_size_is_that_of_all_files_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").write_bytes(b"123")
    (tmp_path / "a" / "b" / "d").write_bytes(b"45")

    assert folder_size(tmp_path) == 5


def test_an_evaluation_measures_both_models(tmp_path: Path) -> None:
    grown = "def predict(model, data, out): out.write_text('prediction\\n' + '1\\n' * 9)"

    assert evaluate(tmp_path, grown, "", "--size") == 0

    comparison = read(tmp_path, "comparison.json")
    assert comparison["challenger_cost"] == comparison["champion_cost"] == {"size_bytes": 3}
    policy = GatePolicy(bar=1.0, max_model_bytes=2, min_judging_rows=1)
    reasons = judge(load(Comparison, comparison), policy).reasons
    assert "Its model folder has 3 bytes; `max_model_bytes` allows 2." in reasons


def test_an_evaluation_without_budgets_measures_nothing(tmp_path: Path) -> None:
    assert evaluate(tmp_path, champion="") == 0

    assert not {"challenger_cost", "champion_cost"} & set(read(tmp_path, "comparison.json"))


def test_measurements_of_a_separate_job_reach_the_judge(folder: Path) -> None:
    key = "0a" * 32
    content = ask(folder, "", "answers", "--size", "--time", "--key", key)
    assert content["size"] == 3
    assert len(content["milliseconds"]) == PAIRS

    assert run_judge(folder, "--key", key) == 0

    cost = read_out(folder, "comparison.json")["challenger_cost"]
    assert cost["size_bytes"] == 3
    assert cost["milliseconds_low"] == min(content["milliseconds"])


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"size": "3"},
        {"size": True},
        {"milliseconds": 1.0},
        {"milliseconds": [1.0] * 6},
        {"milliseconds": [float("nan")]},
        {"milliseconds": ["1"]},
    ],
)
def test_measurements_that_are_none_are_refused(folder: Path, change: dict[str, Any]) -> None:
    content = ask(folder, "", "answers", "--size")
    (folder / "answers" / "answers.json").write_text(json.dumps({**content, **change}))

    assert run_judge(folder) == 0

    reason = read_out(folder, "evaluation.json")["refused"]
    assert reason == ("The challenger: its measured size and times are no numbers. Train again.")


def test_other_code_cannot_make_a_model_smaller(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "0a" * 32
    content = ask(folder, "", "answers", "--size", "--key", key)
    (folder / "answers" / "answers.json").write_text(json.dumps({**content, "size": 1}))

    assert run_judge(folder, "--key", key) != 0

    assert "its answers were changed after it gave them" in capsys.readouterr().err


def test_a_model_is_measured_in_the_sandbox(tmp_path: Path) -> None:
    level = find_level().level
    if not level.isolated:
        pytest.skip("this machine isolates no process")
    words = ("--size", "--time", "--increasing=a", "--isolation", level.name)

    assert evaluate(tmp_path, "", None, *words, "--hide", str(tmp_path)) == 0

    comparison = read(tmp_path, "comparison.json")
    assert set(comparison["challenger_cost"]) == {"size_bytes", "milliseconds", "milliseconds_low"}
    assert comparison["monotone"][0]["largest"] == 0.0
