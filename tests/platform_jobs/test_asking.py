"""A model answers in a separate process, and another process judges the answers."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from platform_jobs.errors import ContractError
from platform_jobs.files import folder_digest
from platform_jobs.models.asking import ASKED, write_asked
from platform_jobs.models.model_types import needed_types
from platform_jobs.prepare import write_rows
from platform_jobs.tables.tables import Table
from tests.platform_jobs.toys import write_project

HELD_OUT = Table(columns=("a", "Y"), rows=tuple((str(n), str(n % 3)) for n in range(9)))
FORGED = [
    "{",
    "[]",
    '{"refused": ""}',
    '{"refused": "", "answers": [1, 1]}',
    '{"refused": "", "answers": "111111111"}',
    '{"refused": "", "answers": [1, 1, 1, 1, 1, 1, 1, 1, true]}',
    '{"refused": "", "answers": [1, 1, 1, 1, 1, 1, 1, 1, NaN]}',
    '{"refused": "", "answers": [1, 1, 1, 1, 1, 1, 1, 1, Infinity]}',
    '{"refused": "", "answers": [1, 1, 1, 1, 1, 1, 1, 1, "1"]}',
    " " * 1_000_000,
    "[" * 60_000,
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path / "held_out", HELD_OUT, "Y")
    write_asked(tmp_path / ASKED, HELD_OUT, "Y")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mean.txt").write_text("1.0", encoding="utf-8")
    return tmp_path


def ask(folder: Path, changes: str = "", name: str = "answers", *more: str) -> Any:
    """Let the toy answer; return the output of its process."""
    write_project(folder / name / "code", changes)
    words = ["ask", "--module", "toy", "--code", str(folder / name / "code"), "--name", "The toy"]
    words += ["--model", str(folder / "model"), "--asked", str(folder / ASKED)]
    assert main([*words, "--out", str(folder / name), "--timeout", "600", *more]) == 0
    return json.loads((folder / name / "answers.json").read_text())


def judge(folder: Path, *more: str) -> int:
    words = ["judge", "--held-out", str(folder / "held_out"), "--answers", str(folder / "answers")]
    words += ["--challenger", str(folder / "model"), "--out", str(folder / "out")]
    return main([*words, *more])


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "out" / name).read_text())


def test_answers_are_judged_as_in_one_process(folder: Path) -> None:
    assert ask(folder) == {"refused": "", "answers": [1.0] * 9}
    ask(folder, name="champion")

    assert judge(folder, "--champion-answers", str(folder / "champion")) == 0

    assert read(folder, "evaluation.json")["refused"] == ""
    assert read(folder, "comparison.json")["champion_loss"] == pytest.approx(2 / 3)
    assert read(folder, "metrics.json")["mse"] == pytest.approx(2 / 3)
    assert read(folder, "predictions.json")["champion"] == [1.0] * 9


def test_a_model_is_given_no_target(folder: Path) -> None:
    peeking = "def predict(model, data, out): sys.exit(','.join(data.read_text().splitlines()))"

    refused = ask(folder, peeking)["refused"]

    assert refused.endswith("a,0,1,2,3,4,5,6,7,8")


def test_a_model_that_breaks_the_contract_is_refused_by_the_judge(folder: Path) -> None:
    ask(folder, "def predict(model, data, out): sys.exit('no rows like these')")

    assert judge(folder) == 0
    assert "no rows like these" in read(folder, "evaluation.json")["refused"]


NAN = (
    "def predict(model, data, out):\n"
    "    rows = len(data.read_text().splitlines()) - 1\n"
    "    out.write_text('prediction\\n' + '1\\n' * (rows - 1) + 'nan\\n')\n"
)


@pytest.mark.parametrize("key", ["", "0b" * 32])
def test_a_champion_that_answers_nan_can_be_replaced(folder: Path, key: str) -> None:
    ask(folder)
    ask(folder, NAN, "champion", *(["--key", key] if key else []))
    words = ["--champion-answers", str(folder / "champion")]

    assert judge(folder, *words, *(["--champion-key", key] if key else [])) == 0

    comparison = read(folder, "comparison.json")
    assert comparison["champion_fault"].endswith(
        "predict answered 'nan' in row 9. Each answer must be a finite number."
    )
    assert "champion_loss" not in comparison
    assert comparison["challenger_loss"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("seal", [None, "0" * 64, 1])
def test_other_code_cannot_say_that_a_champion_answers_nan(folder: Path, seal: object) -> None:
    ask(folder)
    ask(folder, NAN, "champion", "--key", "0b" * 32)
    path = folder / "champion" / "answers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seal": seal}))
    words = ["--champion-answers", str(folder / "champion"), "--champion-key", "0b" * 32]

    assert judge(folder, *words) == 1
    assert not (folder / "out" / "evaluation.json").exists()


def test_the_options_of_a_comparison_reach_its_figures(folder: Path) -> None:
    ask(folder)
    ask(folder, name="champion")
    words = ["--champion-answers", str(folder / "champion"), "--metric", "pinball"]
    words += ["--quantile", "0.9", "--level", "0.01", "--look", "4", "--slice=a"]

    assert judge(folder, *words) == 0

    comparison = read(folder, "comparison.json")
    # Three rows each are 0, 1 and 2, and all answers are 1.
    assert comparison["challenger_loss"] == pytest.approx((0.1 + 0.0 + 0.9) / 3)
    assert (comparison["level"], comparison["look"]) == (0.01, 4)
    assert [(each["name"], each["rows"]) for each in comparison["slices"]] == [
        (f"a = {number}", 1) for number in range(9)
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--level", "0"), "'0' is not above 0 and at most 0.5"),
        (("--level", "nan"), "'nan' is not above 0 and at most 0.5"),
        (("--needed-share", "nan"), "'nan' is not above -1 and below 1"),
        (("--needed-share", "1"), "'1' is not above -1 and below 1"),
        (("--needed-share=-1",), "'-1' is not above -1 and below 1"),
        (("--metric", "r2"), "'r2' is none of mse, mae, "),
    ],
)
def test_an_option_out_of_range_is_refused(
    folder: Path, words: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        judge(folder, *words)

    assert problem in capsys.readouterr().err


def test_a_slice_of_an_unknown_column_ends_the_job_with_the_known_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(folder)

    assert judge(folder, "--slice=b") == 2
    assert "column b, which the rows do not have. They have a." in capsys.readouterr().err


def test_a_champion_that_does_not_answer_is_no_verdict(folder: Path) -> None:
    ask(folder)
    ask(folder, "def predict(model, data, out): sys.exit(1)", name="champion")

    assert judge(folder, "--champion-answers", str(folder / "champion")) == 1


@pytest.mark.parametrize("text", FORGED)
def test_answers_that_are_none_are_refused(folder: Path, text: str) -> None:
    ask(folder)
    (folder / "answers" / "answers.json").write_text(text)

    assert judge(folder) == 0
    assert "The challenger: " in read(folder, "evaluation.json")["refused"]


def test_a_training_that_wrote_no_folder_is_refused(folder: Path) -> None:
    (folder / "model" / "mean.txt").unlink()
    (folder / "model").rmdir()

    assert "train wrote no file" in ask(folder)["refused"]
    assert judge(folder) == 0
    assert "train wrote no file" in read(folder, "evaluation.json")["refused"]


def test_answers_by_a_link_are_refused(folder: Path) -> None:
    ask(folder)
    answers = folder / "answers" / "answers.json"
    answers.rename(folder / "elsewhere.json")
    answers.symlink_to(folder / "elsewhere.json")

    assert judge(folder) == 0
    assert "missing" in read(folder, "evaluation.json")["refused"]


def test_the_judge_runs_no_code_of_a_model(folder: Path) -> None:
    ask(folder)
    (folder / "model" / "sitecustomize.py").write_text("raise SystemExit(9)")
    (folder / "model" / "toy.py").write_text("raise SystemExit(9)")

    assert judge(folder) == 0
    assert read(folder, "evaluation.json")["refused"] == ""


def test_a_model_file_is_not_judged_without_skops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.skops").write_bytes(b"")
    # An import fails as in an environment without the package.
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)

    with pytest.raises(ContractError, match=r"no skops.*training/requirements.txt"):
        needed_types(tmp_path, ())


def test_sealed_answers_count_with_their_key(folder: Path) -> None:
    keys = {"answers": "0a" * 32, "champion": "0b" * 32}
    for name, key in keys.items():
        assert len(ask(folder, "", name, "--key", key)["seal"]) == 64

    words = ["--champion-answers", str(folder / "champion")]
    words += ["--key", keys["answers"], "--champion-key", keys["champion"]]

    assert judge(folder, *words) == 0
    assert read(folder, "evaluation.json")["refused"] == ""


@pytest.mark.parametrize("spoiled", ["answers", "champion"])
@pytest.mark.parametrize("seal", [None, 1, "", "0" * 64, "\u00e4", "of another"])
def test_answers_that_other_code_wrote_are_no_verdict(
    folder: Path, spoiled: str, seal: object, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"answers": "0a" * 32, "champion": "0b" * 32}
    written = {name: ask(folder, "", name, "--key", key) for name, key in keys.items()}
    forged = {"refused": "", "answers": [9.0] * 9, "seal": seal}
    if seal == "of another":
        forged["seal"] = written[spoiled]["seal"]
    (folder / spoiled / "answers.json").write_text(json.dumps(forged))
    words = ["--champion-answers", str(folder / "champion")]
    words += ["--key", keys["answers"], "--champion-key", keys["champion"]]

    assert judge(folder, *words) != 0

    assert "its answers were changed after it gave them" in capsys.readouterr().err
    assert not (folder / "out" / "evaluation.json").exists()


def test_a_model_that_was_changed_after_it_was_registered_does_not_answer(folder: Path) -> None:
    digest = folder_digest(folder / "model")
    assert ask(folder, "", "answers", "--digest", digest)["answers"] == [1.0] * 9
    (folder / "model" / "mean.txt").write_text("2.0", encoding="utf-8")

    refused = ask(folder, "", "champion", "--digest", digest)["refused"]

    assert "its model folder was changed after it was registered" in refused
    assert judge(folder, "--champion-answers", str(folder / "champion")) == 1
    assert not (folder / "out" / "evaluation.json").exists()
