"""A pipeline's cron becomes a schedule that means the same, or is reported."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from configuration.cron import find_fault
from funchost.timers import parse_schedule
from migration.cron import to_ncrontab
from tests.mlopsctl.seed_clone import write_clone
from tests.mlopsctl.test_import import run

PIPELINE = ".pipelines/diabetes_regression-ci.yml"
CONVERTED = {
    "0 3 * * 1,3,5": "0 0 3 * * 1,3,5",
    "0 3 * * Mon-Fri": "0 0 3 * * Mon-Fri",
    "*/15 8-18/2 1 jan *": "0 */15 8-18/2 1 jan *",
    "0 3 * * 7": "0 0 3 * * 0",
    "0 3 * * 5-7": "0 0 3 * * 5,6,0",
    "0 3 * * 0-7": "0 0 3 * * 0,1,2,3,4,5,6",
    "0 3 * * 7-2": "0 0 3 * * 0,1,2",
    "0 3 * * 1-7/2": "0 0 3 * * 1,3,5,0",
    "0 3 * * FRI-MON": "0 0 3 * * 5,6,0,1",
    "0 3 * * sat,Sun-tue,7": "0 0 3 * * sat,Sun-tue,0",
    "0 22-2 * * *": "0 0 22,23,0,1,2 * * *",
    "0 3 * NOV-FEB *": "0 0 3 * 11,12,1,2 *",
    "50-10/10 * * * *": "0 50,0,10 * * * *",
}
REFUSED = {
    "0 3 * *": "it has 4 fields, not five",
    "0 0 3 * * *": "it has 6 fields, not five",
    "@daily": "it has 1 fields, not five",
    "0 3 * * 8": "the day of the week '8' is outside 0 to 6",
    "0 3 ? * MON": "the day '?' is neither a number",
    "0 3 30 2 *": "no such day exists in these months",
    "0 3 * * MON#2": "the day of the week 'MON#2' is neither a number",
    "0 3 L * *": "the day 'L' is neither a number",
    "*/0 3 * * *": "the minute '*/0' has a step of 0",
}


@pytest.mark.parametrize(("cron", "schedule"), CONVERTED.items())
def test_a_cron_becomes_a_schedule_that_the_host_reads_so(cron: str, schedule: str) -> None:
    assert to_ncrontab(cron) == schedule
    assert find_fault(schedule) == ""
    parse_schedule(schedule, {})


@pytest.mark.parametrize(("cron", "reason"), REFUSED.items())
def test_a_cron_without_a_schedule_says_why(cron: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        to_ncrontab(cron)


def test_the_report_names_changed_and_missing_schedules(tmp_path: Path) -> None:
    crons = ["0 3 * * 7", "0 4 * * MON#2", "0 5 * * *"]
    text = "schedules:\n" + "".join(f"- cron: '{cron}'\n" for cron in crons)
    clone, into = write_clone(tmp_path / "clone", **{PIPELINE: text}), tmp_path / "project"

    ended = run(str(clone), "--into", str(into), "--json")

    [model] = tomllib.loads((into / "mlops.toml").read_text())["models"].values()
    assert [s["cron"] for s in model["schedules"]] == ["0 0 3 * * 0", "0 0 5 * * *"]
    rows = [row for row in json.loads(ended.stdout)["rows"] if row["item"] == "schedule"]
    assert {row["status"] for row in rows} == {"same", "changed", "not carried over"}
    [left] = [row for row in rows if row["status"] == "not carried over"]
    assert "MON#2" in left["todo"]
    [changed] = [row for row in rows if row["status"] == "changed"]
    assert changed["here"].endswith(": 0 0 3 * * 0")
