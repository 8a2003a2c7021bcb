"""Parquet files: read as the CSV of the same table, or refused by name with the remedy."""

import base64
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.adapters.csv_rows import read_columns
from platform_jobs.errors import ContractError
from platform_jobs.limits import MAX_COLUMNS
from platform_jobs.prepare import prepare
from platform_jobs.profile import profile_table
from platform_jobs.splitting.hashes import row_hashes
from platform_jobs.tables import parquet
from platform_jobs.tables.parquet import read_parquet_columns
from platform_jobs.tables.tables import parse_table
from platform_jobs.tables.words import Words

ROOT = Path(__file__).parents[2]
ZONE = pa.timestamp("us", "Nowhere/Unknown")


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file of columns by name."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        parse_table(content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (pa.array([1, None, -3], pa.int64()), ("1", "", "-3")),
        (pa.array([2**64 - 1, 0, None], pa.uint64()), (str(2**64 - 1), "0", "")),
        (pa.array([0.1, float("nan"), 1e300]), ("0.1", "", "1e+300")),
        (pa.array([0.1, None, 2.5], pa.float32()), ("0.1", "", "2.5")),
        (pa.array([0.5, None, 2.5], pa.float16()), ("0.5", "", "2.5")),
        (pa.array([float("inf"), float("-inf"), 0.0]), ("inf", "-inf", "0")),
        (pa.array([Decimal("1.50"), None, Decimal("-0.01")]), ("1.50", "", "-0.01")),
        (pa.array([True, None, False]), ("true", "", "false")),
        (pa.array([" a ", None, 'b,"c']), ("a", "", 'b,"c')),
        (pa.array(["x", None, "y"]).dictionary_encode(), ("x", "", "y")),
        (pa.array([date(2024, 2, 29), None, date(1999, 1, 1)]), ("2024-02-29", "", "1999-01-01")),
        (
            pa.array(
                [datetime(2024, 2, 29, 1, 2, 3), None, datetime(1999, 1, 1)], pa.timestamp("s")
            ),
            ("2024-02-29 01:02:03.000", "", "1999-01-01 00:00:00.000"),
        ),
        (
            pa.array([datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), None, None], ZONE),
            ("2024-02-29 01:02:03.000000Z", "", ""),
        ),
        (pa.nulls(3), ("", "", "")),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_cell_is_the_text_that_a_csv_has(column: pa.Array, cells: tuple[str, ...]) -> None:
    table = parse_table(packed({"n": [1, 2, 3], "x": column}))

    assert table.columns == ("n", "x")
    assert [row[1] for row in table.rows] == list(cells)
    assert table.faults == ()
    assert "It is a Parquet file" in table.notes[0]


def test_row_labels_of_pandas_are_left_out_with_a_note() -> None:
    table = parse_table(packed({"a": [1, 2], "__index_level_0__": ["r1", "r2"]}))

    assert (table.columns, table.rows) == (("a",), (("1",), ("2",)))
    assert "1 column of row labels (pandas) was left out." in table.notes[1]


def test_many_row_groups_are_one_table_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS", 3)
    values = list(range(20))

    table = parse_table(packed({"a": values}, row_group_size=7))

    assert [row[0] for row in table.rows] == [str(value) for value in values]
    assert table.lines == tuple(range(2, 22))


NUMBERS = (
    st.none()
    | st.integers(-(2**53), 2**53).map(float)
    | st.floats(allow_nan=False, allow_infinity=False)
)
WORDS = st.none() | st.sampled_from(["", "red", "blue ", 'a "quoted", word', "2024-01-01"])
Row = tuple[float | None, str | None, float | None]


def as_csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("a", "b", "Y"))
    writer.writerows(["" if c is None else c for c in row] for row in rows)
    return text.getvalue().encode()


def as_parquet(rows: Sequence[Row]) -> bytes:
    a, b, target = zip(*rows, strict=True)
    types = {"a": pa.float64(), "b": pa.string(), "Y": pa.float64()}
    return packed({n: pa.array(c, types[n]) for n, c in zip(types, (a, b, target), strict=True)})


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(NUMBERS, WORDS, NUMBERS), min_size=1, max_size=30))
def test_a_csv_and_its_parquet_file_have_the_same_figures_and_hashes(rows: list[Row]) -> None:
    plain, read = parse_table(as_csv(rows)), parse_table(as_parquet(rows))

    assert read.columns == plain.columns
    assert read.lines == plain.lines
    assert profile_table(replace(read, notes=())) == profile_table(replace(plain, notes=()))
    assert row_hashes(read, "m") == row_hashes(plain, "m")


def test_a_csv_and_its_parquet_file_have_the_same_check_and_the_same_split(tmp_path: Path) -> None:
    before, now = sample(seed=1), sample(seed=2, shift=1.0)
    contents = {}
    for form, write in (("csv", as_csv), ("parquet", as_parquet)):
        folder = tmp_path / form
        folder.mkdir()
        (folder / "before").write_bytes(write(before))
        (folder / "now").write_bytes(write(now))
        words = Words(categories=("b",))
        schema = ("a", "b", "Y")
        content = prepare(
            folder / "now", "Y", "m", folder, schema, folder / "before", words=words, folds=2
        )
        contents[form] = json.loads(json.dumps(content))
        for part in ("profile", "reference"):
            contents[form][part].pop("notes")

    findings = [finding["kind"] for finding in contents["csv"]["check"]["findings"]]
    assert "distribution" in findings
    assert contents["parquet"] == contents["csv"]
    for name in ("rows.hashes", "folds.hashes", "seen.hashes"):
        files = [tmp_path / form / "held_out" / name for form in ("csv", "parquet")]
        assert files[0].read_bytes() == files[1].read_bytes()
    text = (tmp_path / "parquet" / "seen" / "all" / "rows.csv").read_text(encoding="utf-8")
    assert text.startswith("a,b,Y\n")
    assert read_rows(text) == read_rows(as_csv(now).decode())


def sample(seed: int, shift: float = 0.0) -> list[Row]:
    drawn = np.random.default_rng(seed)
    numbers = drawn.normal(size=(200, 2))
    words = drawn.choice(["red", "blue"], 200)
    return [
        (float(a) + shift, str(word), float(a - target))
        for (a, target), word in zip(numbers, words, strict=True)
    ]


def read_rows(text: str) -> list[tuple[float, str, float]]:
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return sorted((float(a), word, float(target)) for a, word, target in rows)


NESTED = {
    "tags": pa.array([["x"], []]),
    "place": pa.array([{"x": 1}, {"x": 2}]),
    "raw": pa.array([b"x", b"y"]),
    "gone": pa.array([1, 2], pa.duration("s")),
    "n": [1, 2],
}


def test_columns_that_no_table_has_are_refused_by_their_names_at_once() -> None:
    said = refusal(packed(NESTED))

    for name in ("'tags' (list<", "'place' (struct<", "'raw' (binary)", "'gone' (duration[s])"):
        assert name in said
    assert "'n'" not in said
    assert "leave these columns out" in said


def test_a_name_that_occurs_twice_is_refused_as_in_a_csv() -> None:
    table = pa.table([[1, 2], [3, 4]], names=["a", "a"])
    out = io.BytesIO()
    pq.write_table(table, out)

    assert "'a' 2 times" in parse_table(out.getvalue()).faults[0]


@pytest.mark.parametrize("length", [4, 5, 11, 200, -1, -4, -20])
def test_a_file_that_is_cut_off_is_refused(length: int) -> None:
    said = refusal(packed({"a": list(range(1000))})[:length])

    assert said == "The file is a Parquet file that is cut off. Upload it again."


# Numbers of codecs as the format writes them: 3 is LZO, and 8 has no meaning yet.
@pytest.mark.parametrize(("codec", "named"), [(b"\x06", "LZO"), (b"\x10", "codec value: 8")])
def test_a_compression_that_pyarrow_does_not_know_is_no_damage(codec: bytes, named: str) -> None:
    content = packed({"a": [1, 2], "Y": [3, 4]}, compression="none")
    # The codec of a column's chunk follows the name of the column.
    name = b"\x19\x18\x01a\x15"
    assert content.count(name + b"\x00") == 1

    said = refusal(content.replace(name + b"\x00", name + codec))

    assert named in said
    assert "damaged" not in said
    assert "Save it with snappy, gzip, zstd or no compression, " in said


def test_a_compression_that_this_build_of_pyarrow_lacks_is_no_damage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = packed({"a": [1, 2], "Y": [3, 4]})

    def read(*_: object, **__: object) -> NoReturn:
        raise pa.ArrowNotImplementedError("Support for codec 'brotli' not built")

    # The pinned build has every codec.
    monkeypatch.setattr(pq, "ParquetFile", read)
    said = refusal(content)

    assert "that pyarrow cannot read (Support for codec 'brotli' not built)" in said
    assert "damaged" not in said


def test_damaged_bytes_are_refused() -> None:
    content = bytearray(packed({"a": [1.5] * 1000}, write_page_checksum=True))
    content[30] ^= 0xFF
    footer = b"PAR1" + b"\x15" * 100 + (90).to_bytes(4, "little") + b"PAR1"

    for damaged in (bytes(content), footer):
        said = refusal(damaged)
        assert said.startswith("The file is a Parquet file and is damaged (")
        assert said.endswith("Upload it again.")


def test_a_text_that_is_no_utf8_is_refused() -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )

    assert "is damaged (" in refusal(packed({"a": broken}))


class PlainKms(pe.KmsClient):  # type: ignore[misc]
    """Hands out each key unwrapped."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize(
    ("plain_footer", "words"), [(True, "with encrypted columns"), (False, "encrypted footer")]
)
def test_an_encrypted_file_is_refused(plain_footer: bool, words: str) -> None:
    rules = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"k": ["b"]}, plaintext_footer=plain_footer
    )
    factory = pe.CryptoFactory(lambda _: PlainKms())
    keys = factory.file_encryption_properties(pe.KmsConnectionConfig(), rules)

    said = refusal(packed({"a": [1, 2], "b": [3, 4]}, encryption_properties=keys))

    assert said.startswith("The file is a Parquet file with")
    assert words in said
    assert "CSV" in said


def test_too_many_columns_are_refused() -> None:
    said = refusal(packed({f"c{n}": [1] for n in range(MAX_COLUMNS + 1)}))

    assert f"has {MAX_COLUMNS + 1} columns; at most {MAX_COLUMNS} are read" in said
    assert "has no columns" in refusal(packed({}))


def test_a_small_file_of_many_equal_rows_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal values take no bytes in a Parquet file, and two in each line of a CSV."""
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 1 << 20)
    content = packed({"a": pa.nulls(600_000, pa.int8())})
    assert len(content) < 10_000

    said = refusal(content)

    assert "600000 rows of 1 columns; at most 1 MiB are read" in said


def test_long_texts_are_counted_while_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 1 << 20)
    repeated = pa.array(["x" * 1000]).dictionary_encode().take(pa.array([0] * 2000))
    content = packed({"a": repeated})
    assert len(content) < 10_000

    assert "has more text; at most 1 MiB are read" in refusal(content)


def test_texts_that_do_not_fit_into_memory_are_refused(tmp_path: Path) -> None:
    """10,000 rows, decoded at a time, have 10 GB of text here."""
    repeated = pa.array(["x" * 1_000_000]).dictionary_encode().take(pa.array([0] * 10_000))
    (tmp_path / "bomb.csv").write_bytes(packed({"a": repeated, "Y": [1] * 10_000}))
    words = ["prepare", "--data", "bomb.csv", "--target", "Y", "--key", "m", "--out", "out"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}

    subprocess.run(
        [sys.executable, "-m", "platform_jobs", *words], cwd=tmp_path, env=environ, check=True
    )

    said = json.loads((tmp_path / "out" / "prepared.json").read_text())["refused"]
    assert "more than 4 GiB of memory" in said or "at most 1024 MiB are read" in said


def test_a_nul_byte_is_refused() -> None:
    assert "NUL byte" in refusal(packed({"a": ["x\x00y"]}))


def test_a_csv_whose_header_begins_with_the_mark_is_a_csv() -> None:
    assert parse_table(b"PAR1,Y\n1,2\n3,4\n").columns == ("PAR1", "Y")
    assert parse_table(b"PAR1\n1\n3\n").columns == ("PAR1",)


def test_without_pyarrow_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    said = refusal(content)

    assert "pyarrow is not installed where the data is prepared. Add pyarrow" in said


def test_drift_reads_the_columns_of_a_version(tmp_path: Path) -> None:
    path = tmp_path / "version.csv"
    path.write_bytes(packed({"a": [1.5, 2.0], "b": ["x", None], "Y": pa.array([3, 4])}))

    with path.open("rb") as file:
        columns = read_columns(file, ["Y", "a"])

    assert [list(column) for column in columns] == [[3.0, 4.0], [1.5, 2.0]]
    for name, said in (("c", "has no column 'c'"), ("b", "Column 'b': could not convert")):
        with pytest.raises(ContractError, match=said):
            read_parquet_columns(path.read_bytes(), [name])


def test_no_csv_needs_pyarrow(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,Y\n1,2\n3,4\n")
    code = (
        "import sys; from platform_jobs.__main__ import main; main(sys.argv[1:]); "
        "print('pyarrow' in sys.modules)"
    )
    words = ["prepare", "--data", "data.csv", "--target", "Y", "--key", "m", "--out", "out"]

    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.splitlines()[-1] == "False"
