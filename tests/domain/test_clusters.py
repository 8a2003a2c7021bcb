"""Requests as units: what counts, what counts once, and what is no evidence at all."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.codec import dump, load
from function_app.domain.drift.clusters import (
    MOST_ROWS,
    Counted,
    Memory,
    count_units,
    total_columns,
)
from function_app.domain.drift.observations import (
    PREDICTION,
    ColumnReference,
    RankSums,
    Reference,
    Watched,
    count_column,
    describe_column,
)
from function_app.domain.drift.prediction_lines import (
    UNKNOWN,
    LoggedPrediction,
    read_line,
    repeated_share,
    row_key,
)

WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def column(name: str, *values: float) -> ColumnReference:
    found = describe_column(name, values)
    assert found is not None
    return found


TRAINED = Reference(
    watched=WATCHED,
    target="Y",
    columns=(column("age", *map(float, range(100))), column(PREDICTION, *map(float, range(100)))),
    features=("age",),
)


def ask(*ages: float, at: float = NOON, caller: str = "primary") -> LoggedPrediction:
    return LoggedPrediction(
        prediction_id="p",
        image="sha256:aa",
        at=at,
        caller=caller,
        columns=("age",),
        inputs=tuple((age,) for age in ages),
        outputs=(50.0,) * len(ages),
    )


def count(*requests: LoggedPrediction, memory: Memory | None = None, rows: int = 100) -> Counted:
    return count_units(TRAINED, requests, rows, memory or Memory())


def test_a_request_is_one_unit_with_the_shares_of_its_rows() -> None:
    counted = count(ask(*[float(n) + 0.5 for n in range(100)]), ask(80.25))
    age = total_columns(counted.parts)["age"]

    assert [part.rows for part in counted.parts] == [101]
    assert age.rows == 2
    # The median of the training data is 49: half of the first request is under it, and no other.
    place = TRAINED.columns[0].edges.index(49.0)
    assert age.below[place] == pytest.approx(0.49)
    assert age.below[-1] == pytest.approx(1.99)


@given(ages=st.lists(st.integers(-50, 150), min_size=1, max_size=30, unique=True))
def test_requests_of_one_row_count_as_their_values_do(ages: list[int]) -> None:
    counted = count(*[ask(float(age)) for age in ages])

    expected = count_column(TRAINED.columns[0], map(float, ages))
    age = total_columns(counted.parts)["age"]
    assert (age.rows, age.below) == (expected.rows, expected.below)


def test_rows_differ_whose_numbers_have_one_hash_in_python() -> None:
    keys = {row_key([value, 0.0]) for value in (-1.0, -2.0, 0.0, math.inf, -math.inf, math.nan)}

    assert len(keys) == 6
    assert row_key([math.nan]) == row_key([float("nan")])
    assert row_key([-0.0]) == row_key([0.0])
    assert row_key([0.12345678]) == row_key([0.1234568])


def test_equal_rows_count_once_also_over_looks_and_in_other_requests() -> None:
    first = count(*[ask(7.0) for _ in range(500)], ask(8.0, 7.0, 9.0))
    second = count(ask(7.0), ask(10.0), memory=first.memory)

    assert (sum(part.rows for part in first.parts), first.repeated) == (3, 500)
    assert (sum(part.rows for part in second.parts), second.repeated) == (1, 1)
    assert load(Memory, dump(first.memory)) == first.memory


def test_a_row_that_is_sent_for_ever_is_remembered_for_ever() -> None:
    memory = Memory()
    for batch in range(3):
        asked = []
        for number in range(MOST_ROWS // 2):
            asked += [ask(-1.0), ask(number / MOST_ROWS + batch)]
        counted = count(*asked, memory=memory)
        memory = counted.memory
        assert counted.repeated == MOST_ROWS // 2 - (batch == 0)
        assert len(memory.rows) <= MOST_ROWS


def test_equal_rows_are_usual_where_the_training_data_repeats_rows() -> None:
    usual = replace(TRAINED, repeated=0.3)

    counted = count_units(usual, [ask(7.0)] * 5, 100, Memory())

    assert (sum(part.rows for part in counted.parts), counted.repeated) == (5, 0)
    assert repeated_share([(1.0,), (1.0,), (2.0,), (1.0,)]) == 0.5
    assert repeated_share([]) == 0.0


def test_rows_without_every_input_are_not_compared_with_each_other() -> None:
    two = replace(TRAINED, features=("age", "bmi"))

    assert count_units(two, [ask(7.0)] * 5, 100, Memory()).repeated == 0


@pytest.mark.parametrize(("age", "is_out"), [(198.0, 0), (199.0, 1), (-99.0, 0), (-100.0, 1)])
def test_a_value_farther_out_than_the_training_data_is_wide_is_no_input(
    age: float, is_out: int
) -> None:
    counted = count(ask(age, 5.0))

    assert counted.out_of_range == ({"age": 1} if is_out else {})
    assert sum(part.rows for part in counted.parts) == 2 - is_out


def test_a_constant_column_has_no_range() -> None:
    constant = replace(TRAINED, columns=(column("age", 3.0, 3.0, 3.0),))

    counted = count_units(constant, [ask(400.0)], 100, Memory())

    assert counted.out_of_range == {}
    assert total_columns(counted.parts)["age"].below[-1] == 0


def test_parts_are_by_caller_and_day() -> None:
    counted = count(
        ask(1.0), ask(2.0, caller="app"), ask(3.0, at=NOON + DAY), ask(4.0, at=NOON + DAY)
    )

    assert [(part.day, part.caller, part.rows) for part in counted.parts] == [
        ("2026-01-05", "app", 1),
        ("2026-01-05", "primary", 1),
        ("2026-01-06", "primary", 2),
    ]


def test_only_the_first_rows_of_a_request_count() -> None:
    assert [part.rows for part in count(ask(*map(float, range(50))), rows=20).parts] == [20]


def test_ranks_follow_the_time_of_a_caller_over_looks() -> None:
    first = count(ask(49.0, at=NOON + 2), ask(0.0, at=NOON + 1), ask(99.0, caller="app"))
    second = count(ask(99.5, at=NOON + 3), memory=first.memory)

    ranks = total_columns(first.parts)["age"].ranks
    assert (ranks.units, ranks.pairs) == (3, 1)
    # From the least value to the median.
    assert ranks.differences == pytest.approx(0.5**2)
    later = total_columns(second.parts)["age"].ranks
    assert later == RankSums(units=1, total=1.0, squares=1.0, pairs=1, differences=0.25)


def test_values_that_are_not_finite_make_no_unit() -> None:
    assert "age" not in total_columns(count(ask(math.nan)).parts)


LINE = '{"id":"a","image":"sha256:aa","outputs":[1.0],"at":%s%s}'


def test_lines_of_an_older_service_are_one_caller() -> None:
    old, new = read_line(LINE % ("1.5", "")), read_line(LINE % ("1.5", ',"caller":"app-1"'))
    rotated = [read_line(LINE % ("1", f',"caller":"{n}"')) for n in ("primary", "secondary")]

    assert old is not None
    assert new is not None
    assert (old.caller, old.at, new.caller) == (UNKNOWN, 1.5, "app-1")
    assert [line.caller for line in rotated if line is not None] == ["primary"] * 2


@pytest.mark.parametrize("at", ['"soon"', "-1", "1e300", "null"])
def test_a_line_with_an_impossible_time_is_of_the_first_day(at: str) -> None:
    line = read_line(LINE % (at, ',"caller":7'))

    assert line is not None
    assert (line.at, line.caller) == (0.0, UNKNOWN)
