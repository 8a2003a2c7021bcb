import math
from dataclasses import replace

import pytest

from function_app.domain.data_quality import (
    KINDS,
    MOST_OF_WORDS,
    CellKind,
    ColumnProfile,
    DataCheck,
    DataFinding,
    DataPolicy,
    DataProfile,
    Prepared,
    judge,
    judge_prepared,
)
from function_app.domain.gates import Verdict

POLICY = DataPolicy(columns=("x", "Y"))
BASELINE = DataProfile(
    rows=100,
    columns=(
        ColumnProfile(name="x", missing=0, mean=0.0, std=1.0),
        ColumnProfile(name="Y", missing=0, mean=150.0, std=70.0),
    ),
)


def with_x(**change: object) -> DataProfile:
    first, *others = BASELINE.columns
    return replace(BASELINE, columns=(replace(first, **change), *others))  # type: ignore[arg-type]


def test_data_like_the_baseline_passes() -> None:
    assert judge(BASELINE, BASELINE, POLICY).passed


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (replace(BASELINE, rows=10), "10 rows"),
        (replace(BASELINE, columns=BASELINE.columns[:1]), "Column Y is absent"),
        (replace(BASELINE, columns=BASELINE.columns[::-1]), "order of the columns differs"),
        (with_x(missing=3), "x: 3 missing values"),
        (with_x(mean=0.500001), "moved by 0.500001 standard deviations"),
        (replace(BASELINE, faults=("It is damaged.",)), "It is damaged."),
        (
            with_x(mean=0.9),
            "x: the mean moved by 0.9 standard deviations of the baseline, from 0 to 0.9; at most 0.5",
        ),
        (with_x(std=3.9), "x: the standard deviation is 3.9 times the baseline's; 0.5 to 2"),
        (with_x(std=0.1), "x: the standard deviation is 0.1 times"),
        (with_x(mean=math.nan), "moved by not a number standard deviations"),
        (with_x(std=math.nan), "x: the standard deviation is not a number times"),
    ],
)
def test_each_fault_is_refused_with_its_own_reason(profile: DataProfile, reason: str) -> None:
    result = judge(profile, BASELINE, POLICY)

    assert not result.passed
    assert any(text.startswith(reason) or reason in text for text in result.reasons)


def cells(kind: str, *examples: str, count: int = 3) -> CellKind:
    return CellKind(kind=kind, count=count, line=7, examples=examples)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            cells("empty"),
            "x: missing values (empty cells) in 3 of 100 cells, first in line 7. Fill them in",
        ),
        (
            cells("not_available", "N/A"),
            "mark a value as not available in 3 of 100 cells, such as 'N/A'",
        ),
        (
            cells("not_finite", "inf"),
            "x: values that are not finite in 3 of 100 cells, such as 'inf'",
        ),
        (
            cells("word", "Bonn", "Ulm"),
            "words where numbers are expected in 3 of 100 cells, such as 'Bonn' or 'Ulm'",
        ),
        (
            cells("word", "a", count=100),
            "x: words where numbers are expected in all 100 cells, such as 'a'",
        ),
        (cells("date", "2024-01-31"), "x: dates or times in 3 of 100 cells, such as '2024-01-31'"),
        (
            cells("decimal_comma", "1,5"),
            "decimal comma in 3 of 100 cells, such as '1,5', first in line 7. Write a",
        ),
        (
            cells("thousands", "1,234,567"),
            "x: numbers with separators of thousands in 3 of 100 cells",
        ),
        (
            cells("of_later", "?"),
            "x: cells that are not numbers in 3 of 100 cells, such as '?', first in line 7.",
        ),
    ],
)
def test_cells_that_are_no_numbers_are_named_by_kind_with_an_example(
    found: CellKind, reason: str
) -> None:
    result = judge(with_x(missing=found.count, found=(found,)), BASELINE, POLICY)

    assert not result.passed
    assert reason in result.reasons[0]
    assert ("missing" in result.reasons[0]) is (found.kind == "empty")


def test_every_kind_says_what_to_do() -> None:
    assert all(remedy.endswith(".") for _, remedy in KINDS.values())


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("BMI", "'BMI' differs by upper and lower case"),
        ("b m-i", "'b m-i' differs by blanks, punctuation or case"),
        ("# bmi", "'# bmi' differs by blanks, punctuation or case"),
        ("bmni", "'bmni' has a similar name"),
    ],
)
def test_a_misspelt_column_is_named_beside_the_right_one(name: str, cause: str) -> None:
    x, y = BASELINE.columns
    profile = replace(BASELINE, columns=(replace(x, name=name), y))

    result = judge(profile, BASELINE, DataPolicy(columns=("bmi", "Y")))

    assert result.reasons == (f"Column bmi is absent, but {cause}. Rename it to bmi.",)


def test_unicode_forms_of_one_name_are_told_apart() -> None:
    x, y = BASELINE.columns
    profile = replace(BASELINE, columns=(replace(x, name="gro\u0308\u00dfe"), y))

    (reason,) = judge(profile, BASELINE, DataPolicy(columns=("gr\u00f6\u00dfe", "Y"))).reasons

    assert "Unicode" in reason


def test_columns_without_a_likeness_are_absent_and_not_in_the_schema() -> None:
    x, y = BASELINE.columns
    profile = replace(BASELINE, columns=(replace(x, name="weight"), y))

    result = judge(profile, BASELINE, DataPolicy(columns=("bmi", "Y")))

    assert result.reasons == ("Column bmi is absent.", "Column weight is not in the schema.")


def test_all_faults_of_a_file_are_named_at_once() -> None:
    x, y = BASELINE.columns
    profile = DataProfile(
        rows=10,
        columns=(
            replace(x, missing=1, found=(cells("empty", count=1),)),
            replace(y, mean=500.0),
            ColumnProfile(name="z", missing=10, mean=None, std=None),
        ),
        notes=("Its columns are separated by semicolons.",),
    )

    reasons = judge(profile, BASELINE, POLICY).reasons

    assert [reason.split(";")[0].split(" (")[0] for reason in reasons] == [
        "Column z is not in the schema.",
        "10 rows",
        "x: missing values",
        "Y: the mean moved by 5 standard deviations of the baseline, from 150 to 500",
        "Its columns are separated by semicolons.",
    ]


def test_a_file_that_was_read_in_its_dialect_passes_with_a_note() -> None:
    profile = replace(BASELINE, notes=("It is compressed with gzip.",))

    assert judge(profile, BASELINE, POLICY).reasons == (
        "100 rows pass every data check.",
        "It is compressed with gzip.",
    )


def test_words_as_labels_have_a_remedy_of_their_own() -> None:
    x, y = BASELINE.columns
    words = cells("word", "high", "low", count=100)
    profile = replace(BASELINE, columns=(x, replace(y, missing=100, found=(words,))))

    (reason,) = judge(profile, BASELINE, POLICY).reasons

    assert reason.endswith(
        "'high' or 'low', first in line 7. "
        "Name the labels in mlops.toml (`labels`), or encode them as 0 and 1."
    )


def checked(*findings: tuple[str, str]) -> DataCheck:
    return DataCheck(
        rows=100,
        reference_rows=442,
        findings=tuple(
            DataFinding(kind="k", severity=severity, text=text) for severity, text in findings
        ),
    )


@pytest.mark.parametrize(
    ("severities", "answer", "verdict", "passed"),
    [
        ((), "reject", Verdict.PASS, True),
        (("note",), "reject", Verdict.PASS, True),
        (("shift", "note"), "accept", Verdict.INCONCLUSIVE, True),
        (("shift",), "reject", Verdict.INCONCLUSIVE, False),
        (("fault",), "accept", Verdict.REJECT, False),
        (("note", "shift", "fault"), "accept", Verdict.REJECT, False),
    ],
)
def test_the_gravest_finding_decides_and_every_finding_is_shown(
    severities: tuple[str, ...], answer: str, verdict: Verdict, passed: bool
) -> None:
    check = checked(*((severity, f"a {severity}.") for severity in severities))

    result = judge(BASELINE, BASELINE, replace(POLICY, inconclusive=answer), check)

    assert (result.verdict, result.passed) == (verdict, passed)
    assert {f"a {severity}." for severity in severities} <= set(result.reasons)


def test_an_inconclusive_check_says_what_mlops_toml_does_and_what_to_do() -> None:
    check = checked(("shift", "bmi moved."))

    accepted = judge(BASELINE, BASELINE, POLICY, check).reasons
    refused = judge(BASELINE, BASELINE, replace(POLICY, inconclusive="reject"), check).reasons

    assert accepted[0].startswith("The data check is inconclusive: 100 rows differ")
    assert accepted[0].endswith('`inconclusive = "accept"` in mlops.toml accepts them.')
    assert refused[0].endswith('`inconclusive = "accept"` in mlops.toml and send it again.')
    assert accepted[1:] == refused[1:] == ("bmi moved.",)


def test_a_mean_and_a_deviation_that_both_moved_are_both_named() -> None:
    first, second = judge(with_x(mean=0.9, std=3.9), BASELINE, POLICY).reasons

    assert "the mean moved by 0.9" in first
    assert "the standard deviation is 3.9 times" in second


def test_the_figures_of_the_compared_data_come_before_the_first_file() -> None:
    prepared = Prepared(profile=with_x(mean=0.9), seen=80, held_out=20)

    assert judge_prepared(prepared, BASELINE, POLICY).verdict is Verdict.REJECT
    moved = replace(prepared, reference=with_x(mean=0.8))
    assert judge_prepared(moved, BASELINE, POLICY).verdict is Verdict.PASS


def test_columns_are_named_to_the_job_unless_they_are_too_long_for_a_command() -> None:
    assert POLICY.column_words() == ("--column=x", "--column=Y")
    longest = "c" * (MOST_OF_WORDS - len("--column=") - len("--column=Y"))
    assert len(DataPolicy(columns=(longest, "Y")).column_words()) == 2
    assert DataPolicy(columns=(longest + "c", "Y")).column_words() == ()


def test_words_are_right_in_columns_of_words_and_missing_cells_are_not() -> None:
    words = CellKind(kind="word", count=90, line=2, examples=("pro",))
    empty = CellKind(kind="empty", count=10, line=5)
    column = ColumnProfile(name="x", missing=100, mean=None, std=None, found=(words, empty))
    profile = replace(BASELINE, columns=(column, BASELINE.columns[1]))

    for policy in (replace(POLICY, categories=("x",)), replace(POLICY, texts=("x",))):
        result = judge(profile, BASELINE, policy)
        assert result.reasons == (
            "x: missing values (empty cells) in 10 of 100 cells, first in line 5. "
            "Fill them in, or leave these rows out.",
        )
        full = replace(column, missing=90, found=(words,))
        assert judge(replace(profile, columns=(full, profile.columns[1])), BASELINE, policy).passed
    assert "words where numbers are expected" in judge(profile, BASELINE, POLICY).reasons[0]


def test_a_target_with_labels_may_hold_words() -> None:
    words = CellKind(kind="truth", count=100, line=2, examples=("yes",))
    column = ColumnProfile(name="Y", missing=100, mean=None, std=None, found=(words,))
    profile = replace(BASELINE, columns=(BASELINE.columns[0], column))

    assert judge(profile, BASELINE, replace(POLICY, labels=("no", "yes"))).passed
    assert not judge(profile, BASELINE, POLICY).passed


def test_the_jobs_get_the_labels_and_the_columns_of_words() -> None:
    policy = replace(
        POLICY,
        labels=("no", "-1"),
        categories=("x",),
        texts=("z",),
        dates=("d",),
        future_dates=("d",),
    )

    assert policy.word_options() == (
        *("--label=no", "--label=-1", "--category=x", "--text=z"),
        *("--date=d", "--future-date=d"),
    )
