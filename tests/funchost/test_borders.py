"""The rules of the host's borders; tests/attacks/test_borders.py attacks a running host."""

import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from funchost.web.borders import host_of, is_loopback
from funchost.web.refusals import Rate, Refusals
from tests.funchost.conftest import APPS


def test_a_host_name_that_is_none_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FUNCHOST_ALLOWED_HOSTS", "https://mlops.example")
    command = [sys.executable, "-m", "funchost", "start", "--app", str(APPS / "small")]

    ended = subprocess.run(
        [*command, "--state", str(tmp_path), "--port", "0"], capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert "use host names without scheme and port" in ended.stderr


def test_a_rate_is_counted_anew_each_minute() -> None:
    now = [0.0]
    rate = Rate(2, now=lambda: now[0])

    assert [rate.admits(2), rate.admits(1)] == [True, False]
    now[0] = 60.0
    assert rate.admits(1)


def test_a_flood_of_refusals_is_a_few_lines_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    refusals = Refusals(2, now=lambda: now[0])
    request = make_mocked_request("GET", "/a%0Ab?code=secret")

    for _ in range(5):
        refusals.add(request, 401, "no key")
    now[0] = 60.0
    refusals.add(request, 401, "no key")

    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(" from ")[0] for line in lines] == [
        *["refused GET /a%0Ab"] * 2,
        "refused 3 more requests",
        "refused GET /a%0Ab",
    ]


@pytest.mark.parametrize(
    ("header", "host", "loopback"),
    [
        ("", "", True),
        ("LOCALHOST:1", "localhost", True),
        ("127.9.9.9", "127.9.9.9", True),
        ("[::1]", "::1", True),
        ("127.0.0.1.attacker.example", "127.0.0.1.attacker.example", False),
        ("localhost.attacker.example", "localhost.attacker.example", False),
        ("0x7f.1", "0x7f.1", False),
        ("[broken", "[broken", False),
    ],
)
def test_hosts_are_read_from_their_header(header: str, host: str, loopback: bool) -> None:
    assert host_of(header) == host
    assert is_loopback(host) is loopback
