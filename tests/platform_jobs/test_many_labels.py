"""A classifier of more than two labels is prepared, trained, asked and judged by all of them."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as known

from platform_jobs.__main__ import main
from platform_jobs.errors import ContractError
from platform_jobs.models.answers import read_answer_file
from platform_jobs.splitting.unseen import recall
from tests.platform_jobs.toys import write_project

WORDS = ("low", "middle", "high")
NUMBERS = ("1", "2", "3")
# The probability of a label is its share among the seen rows of the same zone.
SHARES = """
LABELS = ("low", "middle", "high")

def train(data, out):
    schema = json.loads((data / "schema.json").read_text())
    assert tuple(schema["labels"]) == LABELS, schema
    with (data / "rows.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    shares = {}
    for zone in "abc":
        own = [row["risk"] for row in rows if row["zone"] == zone]
        shares[zone] = [own.count(label) / len(own) for label in LABELS]
    (out / "shares.json").write_text(json.dumps(shares))

def predict(model, data, out):
    shares = json.loads((model / "shares.json").read_text())
    with data.open() as lines:
        given = [shares[row["zone"]] for row in csv.DictReader(lines)]
    # The columns come in another order than the labels.
    header = ["prediction", *(f"probability:{label}" for label in reversed(LABELS))]
    lines = [[LABELS[row.index(max(row))], *map(repr, reversed(row))] for row in given]
    out.write_text("\\n".join(",".join(line) for line in [header, *lines]) + "\\n")

def sample(out):
    lines = ["n,zone,risk"]
    for n in range(150):
        zone = n % 3
        lines.append(f"{n},{'abc'[zone]},{LABELS[(zone + (n % 5 == 0)) % 3]}")
    out.write_text("\\n".join(lines) + "\\n")
"""


def project(folder: Path, labels: Sequence[str] = WORDS) -> Path:
    quoted = ", ".join(f'"{label}"' for label in labels)
    return write_project(folder, SHARES.replace('"low", "middle", "high"', quoted))


def options(labels: Sequence[str] = WORDS) -> list[str]:
    return [*(f"--label={label}" for label in labels), "--category", "zone"]


def prepare(folder: Path, labels: Sequence[str] = WORDS, *more: str) -> Path:
    """Write the toy's code, sample and prepared rows, and train it; return the folder."""
    code = project(folder / "code", labels)
    assert main(["sample", "--module", "toy", "--code", str(code), "--out", str(folder)]) == 0
    words = ["--data", str(folder / "rows.csv"), "--target", "risk", "--key", "toy"]
    words += [*options(labels), "--out", str(folder / "rows")]
    assert main(["prepare", *words, *more]) == 0
    shares = {"a": [0.7, 0.3, 0.0], "b": [0.1, 0.6, 0.3], "c": [0.2, 0.2, 0.6]}
    (folder / "model").mkdir()
    (folder / "model" / "shares.json").write_text(json.dumps(shares))
    return folder


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return prepare(tmp_path)


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def evaluate(folder: Path, *more: str) -> Any:
    words = ["--held-out", str(folder / "rows" / "held_out"), "--module", "toy"]
    words += ["--challenger", str(folder / "model"), "--challenger-code", str(folder / "code")]
    words += ["--metric", "log_loss", "--out", str(folder / "out")]
    assert main(["evaluate", *words, *more]) == 0
    return read(folder / "out", "evaluation.json")


@pytest.mark.parametrize("labels", [WORDS, NUMBERS])
def test_a_classifier_keeps_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: Sequence[str]
) -> None:
    code = project(tmp_path, labels)

    assert main(["contract", "--module", "toy", "--code", str(code), *options(labels)]) == 0

    said = capsys.readouterr().out
    for figure in ("accuracy", "log_loss", "brier", "auc"):
        assert figure in said


def test_a_probability_that_depends_on_other_rows_breaks_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = project(tmp_path)
    text = (code / "toy.py").read_text()
    # The probability of the last label stays as it is.
    moved = "move = 1e-3 / len(given)"
    moved += "; given = [[a + (b - a) * move, b - (b - a) * move, c] for a, b, c in given]"
    before = "    # The columns come"
    assert before in text
    (code / "toy.py").write_text(text.replace(before, f"    {moved}\n{before}"))

    assert main(["contract", "--module", "toy", "--code", str(code), *options()]) == 1

    fault = r"predict answers row \d+ by the probabilities 0\.\d+, 0\.\d+, \S+, and by the prob"
    assert re.search(fault, capsys.readouterr().out)


@pytest.mark.parametrize("labels", [WORDS, NUMBERS])
def test_the_probabilities_of_all_labels_are_judged(tmp_path: Path, labels: Sequence[str]) -> None:
    folder = prepare(tmp_path, labels)

    assert evaluate(folder)["refused"] == ""

    answers, figures = (read(folder / "out", f"{name}.json") for name in ("predictions", "metrics"))
    actual, given = np.array(answers["actual"]), np.array(answers["predicted"])
    with (folder / "rows" / "held_out" / "rows.csv").open() as lines:
        truths = [row["risk"] for row in csv.DictReader(lines)]
    assert [labels[int(number)] for number in actual] == truths
    assert answers["labels"] == [labels[number] for number in given.argmax(axis=1)]
    assert answers["classes"] == list(labels)
    assert figures["accuracy"] == pytest.approx(np.mean(given.argmax(axis=1) == actual))
    assert figures["log_loss"] == pytest.approx(known.log_loss(actual, given))
    assert figures["brier"] == pytest.approx(float(known.brier_score_loss(actual, given)))
    area = known.roc_auc_score(actual, given, multi_class="ovr", average="macro")
    assert figures["auc"] == pytest.approx(float(area))
    comparison = read(folder / "out", "comparison.json")
    # The gate clips at another distance from 0 than the figures.
    assert comparison["challenger_loss"] == pytest.approx(figures["log_loss"], rel=0.05)
    assert comparison["challenger"]["skill"] > 0.0
    assert comparison["challenger"]["constant"] is False
    plots = {path.name for path in (folder / "out" / "plots").iterdir()}
    assert plots == {"roc.svg", "calibration.svg", "confusion.svg"}


def test_the_smoke_test_has_the_probability_of_each_label(prepared: Path) -> None:
    evaluate(prepared)

    golden, schema = (read(prepared / "out", f"{n}.json") for n in ("golden", "model_schema"))
    shares = read(prepared / "model", "shares.json")
    for row, label, probabilities in zip(
        golden["data"], golden["result"], golden["probabilities"], strict=True
    ):
        assert probabilities == pytest.approx(dict(zip(WORDS, shares[row[1]], strict=True)))
        assert label == max(probabilities, key=probabilities.__getitem__)
    assert schema["labels"] == list(WORDS)


def champion(folder: Path, shares: object) -> list[str]:
    (folder / "champion").mkdir()
    (folder / "champion" / "shares.json").write_text(json.dumps(shares))
    return ["--champion", str(folder / "champion"), "--champion-code", str(folder / "code")]


@pytest.mark.parametrize("metric", ["log_loss", "brier", "calibration", "auc", "f_beta"])
def test_a_challenger_is_compared_with_the_champion_also_in_slices(
    prepared: Path, metric: str
) -> None:
    # Both give the same probability to the last label.
    theirs = {"a": [0.3, 0.7, 0.0], "b": [0.6, 0.1, 0.3], "c": [0.2, 0.2, 0.6]}

    content = evaluate(prepared, *champion(prepared, theirs), "--slice", "zone", "--metric", metric)

    assert content["largest_difference"] == pytest.approx(0.5)
    found = read(prepared / "out", "comparison.json")
    assert found["refused"] == ""
    assert found["gain"] == pytest.approx(found["champion_loss"] - found["challenger_loss"])
    if metric not in ("calibration", "auc"):
        assert found["gain"] > 0.0
    assert {part["name"] for part in found["slices"]} == {"zone = a", "zone = b", "zone = c"}
    assert len(read(prepared / "out", "predictions.json")["champion"][0]) == 3


def test_a_champion_of_fewer_labels_cannot_be_compared(prepared: Path) -> None:
    options_of_champion = champion(prepared, {"a": [1.0, 0.0], "b": [1.0, 0.0], "c": [0.5, 0.5]})
    old = project(prepared / "old", ("low", "high"))

    evaluate(prepared, *options_of_champion[:2], "--champion-code", str(old))

    found = read(prepared / "out", "comparison.json")
    assert "predict wrote no column `probability:middle`" in found["champion_fault"]
    assert "gain" not in found


def test_a_direction_is_that_of_the_last_label(prepared: Path) -> None:
    evaluate(prepared, "--increasing", "n", "--tolerance", "0.1")

    [figures] = read(prepared / "out", "comparison.json")["monotone"]
    assert (figures["broken"], figures["limit"]) == (0, 0.1)


def test_a_judging_set_without_a_label_is_judged_by_the_others(prepared: Path) -> None:
    path = prepared / "rows" / "held_out" / "rows.csv"
    lines = path.read_text().splitlines()
    others = [line.replace("high", "middle") for line in lines]
    path.write_text("\n".join(others) + "\n")

    for metric in ("log_loss", "brier", "calibration", "auc", "f_beta"):
        assert evaluate(prepared, "--metric", metric)["refused"] == "", metric
        assert read(prepared / "out", "comparison.json")["refused"] == "", metric
    assert set(read(prepared / "out", "predictions.json")["actual"]) == {0.0, 1.0}


def ask(folder: Path) -> Any:
    words = ["ask", "--module", "toy", "--code", str(folder / "code"), "--name", "The toy"]
    words += ["--model", str(folder / "model"), "--asked", str(folder / "rows" / "asked")]
    assert main([*words, "--out", str(folder / "answers"), "--key", "ab" * 32]) == 0
    return read(folder / "answers", "answers.json")


def judge(folder: Path) -> list[str]:
    words = ["judge", "--held-out", str(folder / "rows" / "held_out"), "--metric", "log_loss"]
    words += ["--answers", str(folder / "answers"), "--challenger", str(folder / "model")]
    return [*words, "--out", str(folder / "judged")]


def test_answers_of_separate_jobs_are_judged_alike(prepared: Path) -> None:
    evaluate(prepared)
    ask(prepared)

    assert main([*judge(prepared), "--key", "ab" * 32]) == 0

    for name in ("predictions.json", "metrics.json", "golden.json", "comparison.json"):
        assert read(prepared / "judged", name) == read(prepared / "out", name)


def test_probabilities_of_all_labels_are_sealed(
    prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = ask(prepared)
    # The first two labels change places; the last one, and the chosen labels, stay.
    content["probabilities"] = [[b, a, c] for a, b, c in content["probabilities"]]
    (prepared / "answers" / "answers.json").write_text(json.dumps(content))

    assert main([*judge(prepared), "--key", "ab" * 32]) == 2
    assert "its answers were changed after it gave them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "forge",
    [
        lambda rows: [],
        lambda rows: None,
        lambda rows: rows[1:],
        lambda rows: [row[1:] for row in rows],
        lambda rows: [[0.0, 0.0, row[2]] for row in rows],
        lambda rows: [[1.5 - row[2], -0.5, row[2]] for row in rows],
        lambda rows: [[row[2], row[1], row[0]] for row in rows],
        lambda rows: ["abc" for _ in rows],
    ],
)
def test_answers_that_other_code_wrote_are_no_answers(prepared: Path, forge: Any) -> None:
    content = ask(prepared)
    content["probabilities"] = forge(content["probabilities"])
    (prepared / "answers" / "answers.json").write_text(json.dumps(content))

    assert main(judge(prepared)) == 0

    refused = read(prepared / "judged", "evaluation.json")["refused"]
    assert "rows with the labels low, middle, high and their probabilities" in refused


def test_with_folds_the_answers_of_the_folds_are_judged_and_remembered(tmp_path: Path) -> None:
    folder = prepare(tmp_path, WORDS, "--folds", "2")

    evaluate(folder, "--seen", str(folder / "rows" / "seen"))

    answers = read(folder / "out", "predictions.json")
    shares = list(read(folder / "model", "shares.json").values())
    assert all(pytest.approx(row) in shares for row in answers["final"])
    assert not any(pytest.approx(row) in shares for row in answers["predicted"])
    assert len({tuple(row) for row in answers["predicted"]}) == 6
    memory = recall(folder / "out", WORDS)
    assert {*memory.answers.values()} == {tuple(row) for row in answers["predicted"]}
    # The labels have another order now.
    assert recall(folder / "out", WORDS[::-1]).answers == {}
    assert recall(folder / "out", WORDS[::-1]).seen == memory.seen


def test_probabilities_are_scaled_to_a_sum_of_1() -> None:
    text = "prediction,probability:a,probability:b,probability:c\na,0.5004,0.2502,0.2502\n"

    answers = read_answer_file(text, 1, ("a", "b", "c"))

    [row] = answers.probabilities
    assert row == pytest.approx((0.5004 / 1.0008, 0.2502 / 1.0008, 0.2502 / 1.0008), abs=1e-12)
    assert answers.numbers == [row[-1]]
    with pytest.raises(ContractError, match=r"add up to 1.25 in row 1"):
        read_answer_file(text.replace("0.5004", "0.7496"), 1, ("a", "b", "c"))
    with pytest.raises(ContractError, match="no column `probability:d`"):
        read_answer_file(text, 1, ("a", "b", "d"))


def test_a_metric_of_numbers_is_no_metric_of_labels(
    prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--held-out", str(prepared / "rows" / "held_out"), "--module", "toy"]
    words += ["--challenger", str(prepared / "model")]
    words += ["--challenger-code", str(prepared / "code"), "--out", str(prepared / "out")]

    assert main(["evaluate", *words, "--metric", "mae"]) == 2
    assert "metric = 'mae': for a target with labels it must be one of" in capsys.readouterr().err


def test_an_own_function_judges_no_more_than_two_labels(prepared: Path) -> None:
    words = ["--metric", "toy:cost", "--direction", "lower"]

    assert evaluate(prepared, *words)["refused"] == ""

    refused = read(prepared / "out", "comparison.json")["refused"]
    assert refused.startswith("The metric toy:cost is an own function, which judges numbers or two")


def test_fifty_labels_are_judged(tmp_path: Path) -> None:
    labels = tuple(f"class {number}" for number in range(50))
    rng = np.random.default_rng(0)
    code = write_project(
        tmp_path / "code",
        f"LABELS = {labels!r}\n"
        "def train(data, out): (out / 'm.txt').write_text('x')\n"
        "def predict(model, data, out):\n"
        "    with data.open() as lines:\n"
        "        rows = [int(row['a']) for row in csv.DictReader(lines)]\n"
        "    header = ['prediction', *(f'probability:{label}' for label in LABELS)]\n"
        "    def line(n):\n"
        "        share = 0.3 / 49\n"
        "        return [LABELS[n], *(repr(0.7 if m == n else share) for m in range(50))]\n"
        "    lines = [header, *(line(n) for n in rows)]\n"
        "    out.write_text('\\n'.join(','.join(line) for line in lines) + '\\n')\n",
    )
    numbers = rng.integers(0, 50, 400)
    shown = np.where(rng.uniform(size=400) < 0.7, numbers, rng.integers(0, 50, 400))
    pairs = zip(shown, numbers, range(400), strict=True)
    lines = [f"{a},{n},class {b}" for a, b, n in pairs]
    (tmp_path / "rows.csv").write_text("a,n,Y\n" + "\n".join(lines) + "\n")
    words = ["--data", str(tmp_path / "rows.csv"), "--target", "Y", "--key", "toy"]
    words += [f"--label={label}" for label in labels]
    assert main(["prepare", *words, "--out", str(tmp_path / "rows")]) == 0
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "m.txt").write_text("x")
    assert (code / "toy.py").is_file()

    assert evaluate(tmp_path)["refused"] == ""

    assert read(tmp_path / "out", "comparison.json")["challenger"]["skill_low"] > 1.0
