"""The values of a metric that a job of its own called are sealed, and checked before they judge."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from platform_jobs.errors import ChangedError, ContractError
from platform_jobs.own_metric.exchange import VALUES, PairsWritten, answered, asking_later
from tests.platform_jobs.test_own_metric import COST, FUNCTION, PAIRS, loss_of, project

KEY = "ab" * 32


def call(folder: Path, source: str = COST, *more: str) -> Path:
    """Write pairs and let a job call a metric with this source; return the folder of values."""
    with pytest.raises(PairsWritten):
        asking_later(FUNCTION, "lower", folder / "asked").ask(PAIRS)
    code = project(folder / "code", source).code
    words = ["metric", FUNCTION, "--code", str(code), "--asked", str(folder / "asked"), *more]
    assert main([*words, "--out", str(folder / "values"), "--key", KEY]) == 0
    return folder / "values"


def test_the_values_of_the_job_are_those_of_the_function(tmp_path: Path) -> None:
    champion = project(tmp_path / "champion", COST).code

    own = answered(FUNCTION, "lower", call(tmp_path, COST, "--champion-code", str(champion)), KEY)

    assert own.ask(PAIRS) == [loss_of(pair) for pair in PAIRS]
    assert own.digest is not None
    assert own.digest == own.champion_digest


def test_a_fault_of_the_function_is_a_sealed_refusal(tmp_path: Path) -> None:
    own = answered(FUNCTION, "lower", call(tmp_path, "def cost(a, p): return a[1:]"), KEY)

    with pytest.raises(ContractError, match="returned 11 values for 12 rows"):
        own.ask(PAIRS)
    assert own.champion_digest is None


def test_values_of_other_pairs_are_refused(tmp_path: Path) -> None:
    own = answered(FUNCTION, "lower", call(tmp_path), KEY)

    with pytest.raises(ContractError, match="gave values for other pairs"):
        own.ask([*PAIRS[:-1], (0.5, 0.5)])


@pytest.mark.parametrize(
    "change",
    [
        {"values": [0.0] * len(PAIRS)},
        {"refused": "The challenger cheats."},
        {"digest": "0" * 64},
        {"seal": ""},
        {"seal": None},
    ],
)
def test_values_that_other_code_wrote_give_no_verdict(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    path = call(tmp_path) / VALUES
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(ChangedError, match="its values were changed after it gave them"):
        answered(FUNCTION, "lower", path.parent, KEY)
    with pytest.raises(ChangedError):
        answered(FUNCTION, "lower", path.parent, "cd" * 32)


@pytest.mark.parametrize("content", ["", "[1]", "[" * 30_000, '{"seal": "x"}'])
def test_a_file_of_values_that_is_none_gives_no_verdict(tmp_path: Path, content: str) -> None:
    (tmp_path / VALUES).write_text(content)

    with pytest.raises(ChangedError):
        answered(FUNCTION, "lower", tmp_path, KEY)


@pytest.mark.parametrize("values", [[math.nan] * 12, [10**400] * 12, ["1"] * 12, [1.0], 1.0])
def test_values_of_another_form_refuse_though_they_are_sealed(
    tmp_path: Path, values: object
) -> None:
    own = answered(FUNCTION, "lower", call(tmp_path), KEY)
    content = own.ask.args[1]  # type: ignore[attr-defined]
    content["values"] = values

    with pytest.raises(ContractError, match="or no 12 finite numbers"):
        own.ask(PAIRS)


def test_a_judge_without_values_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["judge", "--held-out", ".", "--challenger", ".", "--answers", ".", "--out", "."]

    assert main([*words, "--metric", FUNCTION, "--direction", "lower"]) == 2
    assert f"The metric {FUNCTION} needs --values and --values-key." in capsys.readouterr().err
