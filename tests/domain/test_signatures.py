import base64
from datetime import UTC, datetime

import pytest

from function_app.domain.webhooks.signatures import has_password, is_signed, is_timely, sign

SECRET = "It's a Secret to Everybody"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_signature_is_the_one_of_github_s_documentation() -> None:
    documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert sign(SECRET, b"Hello, World!") == documented
    assert is_signed(SECRET, b"Hello, World!", documented)
    assert not is_signed(SECRET, b"Hello, World?", documented)


def test_a_signed_time_cannot_be_changed_or_taken_away() -> None:
    signature = sign(SECRET, b"{}", "1767225600")

    assert is_signed(SECRET, b"{}", signature, "1767225600")
    assert not is_signed(SECRET, b"{}", signature, "1767225601")
    assert not is_signed(SECRET, b"{}", signature)


@pytest.mark.parametrize(
    ("timestamp", "timely"),
    [
        ("", True),
        (str(int(NOW.timestamp())), True),
        (str(int(NOW.timestamp()) - 299), True),
        (str(int(NOW.timestamp()) - 301), False),
        (str(int(NOW.timestamp()) + 301), False),
        ("now", False),
        ("-1", False),
        ("9" * 400, False),
        ("\u0661", False),
    ],
)
def test_only_a_time_of_now_is_timely(timestamp: str, timely: bool) -> None:
    assert is_timely(timestamp, NOW) is timely


@pytest.mark.parametrize(
    ("header", "right"),
    [
        (basic("anybody", SECRET), True),
        (basic("", SECRET), True),
        (basic("anybody", "another"), False),
        (f"Bearer {SECRET}", False),
        ("Basic !!!", False),
        ("Basic é", False),
        ("", False),
    ],
)
def test_basic_authentication_is_by_the_password(header: str, right: bool) -> None:
    assert has_password(SECRET, header) is right
