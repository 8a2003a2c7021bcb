"""The platform splits the rows by their content, so that their order does not matter."""

import json
import random
from pathlib import Path
from typing import Any

from platform_jobs.__main__ import main
from platform_jobs.tables.tables import read_table

ROWS = [f"{n},{n * 3 % 17},{n % 5}" for n in range(1000)]


def prepare(folder: Path, lines: list[str], header: str = "a,b,Y", key: str = "m") -> Path:
    folder.mkdir(parents=True)
    data = folder / "data.csv"
    data.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    out = folder / "out"
    words = ["prepare", "--data", str(data), "--target", "Y", "--key", key, "--out", str(out)]
    assert main(words) == 0
    return out


def read(out: Path, part: str) -> list[tuple[str, ...]]:
    return list(read_table(out / part / "rows.csv").rows)


def content(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "prepared.json").read_text())
    return found


def test_each_row_is_seen_or_held_out_and_about_a_fifth_is_held_out(tmp_path: Path) -> None:
    out = prepare(tmp_path / "x", ROWS)

    seen, held_out = read(out, "seen"), read(out, "held_out")
    assert sorted(",".join(row) for row in seen + held_out) == sorted(ROWS)
    assert 150 < len(held_out) < 250
    assert content(out)["seen"] == len(seen)
    assert content(out)["held_out"] == len(held_out)
    assert json.loads((out / "seen" / "schema.json").read_text()) == {
        "columns": ["a", "b", "Y"],
        "features": ["a", "b"],
        "target": "Y",
        "rows": len(seen),
        "kinds": {"a": "number", "b": "number", "Y": "number"},
    }


def test_the_order_of_rows_changes_no_byte_of_what_a_training_gets(tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    first, second = prepare(tmp_path / "x", ROWS), prepare(tmp_path / "y", shuffled)

    for part in ("seen", "held_out"):
        assert (first / part / "rows.csv").read_bytes() == (second / part / "rows.csv").read_bytes()


def test_equal_rows_fall_on_one_side_however_they_are_written(tmp_path: Path) -> None:
    twice = [*ROWS, *(f"{float(r.split(',')[0])},{','.join(r.split(',')[1:])}" for r in ROWS)]
    out = prepare(tmp_path / "x", twice)

    def numbers(part: str) -> set[tuple[float, ...]]:
        return {tuple(float(cell) for cell in row) for row in read(out, part)}

    assert not numbers("seen") & numbers("held_out")


def test_a_repeated_row_judges_once_and_trains_as_often_as_it_came(tmp_path: Path) -> None:
    # Else the comparison takes copies of a row for further evidence.
    once = prepare(tmp_path / "x", ROWS)
    made = prepare(tmp_path / "y", [line for row in ROWS for line in (row, f"{row}.0")] * 10)

    assert (made / "held_out" / "rows.csv").read_bytes() == (
        once / "held_out" / "rows.csv"
    ).read_bytes()
    assert len(read(made, "seen")) == 20 * len(read(once, "seen"))
    assert content(made)["held_out"] == content(once)["held_out"]


def test_a_row_keeps_its_side_in_a_file_that_grew(tmp_path: Path) -> None:
    # Else a later challenger would be judged by rows that the champion was trained on.
    first, grown = prepare(tmp_path / "x", ROWS[:500]), prepare(tmp_path / "y", ROWS)

    assert set(read(first, "seen")) <= set(read(grown, "seen"))
    assert set(read(first, "held_out")) <= set(read(grown, "held_out"))


def test_models_that_share_a_file_hold_out_different_rows(tmp_path: Path) -> None:
    first, second = prepare(tmp_path / "x", ROWS), prepare(tmp_path / "y", ROWS, key="other")

    assert read(first, "held_out") != read(second, "held_out")


def test_a_file_that_is_no_table_is_a_result_with_its_reason(tmp_path: Path) -> None:
    out = prepare(tmp_path / "x", [], header="")

    assert content(out)["refused"]
    assert content(out)["profile"] is None
    assert not (out / "seen").exists()


def test_a_file_with_faults_has_figures_with_every_fault_and_no_rows(tmp_path: Path) -> None:
    out = prepare(tmp_path / "x", [*ROWS, "1", "1,2,3,4"])

    assert not content(out)["refused"]
    assert content(out)["profile"]["rows"] == len(ROWS)
    assert "line 1002 has 1 field; line 1003 has 4 fields" in content(out)["profile"]["faults"][0]
    assert not (out / "seen").exists()


def test_rows_in_another_dialect_reach_a_training_in_the_plain_one(tmp_path: Path) -> None:
    plain = prepare(tmp_path / "x", ROWS)
    german = prepare(
        tmp_path / "y", [f"{row.replace(',', ',0;')},0" for row in ROWS], header="a;b;Y"
    )

    # 5 and 5.0 are one number, so that the split is the same.
    for part in ("seen", "held_out"):
        numbers = [tuple(map(float, row)) for row in read(german, part)]
        assert numbers == [tuple(map(float, row)) for row in read(plain, part)]
    assert (german / "seen" / "rows.csv").read_text().startswith("a,b,Y\n")


def test_a_file_without_the_target_has_figures_and_no_rows(tmp_path: Path) -> None:
    out = prepare(tmp_path / "x", ["1,2,3"], header="a,b,y")

    assert content(out)["profile"]["rows"] == 1
    assert not (out / "seen").exists()
