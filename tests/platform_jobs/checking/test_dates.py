"""Columns of dates: read, checked by themselves and against the champion's data, and reported."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from function_app.domain.codec import load
from function_app.domain.data_quality import DataPolicy, Prepared, judge_prepared
from function_app.domain.gates import GateResult, Verdict
from platform_jobs.__main__ import main
from platform_jobs.prepare import prepare
from platform_jobs.tables.cells import EMPTY, NOT_AVAILABLE
from platform_jobs.tables.dates import NO_DATE, NO_SUCH_DATE, OTHER_DATE, kind, read_moment
from platform_jobs.tables.words import Words

NOW = datetime(2024, 7, 1, tzinfo=UTC)
JANUARY, BIRTHS = date(2024, 1, 1), date(1940, 1, 1)
POLICY = DataPolicy(columns=("day", "a", "Y"), dates=("day",))
ROWS = 200


def days(first: date, most: int, seed: int, rows: int = ROWS) -> list[str]:
    """Return so many dates, drawn from `most` days."""
    draws = random.Random(seed)
    return [(first + timedelta(days=draws.randrange(most))).isoformat() for _ in range(rows)]


def write(path: Path, cells: list[str], seed: int) -> Path:
    """Write a file whose columns `a` and `Y` come from one population."""
    draws = random.Random(1000 + seed)
    lines = ["day,a,Y"]
    for cell in cells:
        a = draws.gauss(0, 1)
        lines.append(f"{cell},{a:.6f},{2 * a + draws.gauss(0, 1):.6f}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., GateResult]:
    """Checks dates against earlier ones, and returns the verdict."""

    def check(
        cells: list[str], earlier: list[str] | None = None, future: tuple[str, ...] = ()
    ) -> GateResult:
        data = write(tmp_path / "new.csv", cells, 1)
        reference = write(tmp_path / "old.csv", earlier, 2) if earlier else None
        words = Words(dates=("day",), future_dates=future)
        columns = ("day", "a", "Y")
        prepare(data, "Y", "m", tmp_path / "out", columns, reference, words=words, now=NOW)
        content = json.loads((tmp_path / "out" / "prepared.json").read_text())
        policy = replace(POLICY, future_dates=future)
        return judge_prepared(load(Prepared, content), None, policy)

    return check


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        (" 2024-02-29 ", datetime(2024, 2, 29)),
        ("2024-02-29T01:02", datetime(2024, 2, 29, 1, 2)),
        ("2024-02-29 01:02:03.000000000", datetime(2024, 2, 29, 1, 2, 3)),
        ("2024-02-29T01:02:03.5Z", datetime(2024, 2, 29, 1, 2, 3, 500_000, UTC)),
        ("2024-02-29T01:00+01:00", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2024-02-29T01:00+0100", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_date_of_iso_8601_is_read(cell: str, moment: datetime) -> None:
    read = read_moment(cell)

    assert read == moment
    assert read is not None
    assert (read.tzinfo is None) is (moment.tzinfo is None)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", EMPTY),
        ("NaT", NOT_AVAILABLE),
        ("nan", NOT_AVAILABLE),
        ("2023-02-29", NO_SUCH_DATE),
        ("2024-13-01", NO_SUCH_DATE),
        ("2024-01-01T25:00", NO_SUCH_DATE),
        ("29.02.2024", OTHER_DATE),
        ("02/29/2024", OTHER_DATE),
        ("20240229", NO_DATE),
        ("1709164800", NO_DATE),
        ("yesterday", NO_DATE),
        ("2024-W09-4", NO_DATE),
        ("2024-02-29 01:02 +01:00", OTHER_DATE),
        ("2024-02-29T01:02:03.1234567890", OTHER_DATE),
        ("\u0662024-02-29", OTHER_DATE),
    ],
)
def test_the_reason_that_a_cell_is_no_date_is_named(cell: str, why: str) -> None:
    assert read_moment(cell) is None
    assert kind(cell) == why


def test_bad_and_missing_dates_are_refused_with_their_first_lines(
    check: Callable[..., GateResult],
) -> None:
    cells = days(JANUARY, 30, 1)
    cells[3] = cells[7] = "2024-02-30"
    cells[9], cells[10], cells[11] = "31.01.2024", "", "soon"

    result = check(cells, days(JANUARY, 30, 2))

    assert result.verdict is Verdict.REJECT
    for reason in (
        "day: dates or times that do not exist in 2 of 200 cells, such as '2024-02-30', first in "
        "lines 5, 9.",
        "day: dates in another notation than ISO 8601 in 1 of 200 cells, such as '31.01.2024', "
        "first in line 11.",
        "day: missing values (empty cells) in 1 of 200 cells, first in line 12.",
        "day: cells that are no dates in 1 of 200 cells, such as 'soon', first in line 13.",
    ):
        assert any(given.startswith(reason) for given in result.reasons), result.reasons


@pytest.mark.parametrize("first", [date(2024, 1, 31), date(2024, 1, 15), date(2024, 2, 20)])
def test_a_window_that_moves_on_passes_with_a_note(
    check: Callable[..., GateResult], first: date
) -> None:
    result = check(days(first, 30, 1), days(JANUARY, 30, 2))

    assert (result.verdict, result.passed) == (Verdict.PASS, True), result.reasons
    assert any("dates are later than the reference data's" in note for note in result.reasons)


def test_a_file_that_grows_passes(check: Callable[..., GateResult], tmp_path: Path) -> None:
    old = days(JANUARY, 30, 2)
    reference = write(tmp_path / "a.csv", old, 2)
    later = write(tmp_path / "b.csv", days(date(2024, 1, 31), 30, 3), 3)
    both = reference.read_text() + later.read_text().partition("\n")[2]
    (tmp_path / "both.csv").write_text(both)

    content = prepare(
        tmp_path / "both.csv",
        "Y",
        "m",
        tmp_path / "out",
        POLICY.columns,
        reference,
        words=Words(dates=("day",)),
        now=NOW,
    )

    assert {one["severity"] for one in content["check"]["findings"]} == {"note"}
    assert content["check"]["rows"] == ROWS


def test_dates_of_one_population_are_no_finding(check: Callable[..., GateResult]) -> None:
    """Days of birth do not move on, and 1970-01-01 is one of them."""
    born = [*days(BIRTHS, 25_000, 1, ROWS - 1), "1970-01-01"]

    result = check(born, days(BIRTHS, 25_000, 2))

    assert result.verdict is Verdict.PASS, result.reasons
    assert result.reasons[0] == "200 rows pass every data check."


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (date(2023, 12, 10), "day: the dates lie earlier than the reference data's: 2023-12-10 to"),
        (date(2024, 5, 1), "day: the dates begin 9"),
    ],
)
def test_earlier_dates_and_a_gap_are_inconclusive(
    check: Callable[..., GateResult], first: date, reason: str
) -> None:
    result = check(days(first, 30, 1), days(JANUARY, 30, 2))

    assert result.verdict is Verdict.INCONCLUSIVE, result.reasons
    assert any(given.startswith(reason) for given in result.reasons), result.reasons


@pytest.mark.parametrize("earlier", [None, days(JANUARY, 30, 2)])
def test_a_date_that_stands_for_none_is_a_fault(
    check: Callable[..., GateResult], earlier: list[str] | None
) -> None:
    last = "9999-12-31T23:59:59.9999999"
    for sentinel in ("1970-01-01", "1970-01-01T00:00:00", "0001-01-01", "9999-12-31", last):
        cells = days(JANUARY, 30, 1)
        cells[4] = sentinel

        result = check(cells, earlier)

        assert result.verdict is Verdict.REJECT
        faults = [one for one in result.reasons if "programs write for a missing date" in one]
        assert faults == [
            f"day: 1 of 200 dates are {sentinel[:10]}, which programs write for a missing date, and "
            "no other date lies within a year of it, first in line 6. Write the true dates, or "
            "leave these rows out."
        ]
        assert not any("lie in the future" in one for one in result.reasons)


def test_a_sentinel_among_other_dates_is_a_fault_when_it_grew(
    check: Callable[..., GateResult],
) -> None:
    cells = days(BIRTHS, 25_000, 1)
    cells[::10] = ["1970-01-01"] * len(cells[::10])

    result = check(cells, days(BIRTHS, 25_000, 2))

    assert result.verdict is Verdict.REJECT
    assert any("day: 20 of 200 dates are 1970-01-01" in one for one in result.reasons)


def test_dates_of_the_future_are_a_fault_unless_the_column_may_have_them(
    check: Callable[..., GateResult],
) -> None:
    cells = days(date(2024, 6, 1), 30, 1)
    cells[2] = cells[5] = "2024-08-15"
    # The clocks of two zones differ by less than a day.
    cells[6] = "2024-07-01"
    earlier = days(date(2024, 6, 1), 30, 2)

    result = check(cells, earlier)

    assert result.verdict is Verdict.REJECT
    [fault] = [one for one in result.reasons if "lie in the future" in one]
    assert fault.startswith(
        "day: 2 of 200 dates lie in the future, such as 2024-08-15, first in lines 4, 7; the check "
        "ran on 2024-07-01."
    )
    assert check(cells, earlier, ("day",)).verdict is Verdict.PASS


def test_times_with_and_without_a_zone_in_one_column_are_a_fault(
    check: Callable[..., GateResult],
) -> None:
    cells = [f"{day}T10:00:00Z" for day in days(JANUARY, 30, 1)]
    cells[8] = cells[8].removesuffix("Z")

    result = check(cells)

    assert result.verdict is Verdict.REJECT
    assert any("199 of 200 dates have a time zone" in one for one in result.reasons)
    assert any("first in line 10. Write all in UTC" in one for one in result.reasons)


def test_rows_that_differ_by_their_date_only_are_no_copies(tmp_path: Path) -> None:
    files = []
    for name, first, count in (("old", JANUARY, 200), ("new", date(2025, 1, 1), 200)):
        draws = random.Random(count)
        given = [str(first + timedelta(days=number)) for number in range(count)]
        lines = [f"{day},{draws.randrange(2)},{draws.randrange(2)}" for day in given]
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join(["day,a,Y", *lines, ""]))

    words = Words(dates=("day",), future_dates=("day",))
    content = prepare(files[1], "Y", "m", tmp_path / "out", (), files[0], words=words, now=NOW)

    assert content["check"]["rows"] == ROWS


def test_a_parquet_file_and_a_csv_of_the_same_times_have_the_same_figures(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    moments = [datetime.fromisoformat(f"{day}T01:02:03") for day in days(JANUARY, 30, 1)]
    table = pa.table(
        {
            "day": pa.array(moments, pa.timestamp("ms", "UTC")),
            "a": [float(number) for number in range(ROWS)],
            "Y": [float(number % 7) for number in range(ROWS)],
        }
    )
    parquet.write_table(table, tmp_path / "rows.parquet")
    lines = [
        f"{moment.isoformat(sep=' ')}.000Z,{number}.0,{number % 7}.0"
        for number, moment in enumerate(moments)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["day,a,Y", *lines, ""]))

    profiles = [
        prepare(tmp_path / name, "Y", "m", tmp_path / f"{name}-out", words=Words(dates=("day",)))[
            "profile"
        ]
        for name in ("rows.parquet", "rows.csv")
    ]

    assert profiles[0]["columns"] == profiles[1]["columns"]
    assert profiles[0]["columns"][0]["earliest"] == min(moments).date().isoformat()


def test_a_model_gets_the_text_of_a_date_and_the_report_its_range(tmp_path: Path) -> None:
    old, new = days(JANUARY, 30, 2), days(date(2024, 1, 31), 30, 1)
    data, reference = write(tmp_path / "n.csv", new, 1), write(tmp_path / "o.csv", old, 2)
    words = ["--target", "Y", "--key", "m", "--date", "day", "--reference", str(reference)]

    assert main(["prepare", "--data", str(data), *words, "--out", str(tmp_path / "out")]) == 0

    seen = tmp_path / "out" / "seen"
    assert json.loads((seen / "schema.json").read_text())["kinds"]["day"] == "date"
    assert {row.partition(",")[0] for row in (seen / "rows.csv").read_text().split()[1:]} <= {*new}
    page = (tmp_path / "out" / "report.html").read_text()
    ranges = [min(new), min(old), max(new), max(old)]
    cells = "".join(f"<td>{cell}</td>" for cell in ("day", 0, *ranges))
    assert "<h2>Dates</h2><table><tr><th>column</th><th>no date</th>" in page
    assert f"<tr>{cells}</tr>" in page
    assert f"<figcaption>day: {min(old)} to {max(new)}</figcaption>" in page
    assert "day" not in (tmp_path / "out" / "drift.svg").read_text()
