"""Text from outside loses the characters that steer a terminal, a log or a page, and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.text.plain_text import MAX_DEPTH, clean, clean_json, one_line

ESCAPE = "\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, äöü, 日本, 🦊", "plain, äöü, 日本, 🦊"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\r\nb\rc", "a\nb\nc"),
        (f"{ESCAPE}[31mred{ESCAPE}[0m", "red"),
        (f"{ESCAPE}[2J{ESCAPE}[1;1Hgone", "gone"),
        (f"{ESCAPE}]0;title\x07x", "x"),
        (f"{ESCAPE}]8;;http://evil{ESCAPE}\\link{ESCAPE}]8;;{ESCAPE}\\", "link"),
        ("\x9b31mred", "red"),
        (f"{ESCAPE}{ESCAPE}[0m[0m", "\ufffd[0m"),
        ("user\u202egnp.exe", "user\ufffdgnp.exe"),
        ("a\u2066b\u2069c\u200fd", "a\ufffdb\ufffdc\ufffdd"),
        ("a\x00b\x07c\x7fd\x85e", "a\ufffdb\ufffdc\ufffdd\ne"),
        ("a\u2028b", "a\nb"),
        ("\ud800", "\ufffd"),
    ],
)
def test_a_text_keeps_what_people_write_and_loses_what_steers(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert one_line(text) == shown.replace("\n", " ").replace("\t", " ")


@given(st.text(st.characters() | st.sampled_from("\x1b[]0;m\x07\x9b\\\u202e\r"), max_size=60))
def test_cleaning_is_idempotent_and_leaves_no_control_character(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    assert not [sign for sign in cleaned if ord(sign) < 32 and sign not in "\n\t"]
    assert not set(cleaned) & set("\x7f\x9b\u202e\u2028")
    cleaned.encode()


def test_every_text_of_a_json_value_is_cleaned_also_its_keys() -> None:
    content = {"a\x1b[0m": ["\x00", {"b": "c\r\nd"}], "n": 1, "none": None}

    assert clean_json(content) == {"a": ["\ufffd", {"b": "c\nd"}], "n": 1, "none": None}


def test_a_value_that_is_nested_too_deeply_ends_somewhere() -> None:
    deep: object = "end"
    for _ in range(5000):
        deep = [deep]

    cleaned = clean_json(deep)
    for _ in range(MAX_DEPTH):
        assert isinstance(cleaned, list)
        cleaned = cleaned[0]

    assert cleaned == "\ufffd"
