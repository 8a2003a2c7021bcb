"""Large plain files are prepared by arrays, with the results of the way by text cells."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_jobs.checking import data_check
from platform_jobs.large.fast_reader import profile_plain, read_plain
from platform_jobs.large.hashing import _as_text
from platform_jobs.prepare import prepare
from platform_jobs.splitting.hashes import canonical
from platform_jobs.tables.words import Words

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(
    FINITE.map(repr),
    st.floats(-1e3, 1e3).map("{:.3g}".format),
    st.integers(-3, 3).map(str),
    st.sampled_from(["1.", ".5", "+2", "-0", "007", "1E5", "1.0", "4.9e-324", "1e15", "1e16"]),
)
ROWS = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=3, max_size=40)


def prepared(
    monkeypatch: pytest.MonkeyPatch, folder: Path, large: int, **given: Any
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the content and the files of a preparation with this bound of a large file."""
    monkeypatch.setattr(data_check, "LARGE", large)
    content = prepare(key="m", out=folder, **given)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent != folder
    }
    return json.loads(json.dumps(content)), files


def assert_same(folder: Path, data: bytes, reference: bytes | None = None, **given: Any) -> Any:
    """Assert that both ways write the same files; return the content of the way by arrays."""
    (folder / "data").write_bytes(data)
    given |= {"data": folder / "data", "target": given.get("target", "Y")}
    if reference is not None:
        (folder / "reference").write_bytes(reference)
        given["reference"] = folder / "reference"
    with pytest.MonkeyPatch.context() as patch:
        expected, files = prepared(patch, folder / "text", 1 << 40, **given)
        content, found = prepared(patch, folder / "arrays", 0, **given)
    assert found == files
    rounded = [
        json.loads(json.dumps(c), parse_float=lambda text: f"{float(text):.9g}")
        for c in (content, expected)
    ]
    assert rounded[0] == rounded[1]
    return content


def lines(rows: Any, header: str = "b,a c,Y", end: str = "\n") -> bytes:
    return end.join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([1, 3]))
def test_both_ways_write_the_same_rows_and_hashes(
    rows: list[list[str]], end: str, folds: int
) -> None:
    # Copies, and equal rows of other text, are ordered by their text.
    rows = [*rows, rows[0], [f"{float(cell)!r}" for cell in rows[1]]]

    with tempfile.TemporaryDirectory() as folder:
        assert_same(Path(folder), lines(rows, end=end), folds=folds)


@settings(max_examples=200, deadline=None)
@given(st.lists(FINITE | st.integers(-(2**60), 2**60).map(float), min_size=1, max_size=20))
def test_a_number_is_written_as_the_hash_of_a_row_wants_it(numbers: list[float]) -> None:
    column = np.array(numbers) + 0.0

    assert _as_text(column).to_pylist() == [canonical(repr(number)) for number in numbers]


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_both_ways_have_the_same_findings(tmp_path: Path, shift: float) -> None:
    drawn = np.random.default_rng(3)
    before, now = drawn.normal(size=(2, 300, 3))
    now[:, 0] += shift
    now[:20] = before[:20]

    content = assert_same(tmp_path, lines(now), lines(before), schema=("b", "a c", "Y"))

    kinds = {finding["kind"] for finding in content["check"]["findings"]}
    assert "overlap" in kinds
    assert ("distribution" in kinds) == bool(shift)
    assert content["check"]["rows"] == 280


@pytest.mark.parametrize(
    "reference",
    [b"PAR1", b"b,a c,Y\n", lines([[1, 2, "x"]] * 40), lines([[1, 2, 3]] * 40, header="Y,b,a c")],
)
def test_a_reference_of_another_form_is_compared_alike(tmp_path: Path, reference: bytes) -> None:
    rows = np.random.default_rng(4).normal(size=(60, 3))

    assert_same(tmp_path, lines(rows), reference, schema=("b", "a c", "Y"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"b,a c,Y",
        lines([[1, 2, 3]], header="Y,b,a c"),
        lines([[1, 2, 3]], header="B,a c,Y"),
        lines([[1, 2, 3], [4, "", 6]]),
        lines([[1, 2, 3], [4, 5]]),
        lines([[1, 2, 3], [], [4, 5, 6]]),
        lines([[1, 2, "1e999"]]),
        lines([[1, 2, "1e"]]),
        b"b,a c,Y\n1,2,3\r4,5,6\n",
        b"b,a c,Y\n1,2,3\n4,5,6\r",
        b"b,a c,Y\r1,2,3\n4,5,6\n7,8,9\n",
        b"b;Y\n1;2\n",
        b'"b","a\nc",Y\n1,2,3\n4,5,6\n',
        b'"b,a c,Y"\n1,2,3\n4,5,6\n',
        b"b,a c\n1,2\n",
    ],
)
def test_other_files_are_left_to_the_way_by_text(tmp_path: Path, data: bytes) -> None:
    assert_same(tmp_path, data, schema=("b", "a c", "Y"))


def test_labels_groups_and_words_are_left_to_the_way_by_text(tmp_path: Path) -> None:
    rows = [[n % 7, n, n % 2] for n in range(40)]
    options: tuple[dict[str, Any], ...] = (
        {"group": "b"},
        {"words": Words(labels=("0", "1"))},
        {"words": Words(categories=("b",))},
    )
    for number, option in enumerate(options):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert_same(folder, lines(rows), **option)


@pytest.mark.parametrize("header", ["b,a c,Y", '"b","a c","Y"', '"b ""x""",a c,Y'])
def test_a_plain_file_is_read_by_arrays(tmp_path: Path, header: str) -> None:
    """pyarrow and many other programs write the names in quotes."""
    (tmp_path / "data").write_bytes(lines([[1, 2, 3]] * 60, header=header))

    plain = read_plain(tmp_path / "data")

    assert plain is not None
    assert plain.columns[1:] == ("a c", "Y")
    assert_same(tmp_path, lines([[1, 2, 3]] * 60, header=header))


def test_a_constant_column_of_many_rows_has_no_deviation() -> None:
    """Sums of many equal numbers are inexact: numpy alone says 1.4e-17 of this column."""
    figures = profile_plain(["a"], np.full((1, 2_000_003), 0.1))

    assert figures["columns"] == [{"name": "a", "missing": 0, "mean": 0.1, "std": 0.0, "found": []}]


def test_a_file_of_many_blocks_is_read_whole(tmp_path: Path) -> None:
    rows = np.random.default_rng(5).normal(size=(1000, 4))
    path = tmp_path / "data"
    path.write_bytes(lines(rows.tolist(), header="a,b,c,Y").rstrip(b"\n"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platform_jobs.large.fast_reader._BLOCK", 1000)
        plain = read_plain(path)

    assert plain is not None
    assert plain.values.T.tolist() == rows.tolist()
    assert plain.content[plain.starts[-1] : plain.ends[-1]] == ",".join(map(str, rows[-1])).encode()
