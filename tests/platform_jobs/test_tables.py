"""Files of every usual dialect: read alike, or refused by name."""

import contextlib
import random
import zlib
from pathlib import Path

import pytest

from platform_jobs.errors import ContractError
from platform_jobs.tables import containers
from platform_jobs.tables.tables import parse_table, read_table, scan_table, write_table
from tests.platform_jobs.files import COLUMNS, PLAIN, READ, REFUSED, ROWS, File, edited


@pytest.mark.parametrize("file", READ, ids=lambda file: file.name)
def test_a_file_that_can_mean_one_table_only_is_read_and_noted(file: File) -> None:
    table = parse_table(file.content)

    assert (table.columns, table.rows) == (COLUMNS, ROWS)
    assert table.faults == ()
    assert [word for word in file.words if word not in " ".join(table.notes)] == []
    assert bool(table.notes) is bool(file.words)


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.name)
def test_any_other_file_is_refused_by_its_name_with_the_line_and_the_remedy(
    file: File, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_bytes(file.content)

    with pytest.raises(ContractError) as refusal:
        read_table(tmp_path / "data.csv")

    assert [word for word in file.words if word not in str(refusal.value)] == []


def test_all_faults_of_a_file_are_found_at_once() -> None:
    lines = PLAIN.splitlines()
    lines[0], lines[4], lines[9] = "age,age,", "1,2,3,4", "1"

    faults = parse_table("\n".join([*lines, lines[0], "5,6"]).encode()).faults

    assert len(faults) == 4
    assert "no name for column 3" in faults[0]
    assert "'age' 2 times" in faults[1]
    assert "repeated in line 42" in faults[2]
    assert "line 5 has 4 fields; line 10 has 1 field; line 43 has 2 fields" in faults[3]


def test_a_header_alone_is_a_table_without_rows() -> None:
    table = parse_table(b"age,bmi,Y\n")

    assert (table.columns, table.rows, table.faults) == (COLUMNS, (), ())


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = 'sep=;\r\nage;"b\r\nmi";Y\r\n\r\n1;2;3\r\n"4\r\n";5;6\r\n7;8;9\r\n'

    table = parse_table(text.encode("utf-16"))

    assert table.lines == (5, 6, 8)


def test_a_number_that_may_be_in_the_thousands_is_left_as_it_is() -> None:
    table = parse_table(b"a;b\n1,234;5\n2,345;6\n")

    assert table.rows == (("1,234", "5"), ("2,345", "6"))
    assert table.notes == ("Its columns are separated by semicolons.",)


def test_a_file_with_points_and_commas_is_left_as_it_is() -> None:
    assert parse_table(b"a;b\n1,5;2.5\n").rows == (("1,5", "2.5"),)


def test_a_small_gzip_file_cannot_fill_the_memory() -> None:
    packer = zlib.compressobj(wbits=31)
    content = packer.compress(b"0" * (9 << 20)) + packer.flush()

    assert len(content) < 20_000
    with pytest.raises(ContractError, match="unpacks to over 8 MiB"):
        containers.unpack(content, most=8 << 20)


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    table = scan_table(_written(tmp_path / "in.csv", READ[-2].content))

    write_table(tmp_path / "out.csv", table)

    assert (tmp_path / "out.csv").read_text() == PLAIN


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no\.csv cannot be read: No such file"):
        read_table(tmp_path / "no.csv")


def test_damaged_files_are_read_or_refused_but_never_crash() -> None:
    draw = random.Random(1)
    for number in range(600):
        file = draw.choice([*READ, *REFUSED])
        content = bytearray(file.content)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(content) + 1)
            content[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        with contextlib.suppress(ContractError):
            table = parse_table(bytes(content))
            assert all(len(row) == len(table.columns) for row in table.rows), (number, file.name)


def test_a_longer_row_is_left_out_of_the_table() -> None:
    table = parse_table(edited(7, "0.60,0.05,1,9"))

    assert table.rows == (*ROWS[:5], *ROWS[6:])
    assert table.lines[4:6] == (6, 8)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
