"""The platform varies a feature on judging rows, and measures moves against its direction."""

import json
from pathlib import Path

import pytest

from function_app.domain.codec import load
from function_app.domain.gates import Comparison, GatePolicy, judge
from platform_jobs.errors import ContractError
from platform_jobs.probing.monotone import ROWS, STEPS, monotone_figures, varied_rows
from platform_jobs.tables.tables import Table
from tests.platform_jobs.test_asking import ask, folder
from tests.platform_jobs.test_asking import judge as run_judge
from tests.platform_jobs.test_asking import read as read_out
from tests.platform_jobs.test_evaluate import evaluate, read

__all__ = ["folder"]
RISING = [("a", "increasing")]
# The toy answers the square of its feature minus 4: it falls from 0 to 4 and rises to 8.
SQUARE = (
    "def predict(model, data, out):\n"
    "    rows = [float(row) for row in data.read_text().splitlines()[1:]]\n"
    "    out.write_text('prediction\\n' + ''.join(f'{(a - 4) ** 2}\\n' for a in rows))\n"
)


def column(*cells: str) -> Table:
    return Table(columns=("b", "a"), rows=tuple((str(n), cell) for n, cell in enumerate(cells)))


def varied(*cells: str) -> list[str]:
    """Return the values that the first row is asked with."""
    return [row[1] for row in varied_rows(column(*cells), ["a"]).rows if row[0] == "0"]


def test_each_row_is_asked_with_each_value_while_its_other_features_stay() -> None:
    rows = varied_rows(column("2", "1"), ["a", "b"]).rows

    assert rows == (
        *(("0", "1"), ("0", "2"), ("1", "1"), ("1", "2")),
        *(("0", "2"), ("1", "2"), ("0", "1"), ("1", "1")),
    )


def test_the_values_are_quantiles_of_the_observed_numbers_with_both_extremes() -> None:
    assert varied("10", "9", "9.0", " 9.5 ", "", "nan", "inf") == ["9.0", "9.5", "10"]
    assert varied(*(str(n) for n in range(101))) == [str(n) for n in range(0, 101, STEPS)]
    assert varied(*["7"] * 99, "-8") == ["-8", "7"]
    assert varied("", "") == [""]


def test_a_sample_of_the_rows_is_varied() -> None:
    table = varied_rows(column(*["1"] * 250), ["a"])

    assert [row[0] for row in table.rows] == [str(5 * n // 2) for n in range(ROWS)]


@pytest.mark.parametrize(
    ("predicted", "direction", "largest"),
    [
        ([1.0, 2.0, 3.0], "increasing", 0.0),
        ([1.0, 1.0, 1.0], "increasing", 0.0),
        ([3.0, 2.0, 1.0], "increasing", 2.0),
        # The way back counts from the highest earlier value, over several steps.
        ([1.0, 5.0, 4.0], "increasing", 1.0),
        ([5.0, 1.0, 4.0], "increasing", 4.0),
        ([3.0, 2.0, 1.0], "decreasing", 0.0),
        ([1.0, 3.0, 2.0], "decreasing", 2.0),
    ],
)
def test_the_longest_way_back_is_measured(
    predicted: list[float], direction: str, largest: float
) -> None:
    table = column("1", "2", "3")

    figures = monotone_figures(table, [("a", direction)], predicted * 3, 1.0)

    assert figures == [
        {
            "feature": "a",
            "direction": direction,
            "rows": 3,
            "broken": 3 if largest > 1.0 else 0,
            "largest": largest,
            "limit": 1.0,
        }
    ]


def test_each_feature_has_its_own_answers() -> None:
    table = column("1", "2")
    # Two rows with two values, for each of the two features.
    predicted = [1.0, 2.0, 5.0, 4.5, 9.0, 0.0, 1.0, 1.0]

    both = monotone_figures(table, [*RISING, ("b", "decreasing")], predicted, 0.25)

    assert [(one["largest"], one["broken"]) for one in both] == [(0.5, 1), (0.0, 0)]


@pytest.mark.parametrize(
    ("name", "cell", "text"),
    [
        ("c", "1", "declares a direction of c, which the rows do not have. They have b, a."),
        ("a", "red", "declares a direction of a, which holds the text 'red'. Only a number"),
    ],
)
def test_a_feature_that_cannot_rise_is_refused(name: str, cell: str, text: str) -> None:
    with pytest.raises(ContractError, match=text.replace("(", r"\(")):
        varied_rows(column("1", cell), [name])


def test_a_model_that_falls_is_rejected_with_the_rows(tmp_path: Path) -> None:
    words = ("--increasing=a", "--tolerance", "0.01")

    assert evaluate(tmp_path, SQUARE, None, *words) == 0

    comparison = read(tmp_path, "comparison.json")
    # The true values go from 0 to 2; the prediction falls from 16 to 0 on each of the 9 rows.
    assert comparison["monotone"] == [
        {
            "feature": "a",
            "direction": "increasing",
            "rows": 9,
            "broken": 9,
            "largest": 16.0,
            "limit": 0.02,
        }
    ]
    reasons = judge(load(Comparison, comparison), GatePolicy(bar=1e9, increasing=("a",))).reasons
    assert (
        "Its predictions fall when `a` rises, which is declared increasing: by more than 0.02 on 9 "
        "of 9 rows (100 %), by 16 at most." in reasons
    )


def test_a_separate_job_asks_and_the_judge_measures(folder: Path) -> None:
    key, words = "0a" * 32, ("--increasing=a", "--tolerance", "0.5")
    content = ask(folder, SQUARE, "answers", *words, "--key", key)
    assert len(content["varied"]) == 81

    assert run_judge(folder, "--key", key, *words) == 0

    assert read_out(folder, "comparison.json")["monotone"][0]["largest"] == 16.0
    (folder / "answers" / "answers.json").write_text(json.dumps({**content, "varied": [0.0] * 81}))
    assert run_judge(folder, "--key", key, *words) != 0


@pytest.mark.parametrize("more", [[], [1.0] * 80, [1.0] * 80 + [float("nan")], "x" * 81, None])
def test_answers_to_varied_rows_that_are_none_are_refused(folder: Path, more: object) -> None:
    content = ask(folder, "", "answers", "--increasing=a")
    (folder / "answers" / "answers.json").write_text(json.dumps({**content, "varied": more}))

    assert run_judge(folder, "--increasing=a") == 0

    assert read_out(folder, "evaluation.json")["refused"] == (
        "The challenger: predict must answer 81 varied rows with finite numbers. Train again."
    )


def test_a_champion_is_not_asked_again_for_directions(tmp_path: Path) -> None:
    assert evaluate(tmp_path, "", SQUARE, "--increasing=a") == 0

    comparison = read(tmp_path, "comparison.json")
    assert [one["largest"] for one in comparison["monotone"]] == [0.0]
