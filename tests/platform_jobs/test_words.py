"""A classifier is prepared, trained, asked and judged by its labels and columns of words."""

import json
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from tests.platform_jobs.toys import write_project

# The probability of "yes" is the share of "yes" among the seen rows of the same plan.
SHARES = """
def train(data, out):
    schema = json.loads((data / "schema.json").read_text())
    assert schema["labels"] == ["no", "yes"], schema
    assert schema["kinds"] == {"n": "number", "plan": "category", "left": "label"}, schema
    with (data / "rows.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    shares = {}
    for plan in sorted({row["plan"] for row in rows}):
        own = [row for row in rows if row["plan"] == plan]
        shares[plan] = sum(row["left"] == "yes" for row in own) / len(own)
    (out / "shares.json").write_text(json.dumps(shares))

def predict(model, data, out):
    shares = json.loads((model / "shares.json").read_text())
    with data.open() as lines:
        given = [shares[row["plan"]] for row in csv.DictReader(lines)]
    answers = [f"{'yes' if p > 0.5 else 'no'},{p!r},{1 - p!r}" for p in given]
    header = "prediction,probability:yes,probability:no"
    out.write_text("\\n".join([header, *answers]) + "\\n")

def sample(out):
    plans = [("basic", "yes" if n % 3 else "no") if n % 2 else ("1", "no") for n in range(80)]
    lines = [f"{n},{plan},{left}" for n, (plan, left) in enumerate(plans)]
    out.write_text("n,plan,left\\n" + "\\n".join(lines) + "\\n")
"""
WORDS = ["--label", "no", "--label", "yes", "--category", "plan"]


def contract(code: Path, *more: str) -> int:
    return main(["contract", "--module", "toy", "--code", str(code), *WORDS, *more])


def test_a_classifier_keeps_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contract(write_project(tmp_path, SHARES)) == 0
    said = capsys.readouterr().out
    for figure in ("accuracy", "log_loss", "brier", "auc"):
        assert figure in said


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("else 'no'}", "else 'maybe'}", "Each answer must be one of the labels no, yes"),
        ("probability:yes,", "yes,", "no column `probability:yes`"),
        ('("1", "no")', '("1", "never")', "none of the labels no, yes, such as 'never'"),
    ],
)
def test_other_labels_than_declared_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, reason: str
) -> None:
    assert before in SHARES

    assert contract(write_project(tmp_path, SHARES.replace(before, after))) == 1
    assert reason in capsys.readouterr().out


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Return a folder with the toy's code, prepared rows and a trained model."""
    code = write_project(tmp_path / "code", SHARES)
    assert main(["sample", "--module", "toy", "--code", str(code), "--out", str(tmp_path)]) == 0
    words = ["--data", str(tmp_path / "rows.csv"), "--target", "left", "--key", "toy", *WORDS]
    assert main(["prepare", *words, "--out", str(tmp_path / "rows")]) == 0
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "shares.json").write_text('{"1": 0.0, "basic": 0.75}')
    return tmp_path


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def evaluate(folder: Path) -> None:
    words = ["--held-out", str(folder / "rows" / "held_out"), "--module", "toy"]
    words += ["--challenger", str(folder / "model"), "--challenger-code", str(folder / "code")]
    assert main(["evaluate", *words, "--out", str(folder / "out")]) == 0


def test_the_gate_judges_the_probability_of_the_last_label(prepared: Path) -> None:
    evaluate(prepared)

    answers = read(prepared / "out", "predictions.json")
    assert set(answers["actual"]) == {0.0, 1.0}
    assert set(answers["predicted"]) == {0.0, 0.75}
    assert answers["labels"] == ["yes" if p > 0.5 else "no" for p in answers["predicted"]]
    figures = read(prepared / "out", "metrics.json")
    pairs = list(zip(answers["actual"], answers["predicted"], strict=True))
    assert figures["brier"] == pytest.approx(sum((a - p) ** 2 for a, p in pairs) / len(pairs))
    assert figures["accuracy"] == sum(bool(a) == (p > 0.5) for a, p in pairs) / len(pairs)


def test_the_golden_rows_keep_a_category_that_looks_like_a_number(prepared: Path) -> None:
    evaluate(prepared)

    golden = read(prepared / "out", "golden.json")
    schema = read(prepared / "out", "model_schema.json")
    assert {type(row[0]) for row in golden["data"]} == {float}
    assert {row[1] for row in golden["data"]} <= {"1", "basic"}
    assert set(golden["result"]) <= {"no", "yes"}
    assert golden["probabilities"][0]["no"] == 1 - golden["probabilities"][0]["yes"]
    assert (schema["labels"], schema["kinds"]) == (["no", "yes"], {"plan": "category"})


def test_a_schema_of_the_model_that_has_no_labels_is_refused(prepared: Path) -> None:
    (prepared / "model" / "model_schema.json").write_text('{"features": ["n", "plan"]}')

    evaluate(prepared)

    refused = read(prepared / "out", "evaluation.json")["refused"]
    assert "model_schema.json in the model folder has not the labels no, yes" in refused


def ask(folder: Path, *more: str) -> Any:
    words = ["ask", "--module", "toy", "--code", str(folder / "code"), "--name", "The toy"]
    words += ["--model", str(folder / "model"), "--asked", str(folder / "rows" / "asked")]
    assert main([*words, "--out", str(folder / "answers"), *more]) == 0
    return read(folder / "answers", "answers.json")


def judge(folder: Path, *more: str) -> Any:
    words = ["judge", "--held-out", str(folder / "rows" / "held_out")]
    words += ["--answers", str(folder / "answers"), "--challenger", str(folder / "model")]
    assert main([*words, "--out", str(folder / "judged"), *more]) == 0
    return read(folder / "judged", "evaluation.json")


def test_answers_of_separate_jobs_are_judged_alike(prepared: Path) -> None:
    evaluate(prepared)
    ask(prepared, "--key", "ab" * 32)

    assert judge(prepared, "--key", "ab" * 32)["refused"] == ""

    for name in ("predictions.json", "metrics.json", "golden.json", "model_schema.json"):
        assert read(prepared / "judged", name) == read(prepared / "out", name)


@pytest.mark.parametrize(
    "forged",
    [
        {"labels": []},
        {"labels": ["maybe"] * 99},
        {"labels": None},
        {"answers": [7.0] * 99},
    ],
)
def test_answers_that_other_code_wrote_are_no_answers(
    prepared: Path, forged: dict[str, Any]
) -> None:
    content = ask(prepared)
    rows = len(content["answers"])
    content |= {key: value[:rows] if value else value for key, value in forged.items()}
    (prepared / "answers" / "answers.json").write_text(json.dumps(content))

    refused = judge(prepared)["refused"]

    assert f"must answer {rows} rows with the labels no, yes and their probabilities" in refused


def test_the_labels_are_sealed_too(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = ask(prepared, "--key", "ab" * 32)
    content["labels"] = ["yes"] * len(content["labels"])
    (prepared / "answers" / "answers.json").write_text(json.dumps(content))
    words = ["judge", "--held-out", str(prepared / "rows" / "held_out"), "--key", "ab" * 32]
    words += ["--answers", str(prepared / "answers"), "--challenger", str(prepared / "model")]

    assert main([*words, "--out", str(prepared / "judged")]) == 2
    assert "its answers were changed after it gave them" in capsys.readouterr().err


def test_with_folds_the_labels_and_probabilities_are_those_of_the_models_of_the_folds(
    tmp_path: Path,
) -> None:
    code = write_project(tmp_path / "code", SHARES)
    assert main(["sample", "--module", "toy", "--code", str(code), "--out", str(tmp_path)]) == 0
    words = ["--data", str(tmp_path / "rows.csv"), "--target", "left", "--key", "toy", *WORDS]
    assert main(["prepare", *words, "--out", str(tmp_path / "rows"), "--folds", "2"]) == 0
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "shares.json").write_text('{"1": 0.0, "basic": 0.25}')
    given = ["--challenger", str(tmp_path / "model"), "--module", "toy"]
    given += ["--held-out", str(tmp_path / "rows" / "held_out")]
    here = ["--challenger-code", str(code), "--seen", str(tmp_path / "rows" / "seen")]

    assert main(["evaluate", *given, *here, "--out", str(tmp_path / "out")]) == 0

    answers, golden = (read(tmp_path / "out", f"{name}.json") for name in ("predictions", "golden"))
    assert set(answers["final"]) == {0.0, 0.25}
    assert len({*answers["predicted"]} - {0.0}) == 2
    assert min({*answers["predicted"]} - {0.0}) > 0.5
    assert answers["labels"] == ["yes" if p > 0.5 else "no" for p in answers["predicted"]]
    # The smoke test asks the final model.
    assert set(golden["result"]) == {"no"}

    asking = [
        "ask",
        "--module",
        "toy",
        "--code",
        str(code),
        "--name",
        "The toy",
        "--key",
        "ab" * 32,
    ]
    words = ["judge", *given[:2], *given[4:], "--key", "ab" * 32]
    for part, model in (
        ("all", ["--model", str(tmp_path / "model")]),
        ("1", ["--rows", str(tmp_path / "rows" / "seen" / "1")]),
        ("2", ["--rows", str(tmp_path / "rows" / "seen" / "2")]),
    ):
        asked, said = tmp_path / "rows" / "asked" / part, tmp_path / "answers" / part
        assert main([*asking, *model, "--asked", str(asked), "--out", str(said)]) == 0
        option = "--answers" if part == "all" else "--fold-answers"
        words += [option, str(said), *([] if part == "all" else ["--fold-key", "ab" * 32])]
    assert main([*words, "--out", str(tmp_path / "judged")]) == 0

    for name in ("predictions.json", "metrics.json", "golden.json", "comparison.json"):
        assert read(tmp_path / "judged", name) == read(tmp_path / "out", name)


def test_a_column_of_groups_has_no_kind_and_may_hold_any_text(tmp_path: Path) -> None:
    changes = SHARES.replace("n,plan,left", "who,n,plan,left").replace('f"{n},', 'f"u{n % 20},{n},')
    code = write_project(tmp_path, changes)

    assert contract(code, "--group", "who") == 0
