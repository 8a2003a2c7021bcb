"""The file with refusals: the host appends, the app takes out, nothing is lost between them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp.test_utils import make_mocked_request

from funchost.web.refusals import MOST_BYTES, Refusals, append_line
from function_app.adapters.host_refusals import HostRefusals


def test_the_app_takes_each_refusal_once(tmp_path: Path) -> None:
    file, now = tmp_path / "refusals.jsonl", [0.0]
    refusals, taken = Refusals(2, lambda: now[0], file), HostRefusals(file)
    request = make_mocked_request("GET", "/a%0Ab?code=secret")

    for _ in range(5):
        refusals.add(request, 401, "no key")
    now[0] = 60.0
    refusals.add(request, 403, "foreign")

    events = taken.take()
    assert [(event.code, event.count) for event in events] == [
        *[("WRONG_KEY", 1)] * 2,
        ("MANY_REFUSED", 3),
        ("FOREIGN_REQUEST", 1),
    ]
    assert events[0].action == "GET /a%0Ab"
    assert "secret" not in str(events)
    assert taken.take() == ()
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_line_is_lost_while_the_app_takes_lines_out(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    refusals, taken = Refusals(10_000, file=file), HostRefusals(file)
    request = make_mocked_request("GET", "/a")

    def write() -> None:
        for _ in range(500):
            refusals.add(request, 401, "no key")

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        count = 0
        while not written.done():
            count += len(taken.take())

    assert count + len(taken.take()) == 500


def test_a_file_that_nobody_reads_stops_growing(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    file.write_bytes(b"x" * MOST_BYTES)

    append_line(file, "one more")

    assert file.stat().st_size == MOST_BYTES


def test_a_line_that_is_none_and_a_missing_file_hide_nothing(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    assert HostRefusals(None).take() == HostRefusals(file).take() == ()
    Refusals(file=file).add(make_mocked_request("GET", "/a"), 401, "no key")
    for line in ("nonsense", "[]", '{"at": "yesterday"}'):
        append_line(file, line)

    assert [event.code for event in HostRefusals(file).take()] == ["WRONG_KEY"]
