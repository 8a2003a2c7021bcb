"""All rows judge: each is answered by a model that was trained without its fold."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from platform_jobs.__main__ import main
from platform_jobs.splitting.hashes import read_hashes
from platform_jobs.tables.tables import read_table
from sandbox.probe import find_level
from tests.platform_jobs.toys import write_project

ROWS = [f"{n},{n * n % 50}" for n in range(40)]
FOLDS = 3
KEYS = ["0a" * 32, *(f"{fold}b" * 32 for fold in range(FOLDS))]


def prepare(folder: Path, changes: str = "") -> Path:
    """Prepare rows with folds, and train the final model of the toy, which answers the mean."""
    folder.mkdir(parents=True, exist_ok=True)
    data, out = folder / "data.csv", folder / "rows"
    data.write_text("\n".join(["a,Y", *ROWS]) + "\n", encoding="utf-8")
    words = ["--data", str(data), "--target", "Y", "--key", "m", "--folds", str(FOLDS)]
    assert main(["prepare", *words, "--out", str(out)]) == 0
    write_project(folder / "code", changes)
    (folder / "model").mkdir()
    values = [float(row[1]) for row in read_table(out / "seen" / "all" / "rows.csv").rows]
    (folder / "model" / "mean.txt").write_text(repr(sum(values) / len(values)))
    return folder


def evaluate(folder: Path, *more: str) -> int:
    rows = folder / "rows"
    words = ["--held-out", str(rows / "held_out"), "--seen", str(rows / "seen"), "--module", "toy"]
    words += ["--challenger", str(folder / "model"), "--challenger-code", str(folder / "code")]
    return main(["evaluate", *words, "--out", str(folder / "out"), "--timeout", "600", *more])


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "out" / name).read_text())


def test_a_row_is_answered_by_the_mean_of_the_rows_outside_its_fold(tmp_path: Path) -> None:
    folder = prepare(tmp_path)

    assert evaluate(folder) == 0

    found = read(folder, "predictions.json")
    actual, folds = found["actual"], read_hashes(folder / "rows" / "held_out" / "folds.hashes")
    assert folds is not None
    by_fold: dict[int, list[float]] = defaultdict(list)
    for value, fold in zip(actual, folds, strict=True):
        by_fold[fold].append(value)
    total, count = sum(actual), len(actual)
    means = {f: (total - sum(own)) / (count - len(own)) for f, own in by_fold.items()}
    assert (len(means), count) == (FOLDS, len(ROWS))
    assert found["predicted"] == pytest.approx([means[fold] for fold in folds])
    assert read(folder, "comparison.json")["folds"] == FOLDS
    # The smoke test asks the final model, which was trained on all rows.
    assert read(folder, "golden.json")["result"] == pytest.approx([total / count] * 5)


def test_the_training_of_a_fold_sees_no_other_row(tmp_path: Path) -> None:
    level = find_level().level
    if not level.isolated:
        pytest.skip("this machine isolates no process")
    spy = (
        "def train(data, out):\n"
        "    rows = data.parent.parent\n"
        "    places = [data.parent / 'all', rows / 'held_out', rows.parent / 'model', rows / 'asked']\n"
        "    seen = sum(place.exists() for place in places)\n"
        "    (out / 'mean.txt').write_text(repr(float(seen)))\n"
    )
    folder = prepare(tmp_path, spy)

    assert evaluate(folder, "--isolation", level.name, "--hide", str(folder)) == 0

    assert read(folder, "predictions.json")["predicted"] == [0.0] * len(ROWS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ("def train(data, out): sys.exit('too few rows')", "train ended with exit code 1: too few"),
        ("def train(data, out): pass", "train wrote no file into its model folder"),
        (
            "def train(data, out): (out / 'mean.txt').symlink_to(data / 'rows.csv')",
            "mean.txt is a symbolic link",
        ),
    ],
)
def test_a_training_that_fails_on_a_fold_is_refused_with_the_fold(
    tmp_path: Path, changes: str, reason: str
) -> None:
    folder = prepare(tmp_path, changes)

    assert evaluate(folder) == 0

    refused = read(folder, "evaluation.json")["refused"]
    assert refused.startswith("The challenger trained without fold ")
    assert reason in refused


def test_rows_with_folds_are_not_judged_by_a_model_that_saw_them(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    held_out, model = folder / "rows" / "held_out", folder / "model"
    words = ["--held-out", str(held_out), "--challenger", str(model), "--module", "toy"]
    words += ["--challenger-code", str(folder / "code"), "--out", str(folder / "out")]

    assert main(["evaluate", *words]) == 0
    assert "Give the rows of each" in read(folder, "evaluation.json")["refused"]


def ask(folder: Path) -> list[str]:
    """Let the final model and the models of the folds answer in jobs; return the judge's words."""
    rows, words = folder / "rows", ["--key", KEYS[0]]
    code = ["--module", "toy", "--code", str(folder / "code"), "--timeout", "600"]
    final = ["--model", str(folder / "model"), "--asked", str(rows / "asked" / "all")]
    jobs = [("all", final)]
    for fold in range(1, FOLDS + 1):
        given = ["--rows", str(rows / "seen" / str(fold))]
        jobs.append((str(fold), [*given, "--asked", str(rows / "asked" / str(fold))]))
    for (name, job), key in zip(jobs, KEYS, strict=True):
        out = folder / "answers" / name
        named = ["--name", f"The model {name}", "--out", str(out), "--key", key]
        assert main(["ask", *code, *job, *named]) == 0
        if name != "all":
            words += ["--fold-answers", str(out), "--fold-key", key]
    return words


def judge(folder: Path, words: list[str]) -> int:
    given = ["--held-out", str(folder / "rows" / "held_out"), "--challenger", str(folder / "model")]
    given += ["--answers", str(folder / "answers" / "all"), "--out", str(folder / "out")]
    return main(["judge", *given, *words])


def test_jobs_of_their_own_answer_as_one_evaluation_does(tmp_path: Path) -> None:
    one, apart = prepare(tmp_path / "one"), prepare(tmp_path / "apart")

    assert evaluate(one) == 0
    assert judge(apart, ask(apart)) == 0

    for name in ("predictions.json", "comparison.json", "metrics.json", "golden.json"):
        assert read(apart, name) == read(one, name), name
    for name in ("seen.hashes", "judged.hashes"):
        assert (apart / "out" / name).read_bytes() == (one / "out" / name).read_bytes()


def test_answers_of_a_fold_that_other_code_wrote_are_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(tmp_path)
    words = ask(folder)
    path = folder / "answers" / "2" / "answers.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "answers": [0.0] * len(content["answers"])}))

    assert judge(folder, words) != 0

    assert "fold 2 of 3: its answers were changed" in capsys.readouterr().err
    assert not (folder / "out" / "evaluation.json").exists()


def test_answers_of_too_few_folds_are_refused(tmp_path: Path) -> None:
    folder = prepare(tmp_path)

    assert judge(folder, ask(folder)[:-4]) == 0
    text = "2 folders of answers and 2 keys, and the rows have 3 folds"
    assert text in read(folder, "evaluation.json")["refused"]
