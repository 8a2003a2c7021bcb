"""Headers that differ from the schema in form only are mapped, and everything else is refused."""

import pytest

from function_app.domain.codec import load
from function_app.domain.data_quality import DataPolicy, DataProfile, judge
from platform_jobs.checking.names import map_columns
from platform_jobs.profile import profile_table
from platform_jobs.tables.tables import Table, parse_table

SCHEMA = ("age", "blood pressure", "Y")


def mapped(header: str, *rows: str, schema: tuple[str, ...] = SCHEMA) -> Table:
    return map_columns(parse_table("\n".join([header, *rows, ""]).encode()), schema)


@pytest.mark.parametrize(
    "header",
    [
        "AGE,Blood Pressure,y",
        "\ufeffage,bloodpressure,Y",
        "age,blood  pressure,Y",
        '"\u200bAge ",blood\u00a0pressure,Y',
    ],
)
def test_names_that_differ_by_case_blanks_or_invisible_characters_are_mapped(header: str) -> None:
    table = mapped(header, "1,2,3")

    assert table.columns == SCHEMA
    assert table.rows == (("1", "2", "3"),)


def test_the_note_names_the_first_of_the_mapped_names_and_counts_the_others() -> None:
    table = mapped("A,B,C,D,e", "1,2,3,4,5", schema=("a", "b", "c", "d", "e"))

    assert table.notes == (
        "Names of columns differ from mlops.toml by case or blanks and were read as its names: "
        "'A' as a, 'B' as b, 'C' as c and 1 more.",
    )


def test_another_order_is_mapped_with_its_cells_and_a_note() -> None:
    table = mapped("Y,AGE,blood pressure", "3,1,2", "6,4,5")

    assert table.columns == SCHEMA
    assert table.rows == (("1", "2", "3"), ("4", "5", "6"))
    assert "another order" in table.notes[-1]


def test_a_header_of_the_schema_gets_no_note() -> None:
    assert mapped("age,blood pressure,Y", "1,2,3").notes == ()


@pytest.mark.parametrize(
    ("header", "schema"),
    [
        ("Age,AGE,Y", ("age", "b", "Y")),  # two columns of the file would be age
        ("A,b,Y", ("a", "A ", "Y")),  # the column could be two of the schema
        ("age,AGE,Y", ("age", "b", "Y")),  # the right name is there already
    ],
)
def test_a_name_with_two_readings_is_not_mapped(header: str, schema: tuple[str, ...]) -> None:
    assert mapped(header, "1,2,3", schema=schema).columns == tuple(header.split(","))


def test_the_order_stays_where_the_columns_are_not_those_of_the_schema() -> None:
    table = mapped("Y,AGE,z", "3,1,2")

    assert table.columns == ("Y", "age", "z")


def test_without_a_schema_nothing_is_mapped() -> None:
    assert mapped("AGE,Y", "1,2", schema=()).columns == ("AGE", "Y")


def test_all_faults_of_a_file_are_named_at_once_beside_the_mapped_names() -> None:
    table = mapped("AGE,blod pressure,Y,extra", "1,2,3,4", ",x,3,4", "1,2")
    profile = load(DataProfile, profile_table(table))

    reasons = judge(profile, profile, DataPolicy(columns=SCHEMA, min_rows=50)).reasons

    assert [reason.partition(":")[0] for reason in reasons] == [
        "1 of 3 rows do not have the header's 4 fields (separated by commas)",
        "Column blood pressure is absent, but 'blod pressure' has a similar name. Rename it to "
        "blood pressure.",
        "Column extra is not in the schema.",
        "age",
        "Names of columns differ from mlops.toml by case or blanks and were read as its names",
    ]
