"""Figures of a file, as the data gate reads them."""

import json
from pathlib import Path

import pytest

from function_app.domain.codec import load
from function_app.domain.data_quality import KINDS, CellKind, ColumnProfile, DataProfile
from platform_jobs.__main__ import main
from platform_jobs.profile import profile_table
from platform_jobs.tables import cells
from platform_jobs.tables.tables import parse_table


def test_the_figures_are_those_that_the_gate_reads(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a;Y\n1;2\n3;\n;x\n", encoding="utf-8")

    code = main(["profile", "--data", str(tmp_path / "data.csv"), "--out", str(tmp_path / "p")])

    empty = CellKind(kind="empty", count=1, line=4)
    assert code == 0
    assert load(DataProfile, json.loads((tmp_path / "p").read_text())) == DataProfile(
        rows=3,
        columns=(
            ColumnProfile(name="a", missing=1, mean=2.0, std=1.0, found=(empty,)),
            ColumnProfile(
                name="Y",
                missing=2,
                mean=2.0,
                std=0.0,
                found=(
                    CellKind(kind="empty", count=1, line=3),
                    CellKind(kind="word", count=1, line=4, examples=("x",)),
                ),
            ),
        ),
        notes=("Its columns are separated by semicolons.",),
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty. It needs a header and rows."),
        (b"PAR1", "The file is a Parquet file that is cut off. Upload it again."),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    (tmp_path / "data.csv").write_bytes(content)

    code = main(["profile", "--data", str(tmp_path / "data.csv"), "--out", str(tmp_path / "p")])

    assert code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1", "-0.5", "+.5", "1.", "1e-7", " 2 ", "007", "-0"])
def test_a_number_is_read(text: str) -> None:
    assert cells.number(text) == float(text)
    assert cells.numbers([text]) == [float(text)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("N/A", "not_available"),
        ("#N/A", "not_available"),
        ("NULL", "not_available"),
        ("-", "not_available"),
        ("?", "not_available"),
        ("NaN", "not_finite"),
        ("-inf", "not_finite"),
        ("1e999", "not_finite"),
        ("1.#QNAN", "not_finite"),
        ("#DIV/0!", "formula_error"),
        ("2024-01-31", "date"),
        ("31.01.2024", "date"),
        ("1/31/24", "date"),
        ("2024-01-31T12:30:00Z", "date"),
        ("2024-01-31 12:30", "date"),
        ("12:30", "date"),
        ("5-Jan-2024", "date"),
        ("Jan 5, 2024", "date"),
        ("1,5", "decimal_comma"),
        ("-0,123", "decimal_comma"),
        ("1,5E-05", "decimal_comma"),
        ("1234,567", "decimal_comma"),
        ("1,234", "ambiguous_comma"),
        ("1,234,567", "thousands"),
        ("1,234.5", "thousands"),
        ("1.234,5", "thousands"),
        ("1.234.567", "thousands"),
        ("1 234", "thousands"),
        ("1'234.5", "thousands"),
        ("1\u202f234", "thousands"),
        ("12 %", "unit"),
        ("12%", "unit"),
        ("\u20ac 5", "unit"),
        ("5 kg", "unit"),
        ("true", "truth"),
        ("No", "truth"),
        ("Bonn", "word"),
        ("1_000", "notation"),
        ("0x1F", "notation"),
        ("\uff11\uff12", "notation"),
        ("\u22125.1", "notation"),
        ("(5.00)", "notation"),
        ("5-", "notation"),
        ("'5", "notation"),
        ("A-5", "word"),
        ("12A", "word"),
        ("- 5 -", "word"),
        pytest.param("1" * 120_000 + "x", "word", id="many digits"),
        pytest.param("1," * 60_000 + "x", "word", id="many commas"),
        pytest.param("1" + " " * 60_000 + "!", "word", id="many blanks"),
        ("192.168.0.1", "word"),
    ],
)
def test_a_cell_that_is_no_number_has_a_kind(text: str, kind: str) -> None:
    assert cells.number(text) is None
    assert cells.numbers([text]) is None
    assert cells.kind(text) == kind
    assert kind in KINDS


def test_kinds_are_counted_apart_the_most_frequent_first() -> None:
    rows = ["x,1", "1,2", ",3", "Bonn,4", "Ulm,5", "Bonn,6", "Aachen,7", "n/a,8"]

    columns = profile_table(parse_table("\n".join(["x,y", *rows]).encode()))["columns"]

    assert [(kind["kind"], kind["count"], kind["line"]) for kind in columns[0]["found"]] == [
        ("word", 5, 2),
        ("empty", 1, 4),
        ("not_available", 1, 9),
    ]
    assert columns[0]["found"][0]["examples"] == ["x", "Bonn"]
    assert (columns[0]["missing"], columns[0]["mean"]) == (7, 1.0)
    assert columns[1]["found"] == []


def test_a_long_cell_is_cut_in_an_example() -> None:
    columns = profile_table(parse_table(b"x,y\n" + b"w" * 999 + b",1\n"))["columns"]

    assert columns[0]["found"][0]["examples"] == ["w" * 40]
