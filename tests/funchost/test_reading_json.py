"""JSON as the real host reads and writes it, and the comparison of versions."""

import json

import pytest

from funchost.app.json_text import TooDeepError, check_depth, output_of, without_nan
from funchost.app.versions import Match, Versions, compare


@pytest.mark.parametrize(
    ("reason", "output"),
    [
        (None, None),
        ("", ""),
        ("stop now", "stop now"),
        ("null", None),
        ("null and void", None),
        ("nullable", "nullable"),
        ("true", True),
        ("123", 123),
        ("12 were bad", 12),
        (" 12 ", 12),
        (" stop now\n", "stop now"),
        ("   ", ""),
        (" [1 ", "[1"),
        ("10,5", 10),
        ("-7", -7),
        ("-017", -17),
        ("1.5 GB", 1.5),
        ("1e3", 1000.0),
        ("00123", 83),
        ("089", "089"),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("3rd attempt", "3rd attempt"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1} and more', {"a": 1}),
        ('"quoted" text', "quoted"),
        ("'quoted'", "quoted"),
        ("[1", "[1"),
        ("[1] of 2", [1]),
        ("NaN", "NaN"),
        ("1e400", "Infinity"),
        ("[-1e400]", ["-Infinity"]),
    ],
)
def test_a_reason_is_read_as_the_first_value_in_it(reason: str | None, output: object) -> None:
    text = output_of(reason)

    assert (None if text is None else json.loads(text)) == output
    assert "Infinity" not in (text or "").replace('Infinity"', "")


def test_brackets_in_texts_do_not_count_as_levels() -> None:
    check_depth(json.dumps(["[" * 100, '\\"{' * 100]))
    check_depth("[" * 64 + "]" * 64)
    check_depth(",".join(["[]"] * 100))
    with pytest.raises(TooDeepError, match="MaxDepth of 64"):
        check_depth("[" * 65 + "]" * 65)


def test_nan_within_a_text_stays_as_it_is() -> None:
    assert without_nan('["NaN", NaN]') == '["NaN", "NaN"]'
    assert without_nan('["x"]') == '["x"]'


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        ("", "1.0", -1),
        ("", "", 0),
        ("2.5", "2.5.0", -1),
        ("2.10", "2.9", 1),
        ("2.5.0.1", "2.5.1", -1),
        ("latest", "2.5", 1),
        ("LATEST", "latest", 0),
        ("7", "10", 1),  # no version of numbers, which has at least two
    ],
)
def test_versions_are_compared_by_number_or_as_text(one: str, other: str, order: int) -> None:
    assert (compare(one, other), compare(other, one)) == (order, -order)


@pytest.mark.parametrize(
    ("match", "accepted"),
    [
        ("CurrentOrOlder", {"", "2.4", "2.5"}),
        ("Strict", {"2.5"}),
        ("None", {"", "2.4", "2.5", "2.5.0"}),
    ],
)
def test_the_strategy_decides_which_versions_are_taken(match: Match, accepted: set[str]) -> None:
    versions = Versions(default="2.5", match=match)

    assert {one for one in ("", "2.4", "2.5", "2.5.0") if versions.accepts(one)} == accepted
