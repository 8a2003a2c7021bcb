"""Large Parquet files and folders of parts are prepared by arrays, as by text cells."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_jobs.checking import data_check
from platform_jobs.checking.data_check import read_large
from tests.platform_jobs.test_large import assert_same, lines
from tests.platform_jobs.test_parts import archive

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = np.random.default_rng(6).normal(size=(90, 3))
SCHEMA = ("b", "a c", "Y")


def packed(rows: Any = ROWS, names: tuple[str, ...] = SCHEMA, **columns: Any) -> bytes:
    """Return a Parquet file of the rows, with these columns in their stead or besides."""
    out = io.BytesIO()
    table = dict(zip(names, np.asarray(rows).T, strict=True)) | columns
    pq.write_table(pa.table(table), out)
    return out.getvalue()


def is_read_by_arrays(folder: Path) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_check, "LARGE", 0)
        return read_large(folder / "data", SCHEMA, folder) is not None


PLAIN = {
    "parquet": packed(),
    "narrow types": packed(
        b=pa.array(ROWS[:, 0].astype(np.float32)),
        Y=pa.array([(2**53 + 1) * (n % 3) + n for n in range(90)], pa.int64()),
    ),
    "decimals": packed(b=pa.array([Decimal(n - 45).scaleb(-2) for n in range(90)])),
    "small and great": packed(ROWS * 1e-300, b=pa.array([-0.0, 1e300, 5e-324] * 30)),
    "row labels": packed(__index_level_0__=pa.array(range(90))),
    "parts": archive({f"part-{n}": lines(ROWS[n * 30 : n * 30 + 30].tolist()) for n in range(3)}),
    "ends": archive(
        {
            "part-0": lines(ROWS[:50].tolist(), end="\r\n"),
            "part-1": b"",
            "part-2": b"b,a c,Y\n",
            "part-2-cut": b"b,a c,Y",
            "part-3": lines(ROWS[50:].tolist()).rstrip(b"\n"),
        }
    ),
    "parquet parts": archive({"part-0": packed(ROWS[:40]), "part-1": packed(ROWS[40:])}),
}
OTHER = {
    "null": packed(b=pa.array([None, *range(89)])),
    "nan": packed(b=pa.array([float("nan"), *range(89)], pa.float64())),
    "infinite": packed(b=pa.array([float("inf"), *range(89)], pa.float64())),
    "words": packed(b=pa.array(["x"] * 90)),
    "names": packed(names=("b ", "A c", "Y")),
    "no rows": packed(ROWS[:0]),
    "cut off": packed()[:-20],
    "damaged": packed().replace(b"\x15", b"\x16"),
    "mixed": archive({"part-0": packed(ROWS[:40]), "part-1": lines(ROWS[40:].tolist())}),
    "mixed again": archive({"part-0": lines(ROWS[40:].tolist()), "part-1": packed(ROWS[:40])}),
    "two schemas": archive({"part-0": lines(ROWS[:40].tolist()), "part-1": b"b,Y\n1,2\n"}),
    "two orders": archive(
        {"part-0": packed(ROWS[:40]), "part-1": packed(ROWS[40:], ("a c", "b", "Y"))}
    ),
    "empty": archive({"part-0": b""}),
    "bad cell": archive({"part-0": lines([[1, 2, 3]]), "part-1": lines([[1, "x", 3]])}),
    "damaged archive": archive({"part-0": lines([[1, 2, 3]] * 9)}).replace(b"1,2,3", b"1,2,4", 1),
    "nested": archive({"part-0": archive({"part-0": lines([[1, 2, 3]])})}),
}


@pytest.mark.parametrize("form", PLAIN)
def test_a_plain_table_in_another_form_is_read_by_arrays(form: str, tmp_path: Path) -> None:
    assert_same(tmp_path, PLAIN[form], PLAIN["parquet"], schema=SCHEMA)

    assert is_read_by_arrays(tmp_path)


@pytest.mark.parametrize("form", OTHER)
def test_every_other_file_is_read_by_text_cells(form: str, tmp_path: Path) -> None:
    assert_same(tmp_path, OTHER[form], schema=SCHEMA)

    assert not is_read_by_arrays(tmp_path)


@pytest.mark.parametrize("reference", ["parquet parts", "ends", "null", "mixed", "damaged"])
def test_a_reference_in_another_form_is_compared_alike(reference: str, tmp_path: Path) -> None:
    given = {**PLAIN, **OTHER}[reference]

    assert_same(tmp_path, lines(ROWS.tolist()), given, schema=SCHEMA, folds=3)
