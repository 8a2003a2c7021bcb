"""The data check of a preparation: from two files to a verdict."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.domain.codec import load
from function_app.domain.data_quality import DataPolicy, Prepared, judge_prepared
from function_app.domain.gates import Verdict
from platform_jobs.__main__ import main
from tests.made_once import ROOT, sample_rows

COLUMNS = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "Y")
POLICY = DataPolicy(columns=COLUMNS, min_rows=100)


def words(data: Path, out: Path, reference: Path | None = None, digest: str = "") -> list[str]:
    given = ["prepare", "--data", str(data), "--target", "Y", "--key", "m", "--out", str(out)]
    given += POLICY.column_words()
    if reference is not None:
        digest = digest or hashlib.sha256(reference.read_bytes()).hexdigest()
        given += ["--reference", str(reference), "--reference-digest", digest]
    return given


def prepared(folder: Path, content: str) -> Prepared:
    """Prepare a file with the sample data as its reference."""
    data = folder / "data.csv"
    data.write_text(content, encoding="utf-8")
    assert main(words(data, folder / "out", sample_rows())) == 0
    return load(Prepared, json.loads((folder / "out" / "prepared.json").read_text()))


def good_file() -> list[str]:
    """Return the lines of the seed's good file: the diabetes data under a header in capitals."""
    header, *rows = sample_rows().read_text().splitlines()
    return [header.upper(), *rows]


def test_the_seeds_good_file_passes(tmp_path: Path) -> None:
    result = judge_prepared(prepared(tmp_path, "\n".join([*good_file(), ""])), None, POLICY)

    assert (result.passed, result.verdict) == (True, Verdict.PASS)
    assert result.reasons[0] == "442 rows pass every data check."
    assert "'AGE' as age, 'SEX' as sex, 'BMI' as bmi and 7 more" in result.reasons[-1]


def test_the_seeds_three_bad_files_are_refused_for_three_reasons(tmp_path: Path) -> None:
    """They have the header and two rows of the good file, and one fault each.

    The names of the seed's files (MLOpsPython, data/) are those of the folders here.
    """
    header, first, second = good_file()[:3]
    bad_schema = [line.partition(",")[2] for line in (header, first, second)]
    missing = [header, ",,," + first.split(",", 3)[3], second]
    bad_dist = [header, "100," + first.partition(",")[2], second]
    few = "2 rows; at least 100 are needed."

    reasons = {}
    for name, lines in {
        "bad_schema": bad_schema,
        "missing_values": missing,
        "bad_dist": bad_dist,
    }.items():
        (tmp_path / name).mkdir()
        result = judge_prepared(prepared(tmp_path / name, "\n".join([*lines, ""])), None, POLICY)
        assert (result.passed, result.verdict) == (False, Verdict.REJECT)
        reasons[name] = [reason for reason in result.reasons if reason != few]

    assert reasons["bad_schema"][0] == "Column age is absent."
    assert reasons["missing_values"][0].startswith("age: missing values (empty cells) in 1 of 2")
    assert reasons["bad_dist"][0].startswith("age: the mean moved by 10")


def test_new_groups_are_no_finding(tmp_path: Path) -> None:
    header, *rows = good_file()
    data = tmp_path / "data.csv"
    moved = (f"{500 + number},{row.partition(',')[2]}" for number, row in enumerate(rows))
    data.write_text("\n".join([header, *moved, ""]), encoding="utf-8")

    verdicts = {}
    for group in ("", "age"):
        given = [*words(data, tmp_path / "out", sample_rows()), "--group", group]
        assert main(given) == 0
        made = load(Prepared, json.loads((tmp_path / "out" / "prepared.json").read_text()))
        verdicts[group] = judge_prepared(made, None, replace(POLICY, group=group)).verdict

    assert verdicts == {"": Verdict.REJECT, "age": Verdict.PASS}


def test_a_fault_of_the_distribution_refuses_the_file_beside_other_faults(tmp_path: Path) -> None:
    header, *rows = good_file()
    bmi = [",".join([*row.split(",")[:2], "0", *row.split(",")[3:]]) for row in rows[:60]]
    result = judge_prepared(
        prepared(tmp_path, "\n".join([header, *bmi, *rows[60:], ""])), None, POLICY
    )

    assert not result.passed
    assert any("bmi: 60 of 60 cells are 0, and 0 of 442" in text for text in result.reasons)


@pytest.mark.parametrize(("answer", "passed"), [("accept", True), ("reject", False)])
def test_the_policy_answers_a_plausible_shift(tmp_path: Path, answer: str, passed: bool) -> None:
    header, *rows = good_file()
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[2] = str(float(row[2]) * 1.7)
    content = prepared(tmp_path, "\n".join([header, *map(",".join, cells), ""]))

    result = judge_prepared(content, None, replace(POLICY, inconclusive=answer))

    assert (result.passed, result.verdict) == (passed, Verdict.INCONCLUSIVE)
    assert result.reasons[0].startswith("The data check is inconclusive: 442 rows differ")
    assert any("bmi: the standard deviation is 1.7 times" in text for text in result.reasons)


def test_a_reference_that_was_changed_is_not_compared_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(words(sample_rows(), tmp_path / "out", sample_rows(), digest="0" * 64))

    assert code == 2
    assert "the reference data, was changed after it was kept" in capsys.readouterr().err


def test_a_reference_that_is_no_table_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"PAR1")

    assert main(words(sample_rows(), tmp_path / "out", tmp_path / "r.csv")) == 0
    content = load(Prepared, json.loads((tmp_path / "out" / "prepared.json").read_text()))
    result = judge_prepared(content, None, POLICY)

    assert result.passed
    assert result.reasons[1].startswith("The reference data cannot be read: The file is a Parquet")


def test_without_numpy_the_figures_are_compared_and_a_note_names_the_package(
    tmp_path: Path,
) -> None:
    # -S leaves out the installed packages.
    command = [sys.executable, "-S", "-m", "platform_jobs"]
    command += words(sample_rows(), tmp_path / "out", sample_rows())
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    content = load(Prepared, json.loads((tmp_path / "out" / "prepared.json").read_text()))

    result = judge_prepared(content, None, POLICY)

    assert result.passed
    assert "because numpy is not installed" in result.reasons[1]
    assert content.reference is not None


def test_without_numpy_a_reference_that_is_no_table_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"PAR1")
    command = [sys.executable, "-S", "-m", "platform_jobs"]
    command += words(sample_rows(), tmp_path / "out", tmp_path / "r.csv")
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    content = json.loads((tmp_path / "out" / "prepared.json").read_text())

    assert content["refused"] == ""
    assert "cannot be read: The file is a Parquet" in content["check"]["findings"][0]["text"]


def test_without_reference_data_nothing_is_imported_beyond_python(tmp_path: Path) -> None:
    code = (
        "import sys; from platform_jobs.__main__ import main; main(sys.argv[1:]); "
        "print(sorted({'numpy', 'scipy'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *words(sample_rows(), tmp_path / "out")],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert answer.stdout.splitlines() == ["442 rows", "[]"]


def test_numbers_near_the_greatest_double_are_refused_and_break_nothing(tmp_path: Path) -> None:
    header, *rows = good_file()
    huge = [f"{'-' if n % 2 else ''}1.7e308,{row.partition(',')[2]}" for n, row in enumerate(rows)]

    content = prepared(tmp_path, "\n".join([header, *huge, ""]))
    result = judge_prepared(content, None, POLICY)

    assert result.verdict is Verdict.REJECT
    assert any(text.startswith("age: the standard deviation is") for text in result.reasons)


def test_a_stored_preparation_of_0_1_0_decodes() -> None:
    stored = {"refused": "", "profile": {"rows": 1, "columns": []}, "seen": 1, "held_out": 0}

    assert load(Prepared, stored).check is None
