"""Figures of a file, as the data gate reads them."""

import json
from pathlib import Path

import pytest

from function_app.codec import load
from function_app.domain.data_quality import ColumnProfile, DataProfile
from platform_jobs.__main__ import main


def test_the_figures_are_those_that_the_gate_reads(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,Y\n1,2\n3,\n,x\n", encoding="utf-8")

    code = main(["profile", "--data", str(tmp_path / "data.csv"), "--out", str(tmp_path / "p")])

    assert code == 0
    assert load(DataProfile, json.loads((tmp_path / "p").read_text())) == DataProfile(
        rows=3,
        columns=(
            ColumnProfile(name="a", missing=1, mean=2.0, std=1.0),
            ColumnProfile(name="Y", missing=2, mean=2.0, std=0.0),
        ),
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty. It needs a header and rows."),
        (b"a,b\n1\n", "Row 2 has 1 cells; the header names 2 columns."),
        (b"\xff\xfe", "is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    (tmp_path / "data.csv").write_bytes(content)

    code = main(["profile", "--data", str(tmp_path / "data.csv"), "--out", str(tmp_path / "p")])

    assert code == 2
    assert reason in capsys.readouterr().err
