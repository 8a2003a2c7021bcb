"""Slices of rows: categories, quarters of a column of numbers, and their figures."""

import numpy as np
import pytest

from platform_jobs.errors import ContractError
from platform_jobs.judging.comparison import compare
from platform_jobs.judging.intervals import mean_interval
from platform_jobs.judging.slices import group_rows
from platform_jobs.tables.tables import Table


def table(**columns: list[str]) -> Table:
    return Table(columns=tuple(columns), rows=tuple(zip(*columns.values(), strict=True)))


def test_a_column_with_few_values_has_a_slice_for_each() -> None:
    groups = group_rows(table(sex=["1", "2", " 1", ""], age=["3", "4", "5", "6"]), ["sex"])

    assert groups == {"sex = 1": [0, 2], "sex = 2": [1], "sex = (empty)": [3]}


def test_a_column_of_numbers_has_quarters_of_about_equal_size() -> None:
    cells = [str(number) for number in range(100, 0, -1)]

    groups = group_rows(table(bmi=[*cells, ""]), ["bmi"])

    sizes = {name: len(rows) for name, rows in groups.items()}
    assert sizes == {
        "bmi, quarter 4": 25,
        "bmi, quarter 3": 25,
        "bmi, quarter 2": 25,
        "bmi, quarter 1": 25,
        "bmi, (empty)": 1,
    }
    assert groups["bmi, quarter 1"] == list(range(75, 100))


def test_equal_numbers_fall_into_one_quarter() -> None:
    cells = ["5"] * 90 + [str(number) for number in range(10, 20)]

    groups = group_rows(table(x=cells), ["x"])

    assert {name: len(rows) for name, rows in groups.items()} == {
        "x, quarter 1": 90,
        "x, quarter 4": 10,
    }


def test_rare_words_of_a_column_of_text_are_one_slice() -> None:
    cells = [f"city{number}" for number in range(12) for _ in range(12 - number)]

    groups = group_rows(table(city=cells), ["city"])

    assert len(groups) == 11
    assert len(groups["city = city0"]) == 12
    assert len(groups["city = other values"]) == 2 + 1


def test_an_unknown_column_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ContractError, match=r"column sx, which the rows do not have\. They have sex"
    ):
        group_rows(table(sex=["1"]), ["sx"])


def test_a_hidden_slice_has_its_own_interval() -> None:
    rng = np.random.default_rng(8)
    actual = rng.normal(size=400)
    champion, challenger = actual + rng.normal(size=400), actual + 0.5 * rng.normal(size=400)
    hidden = np.arange(400) % 4 == 0
    challenger = np.where(hidden, actual + 1.5 * (champion - actual), challenger)
    groups = group_rows(table(s=[str(int(flag)) for flag in hidden]), ["s"])

    found = compare(actual.tolist(), challenger.tolist(), champion.tolist(), groups=groups)

    assert found["gain"] > 0.0
    worse, better = sorted(found["slices"], key=lambda each: float(each["reserve"]))
    assert (worse["name"], worse["rows"], better["rows"]) == ("s = 1", 100, 300)
    assert worse["reserve_high"] < 0.0 < better["reserve_low"]
    losses, others = (challenger - actual)[hidden] ** 2, (champion - actual)[hidden] ** 2
    reserve = mean_interval((1.25 * others - losses).tolist(), 0.05)
    assert (worse["reserve"], worse["reserve_low"], worse["reserve_high"]) == reserve
    assert worse["challenger_loss"] == pytest.approx(float(losses.mean()))
    assert worse["champion_loss"] == pytest.approx(float(others.mean()))
