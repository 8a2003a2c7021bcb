"""The fast reader returns what the slow one does, or leaves the file to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_jobs.checking.samples import columns_of
from platform_jobs.errors import ContractError
from platform_jobs.large.fast_reader import profile_numbers, read_numbers
from platform_jobs.profile import profile_table
from platform_jobs.tables.tables import parse_table

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(
    FINITE.map(repr),
    st.floats(-1e300, 1e300).map("{:.3g}".format),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["1.", ".5", "+2", "-0", "007", "1E5", "4.9e-324", "1.7976931348623157e308"]),
)
# Cells that are no finite number, or no cell of a plain file.
ODD = st.sampled_from(
    ["", "nan", "1e999", "1_0", " 1", '"1"', "1e", "x", "--1", "0x1", "1;2", "\t"]
)
ENDS = st.sampled_from(["\n", "\r\n"])


def assert_same(content: bytes) -> bool:
    """Assert that both readers agree; return whether the fast one read the file."""
    read = read_numbers(content)
    if read is None:
        return False
    table = parse_table(content)
    names, values = read
    assert (table.columns, table.faults, table.notes) == (names, (), ())
    expected = columns_of(table)
    for name, column in zip(names, values.T, strict=True):
        assert column.tolist() == expected[name].tolist()
    assert profile_numbers(names, values) == profile_table(table)
    return True


@settings(max_examples=60)
@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=70), ENDS)
def test_plain_files_are_read_alike(rows: list[list[str]], end: str) -> None:
    content = end.join(["a,b c,Y", *map(",".join, rows), ""]).encode()

    assert assert_same(content)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.one_of(NUMBERS, ODD), min_size=1, max_size=3), max_size=60),
    st.sampled_from(["a,b,Y", "0,1,2", ",a,Y", "Unnamed: 0,a,Y", "a;b", '"a",b,Y', "a,a,Y", ""]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_no_file_is_read_otherwise(rows: list[list[str]], header: str, end: str) -> None:
    content = end.join([header, *map(",".join, rows)]).encode()
    try:
        assert_same(content)
    except ContractError:
        pytest.fail("The fast reader read a file that the slow one refuses.")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,Y",
        b"\na,Y\n1,2\n",
        b"a,Y\n1,2,\n3,4,\n",
        b"a,Y\n1,2\n3\n",
        b"0,1\n0,1\n2,3\n",
        b"sep=,\na,Y\n1,2\n",
        b"a,Y\n1,2\r3,4\n",
        b"\x1f\x8b",
    ],
)
def test_other_files_are_left_to_the_slow_reader(content: bytes) -> None:
    assert read_numbers(content) is None
