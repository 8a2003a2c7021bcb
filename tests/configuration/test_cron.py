"""NCRONTAB: the check accepts the schedules of the Functions host, and names each fault."""

import pytest

from configuration.cron import find_fault
from funchost.timers import parse_schedule

RIGHT = [
    "0 */5 * * * *",
    "0 0 3 * * 1-5",
    "0 0 3 * * mon-fri",
    "0 0 3 1 jan,July *",
    "0 30 9-17/2 * * *",
    "30 5/15 * * * *",
    "0 0 0 29 2 *",
    "0  0 3 * * *",
]


@pytest.mark.parametrize("expression", RIGHT)
def test_a_right_expression_has_no_fault(expression: str) -> None:
    assert find_fault(expression) == ""
    parse_schedule(expression, {})


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("60 * * * * *", "the second '60' is outside 0 to 59"),
        ("0 60 * * * *", "the minute '60' is outside 0 to 59"),
        ("0 0 24 * * *", "the hour '24' is outside 0 to 23"),
        ("0 0 0 0 * *", "the day '0' is outside 1 to 31"),
        ("0 0 0 32 * *", "the day '32' is outside 1 to 31"),
        ("0 0 0 * 13 *", "the month '13' is outside 1 to 12"),
        ("0 0 0 * * 7", "the day of the week '7' is outside 0 to 6"),
        ("0 0 0 * * 0-7", "the day of the week '0-7' is outside 0 to 6"),
        ("0 0 0 * * FRI-MON", "goes backwards, from 5 to 1"),
        ("0 0 0 * * MON#2", "is neither a number"),
        ("0 +5 * * * *", "is neither a number"),
        ("0 1/ * * * *", "is neither a number"),
        ("0 0 0 30 feb *", "no such day exists"),
        ("0 0 0 31 4,6,9,11 *", "no such day exists"),
        ("0 */0 * * * *", "has a step of 0"),
        ("0 9-5 * * * *", "goes backwards, from 9 to 5"),
        ("0 0 0 * * someday", "is neither a number, a list, a range nor `*`"),
        ("0 0 ? * * *", "is neither a number"),
        ("0 -1 * * * *", "is neither a number"),
        ("0 1, * * * *", "is neither a number"),
        ("", "it has 0 fields, not six"),
        ("@daily", "it has 1 fields, not six"),
        ("00:05:00", "it has 1 fields, not six"),
    ],
)
def test_a_wrong_expression_is_named(expression: str, says: str) -> None:
    assert says in find_fault(expression)


def test_an_app_setting_may_hold_the_expression() -> None:
    assert find_fault("%NIGHTLY%") == ""
    assert find_fault("%SECOND_AND_MINUTE% 3 * * *") == ""
    assert "not six" in find_fault("%NIGHTLY% %")
    assert "not six" in find_fault("%NIGHTLY")
