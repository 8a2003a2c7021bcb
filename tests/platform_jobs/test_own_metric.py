"""A function of the model's code is the metric: its values are checked, and its mistakes named."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from platform_jobs.errors import ContractError
from platform_jobs.files import file_digest
from platform_jobs.models.models import KilledError, Project
from platform_jobs.own_metric.asking import ask_metric
from platform_jobs.own_metric.function import is_function, source_digest
from platform_jobs.prepare import write_rows
from platform_jobs.tables.tables import Table
from tests.platform_jobs.toys import write_project

FUNCTION = "own.metrics:cost"
# A prediction below the truth costs three times as much as one above it.
COST = """
def cost(actual, predicted):
    return [(p - a) if p > a else 3 * (a - p) for a, p in zip(actual, predicted)]
"""
PAIRS = [(float(n % 5), float(n)) for n in range(12)]


def project(folder: Path, source: str, timeout: float = 60.0) -> Project:
    """Return a project whose metrics have this source."""
    (folder / "own").mkdir(parents=True)
    (folder / "own" / "metrics.py").write_text(source, encoding="utf-8")
    return Project(name="The challenger", code=folder, module="toy", timeout=timeout)


def loss_of(pair: tuple[float, float]) -> float:
    truth, prediction = pair
    return prediction - truth if prediction > truth else 3 * (truth - prediction)


def test_a_value_is_returned_for_each_pair(tmp_path: Path) -> None:
    chatty = COST + "\nprint('at the import')\n"

    values = ask_metric(project(tmp_path, chatty), FUNCTION, PAIRS)

    assert values == [loss_of(pair) for pair in PAIRS]


def test_a_library_may_compute_the_values(tmp_path: Path) -> None:
    source = """
from array import array
def cost(actual, predicted):
    print('in the call', flush=True)
    return array('d', [abs(a - p) for a, p in zip(actual, predicted)])
"""
    assert ask_metric(project(tmp_path, source), FUNCTION, PAIRS) == [abs(a - p) for a, p in PAIRS]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def other(a, p): return a", "own.metrics has no function cost. Define it, or correct"),
        ("cost = 3", "own.metrics has something that cannot be called as cost."),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def cost(a, p): return 1 / 0", "ended with exit code 1: ZeroDivisionError"),
        ("def cost(a): return a", "ended with exit code 1: TypeError"),
        ("def cost(a, p): return sum(a)", "returned float that is no list of one number"),
        ("def cost(a, p): return None", "returned NoneType that is no list of one number"),
        ("def cost(a, p): return ['low'] * len(a)", "returned list that is no list of one number"),
        ("def cost(a, p): return a[1:]", "returned 11 values for 12 rows. It must return one"),
        ("def cost(a, p): return [*a, 0]", "returned 13 values for 12 rows. It must return one"),
        ("def cost(a, p): return [float('nan')] * len(a)", "gave nan for the true value 0"),
        ("def cost(a, p): return [float('-inf')] * len(a)", "gave -inf for the true value 0"),
        ("def cost(a, p): return [1e200] * len(a)", "must be a finite number from -1e+150"),
        (
            "def cost(a, p): return [v / sum(p) for v in p]",
            "Each value may depend on its own row alone",
        ),
        (
            "import random\ndef cost(a, p): return [random.random() for _ in a]",
            "neither on chance nor on earlier calls",
        ),
        (
            "calls = []\ndef cost(a, p):\n calls.append(1)\n return [len(calls) for _ in a]",
            "neither on chance nor on earlier calls",
        ),
        ("import sys\ndef cost(a, p): sys.exit(0)", "ended before it returned"),
        ("import os\ndef cost(a, p): os._exit(0)", "ended before it returned"),
        (
            "import atexit, sys\natexit.register(lambda: open(sys.argv[-1], 'w').write('[' * 99))\n"
            "def cost(a, p): return a",
            "wrote into the file of its values",
        ),
        (
            "import atexit, os, sys\n"
            "def link(): os.remove(sys.argv[-1]); os.symlink('/etc/hostname', sys.argv[-1])\n"
            "atexit.register(link)\ndef cost(a, p): return a",
            "ended before it returned",
        ),
    ],
)
def test_a_mistake_of_a_metric_is_named(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(ContractError) as refused:
        ask_metric(project(tmp_path, source), FUNCTION, PAIRS)

    assert str(refused.value).startswith(f"The metric {FUNCTION} ")
    assert reason in str(refused.value)


def test_an_absent_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"There is no module own\.costs in the code"):
        ask_metric(project(tmp_path, COST), "own.costs:cost", PAIRS)


def test_a_metric_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    endless = "def cost(a, p):\n while True: pass"

    with pytest.raises(ContractError, match=r"ran longer than 0\.3 seconds\. Make it faster"):
        ask_metric(project(tmp_path, endless, timeout=0.3), FUNCTION, PAIRS)


def test_a_metric_that_is_killed_gives_no_verdict(tmp_path: Path) -> None:
    killed = "import os\ndef cost(a, p): os.kill(os.getpid(), 11)"

    with pytest.raises(KilledError, match="was killed by signal 11"):
        ask_metric(project(tmp_path, killed), FUNCTION, PAIRS)


def evaluate(folder: Path, champion_source: str = COST, *more: str) -> dict[str, Any]:
    """Evaluate a model that answers 2 against one that answers 9; return the comparison."""
    held = Table(columns=("a", "Y"), rows=tuple((str(n), str(n % 5)) for n in range(60)))
    write_rows(folder / "held_out", held, "Y")
    words = ["evaluate", "--held-out", str(folder / "held_out"), "--module", "toy"]
    for name, answer, source in (("challenger", "2.0", COST), ("champion", "9.0", champion_source)):
        (folder / name).mkdir()
        (folder / name / "mean.txt").write_text(answer, encoding="utf-8")
        code = write_project(folder / f"{name}-code")
        project(code, source)
        words += [f"--{name}", str(folder / name), f"--{name}-code", str(code)]
    words += ["--out", str(folder / "out"), "--timeout", "600"]
    assert main([*words, "--metric", FUNCTION, "--direction", "lower", *more]) == 0
    assert json.loads((folder / "out" / "evaluation.json").read_text())["refused"] == ""
    found: dict[str, Any] = json.loads((folder / "out" / "comparison.json").read_text())
    return found


def test_an_evaluation_compares_by_the_function_of_the_challengers_code(tmp_path: Path) -> None:
    found = evaluate(tmp_path, COST.replace("3 *", "1 *"), "--slice", "a")

    truths = [float(n % 5) for n in range(60)]
    ours, theirs = (
        math.fsum(loss_of((truth, answer)) for truth in truths) / 60 for answer in (2.0, 9.0)
    )
    assert (found["challenger_loss"], found["champion_loss"]) == pytest.approx((ours, theirs))
    assert found["gain_low"] > 0.0
    assert len(found["slices"]) == 4
    assert found["metric"] == {
        "function": FUNCTION,
        "direction": "lower",
        "digest": file_digest(tmp_path / "challenger-code" / "own" / "metrics.py"),
        "champion_digest": file_digest(tmp_path / "champion-code" / "own" / "metrics.py"),
    }
    assert found["metric"]["digest"] != found["metric"]["champion_digest"]


def test_a_metric_that_fails_refuses_the_comparison_and_loses_no_figure(tmp_path: Path) -> None:
    found = evaluate(tmp_path, COST, "--metric", "own.metrics:absent")

    assert "own.metrics has no function absent" in found["refused"]
    assert found["metric"]["function"] == "own.metrics:absent"
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["mae"] == pytest.approx(1.2)


def test_the_check_of_the_contract_calls_the_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = write_project(tmp_path / "code")
    project(code, COST)
    words = ["contract", "--module", "toy", "--code", str(code), "--train-once"]
    words += ["--direction", "lower", "--metric"]

    assert main([*words, FUNCTION]) == 0
    assert f"ok      metric: {FUNCTION} gives the mean loss" in capsys.readouterr().out
    assert main([*words, "own.metrics:absent"]) == 1
    assert "FAILED  The metric own.metrics:absent ended" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--metric", "own.metrics"], "and no package.module:function"),
        (["--metric", "own..metrics:cost"], "and no package.module:function"),
        (["--metric", "own.metrics:cost()"], "and no package.module:function"),
        (["--metric", FUNCTION], "has no direction. Give it: --direction lower or higher."),
        (["--metric", FUNCTION, "--direction", "up"], "invalid choice: 'up'"),
    ],
)
def test_a_wrong_name_of_a_metric_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    given = ["evaluate", "--held-out", ".", "--module", "toy", "--challenger", ".", "--out", "."]
    try:
        code = main([*given, *words])
    except SystemExit as ended:
        code = int(ended.code or 0)

    assert (code, reason in capsys.readouterr().err) == (2, True)


def test_the_source_of_a_function_is_a_module_or_a_package(tmp_path: Path) -> None:
    code = project(tmp_path, COST).code
    (code / "own" / "__init__.py").write_text("")

    assert is_function(FUNCTION)
    assert not is_function("log_loss")
    assert source_digest(code, FUNCTION) == file_digest(code / "own" / "metrics.py")
    assert source_digest(code, "own:cost") == file_digest(code / "own" / "__init__.py")
    assert source_digest(code, "other:cost") is None
    assert sys.modules.get("own") is None, "the platform imports nothing of the model's code"
