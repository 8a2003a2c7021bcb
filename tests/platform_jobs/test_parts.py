"""A folder of parts is read as one table; texts name the part and the line of a row."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

from function_app.adapters import parts as app
from function_app.adapters.csv_rows import read_columns
from function_app.domain.codec import load
from function_app.domain.data_quality import DataPolicy, Prepared, judge_prepared
from function_app.errors import ContractError as AppError
from platform_jobs.errors import ContractError
from platform_jobs.prepare import prepare
from platform_jobs.tables import parts
from platform_jobs.tables.tables import Table, parse_table
from platform_jobs.tables.words import Words

ONE, TWO = b"a,Y\n1,2\n3,4\n", b"a,Y\n5,6\n"


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return the archive that the app makes of these parts."""
    out = io.BytesIO()

    def part(name: str) -> app.Part:
        def write(file: IO[bytes]) -> None:
            file.write(files[name])

        return name, write

    app.pack(map(part, files), out)
    return out.getvalue()


def test_the_rows_of_all_parts_are_one_table() -> None:
    table = parse_table(archive({"part-0.csv": ONE, "part-1.csv": TWO}))

    assert table == Table(
        columns=("a", "Y"),
        rows=(("1", "2"), ("3", "4"), ("5", "6")),
        lines=(2, 3, 2),
        parts=("part-0.csv", "part-0.csv", "part-1.csv"),
    )
    assert table.where([1, 2]) == "line 3 of part-0.csv, line 2 of part-1.csv"


def test_the_same_parts_make_the_same_bytes() -> None:
    files = {"part-0.csv": ONE, "part-1.csv": TWO}

    assert archive(files) == archive(files) != archive({**files, "part-1.csv": ONE})
    assert app.COMMENT == parts.COMMENT


def test_the_faults_of_all_parts_are_named_with_their_part() -> None:
    table = parse_table(
        archive(
            {
                "part-0.csv": ONE,
                "part-1.csv": b"a,b,Y\n1,2,3\n",
                "part-2.csv": b"Y,a\n1,2\n",
                "part-3.csv": b"a\n1\n",
                "part-4.csv": b"a,Y\n1,2\n3\n5,6\n",
                "part-5.csv": b"\n",
                "part-6.csv": b"a;Y\n1;2\n",
            }
        )
    )

    expected = "part-0.csv has a, Y. Write all parts with the same columns."
    assert table.faults[:3] == (
        f"part-1.csv: it also has b; {expected}",
        f"part-2.csv: it has another order of columns; {expected}",
        f"part-3.csv: it lacks Y; {expected}",
    )
    assert table.faults[3].startswith("part-4.csv: 1 of 3 rows do not have the header's 2 fields")
    assert table.faults[4].startswith("part-5.csv: The file is empty.")
    assert len(table.faults) == 5
    [note] = table.notes
    assert note.startswith("part-6.csv: ")
    assert set(table.parts) == {"part-0.csv", "part-4.csv", "part-6.csv"}


def test_a_bad_cell_is_refused_with_its_part_and_line(tmp_path: Path) -> None:
    content = archive({"part-0.csv": ONE, "part-1.csv": b"a,Y\n5,6\nx,7\n"})
    (tmp_path / "v.csv").write_bytes(content)

    prepare(tmp_path / "v.csv", "Y", "m", tmp_path / "out")

    prepared = load(Prepared, json.loads((tmp_path / "out" / "prepared.json").read_text()))
    policy = DataPolicy(columns=("a", "Y"), min_rows=1)
    [reason] = judge_prepared(prepared, None, policy).reasons
    assert "a: words where numbers are expected in 1 of 4 cells, such as 'x'" in reason
    assert "first in line 3 of part-1.csv." in reason


def test_a_bad_date_is_refused_with_its_part_and_lines(tmp_path: Path) -> None:
    first = b"day,Y\n" + b"".join(b"2024-01-%02d,%d\n" % (n, n) for n in range(1, 29))
    second = b"day,Y\n2024-01-30,1\nsoon,2\nnever,3\n1970-01-01,3\n"
    (tmp_path / "v.csv").write_bytes(archive({"part-0.csv": first, "part-1.csv": second}))

    prepare(tmp_path / "v.csv", "Y", "m", tmp_path / "out", words=Words(dates=("day",)))

    prepared = load(Prepared, json.loads((tmp_path / "out" / "prepared.json").read_text()))
    policy = DataPolicy(columns=("day", "Y"), dates=("day",), min_rows=1)
    reasons = " ".join(judge_prepared(prepared, None, policy).reasons)
    assert "first in lines 3, 4 of part-1.csv. Write dates of ISO 8601" in reasons
    assert "within a year of it, first in line 5 of part-1.csv." in reasons


def test_parts_and_one_file_of_their_rows_give_the_same_training(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [(n, n % 7) for n in range(90)]
    lines = [f"{a},{y}" for a, y in rows]
    (tmp_path / "whole.csv").write_text("\n".join(["a,Y", *lines, ""]))
    table = pa.table({"a": [a for a, _ in rows[60:]], "Y": [y for _, y in rows[60:]]})
    out = io.BytesIO()
    parquet.write_table(table, out)
    content = archive(
        {
            "part-0.csv": "\n".join(["a,Y", *lines[:30], ""]).encode(),
            "part-1.csv": "\n".join(["a,Y", *lines[30:60], ""]).encode(),
            "part-2.parquet": out.getvalue(),
        }
    )
    (tmp_path / "parts.csv").write_bytes(content)

    made = [
        prepare(
            tmp_path / f"{name}.csv", "Y", "m", tmp_path / name, reference=tmp_path / "whole.csv"
        )
        for name in ("whole", "parts")
    ]

    assert made[0]["profile"]["columns"] == made[1]["profile"]["columns"]
    for part in ("seen/rows.csv", "held_out/rows.csv", "held_out/seen.hashes"):
        read = [(tmp_path / name / part).read_bytes() for name in ("whole", "parts")]
        assert read[0] == read[1]


def test_the_columns_of_all_parts_are_read(tmp_path: Path) -> None:
    """The figures that watch production come from them."""
    path = tmp_path / "v.csv"
    path.write_bytes(archive({"part-0.csv": ONE, "part-1.csv": TWO}))
    with path.open("rb") as file:
        columns = read_columns(file, ("Y", "a"))

    assert [column.tolist() for column in columns] == [[2.0, 4.0, 6.0], [1.0, 3.0, 5.0]]
    path.write_bytes(archive({"part-0.csv": ONE, "part-1.csv": b"b,Y\n1,2\n"}))
    with path.open("rb") as file, pytest.raises(AppError, match=r"part-1\.csv: "):
        read_columns(file, ("a",))


def test_other_archives_and_damaged_ones_are_refused() -> None:
    content = archive({"part-0.csv": ONE, "part-1.csv": TWO})
    middle = content.index(ONE) + 4
    damaged = content[:middle] + b"9" + content[middle + 1 :]
    with pytest.raises(ContractError, match="The archive of the parts is damaged"):
        parse_table(damaged)

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.comment = parts.COMMENT
        file.writestr("part-0.csv", b"0" * 100_000)
    with pytest.raises(ContractError, match="The archive of the parts is damaged"):
        parse_table(packed.getvalue())

    plain = content.removesuffix(parts.COMMENT)
    with pytest.raises(ContractError, match=r"(?i)zip"):
        parse_table(plain)


def test_an_archive_within_an_archive_is_not_opened() -> None:
    inner = archive({"part-0.csv": ONE})

    [fault] = parse_table(archive({"part-0.csv": inner})).faults

    assert fault.startswith("part-0.csv: ")


def test_a_part_without_bytes_is_left_out_with_a_note() -> None:
    """Hadoop writes one for each task without rows."""
    table = parse_table(archive({"part-0": b"", "part-1": ONE, "part-2": b"a,Y\n", "part-3": b""}))

    assert (table.columns, table.rows, table.faults) == (("a", "Y"), (("1", "2"), ("3", "4")), ())
    assert table.notes == ("2 parts without bytes were left out: part-0, part-3.",)
    nothing = parse_table(archive({"part-0": b""}))
    assert nothing.faults == ("All parts are empty. They need a header and rows.",)


def test_many_parts_with_faults_make_a_short_refusal() -> None:
    files = {f"part-{n:05}": b"a%d,Y\n1,2\n" % n for n in range(500)}

    faults = parse_table(archive(files)).faults

    assert faults[0].startswith("part-00001: it lacks a0 and also has a1; part-00000 has a0, Y.")
    assert len(faults) == 21
    assert faults[-1] == "479 more parts have faults."


def test_signs_that_a_terminal_obeys_are_escaped_in_names() -> None:
    [fault] = parse_table(archive({"part-0": ONE, "part-\x1b[2J\n " + "x" * 500: b"b\n"})).faults

    assert fault.startswith("part-\\x1b[2J\\n xxx")
    assert len(fault) < 250


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "a\\..\\evil.csv"])
def test_a_name_that_is_a_path_is_only_a_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "v.csv").write_bytes(archive({"part-0": ONE, name: b"a,Y\nx,2\n"}))
    before = sorted(tmp_path.rglob("*"))

    prepare(tmp_path / "in" / "v.csv", "Y", "m", tmp_path / "in" / "out")

    assert not list(tmp_path.rglob("evil*"))
    made = [path for path in tmp_path.rglob("*") if path not in before]
    assert all(path.is_relative_to(tmp_path / "in" / "out") for path in made)


def test_a_part_without_rows_has_the_columns_of_the_parts_with_row_numbers() -> None:
    table = parse_table(archive({"part-0": b",a,Y\n0,1,2\n1,3,4\n", "part-1": b",a,Y\n"}))

    assert (table.columns, table.faults) == (("a", "Y"), ())
    assert table.rows == (("1", "2"), ("3", "4"))


def test_a_column_without_a_name_is_named_as_such() -> None:
    table = parse_table(archive({"part-0": ONE, "part-1": b"a,,Y\n1,5,2\n"}))

    assert any("also has a column without a name; part-0 has a, Y" in one for one in table.faults)
