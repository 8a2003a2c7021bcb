"""The file with refusals: the host appends, the app takes out, nothing is lost between them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from funchost.web.refusals import MOST_BYTES, Refusals, append_line
from function_app.adapters.host_refusals import HostRefusals
from function_app.domain.access.audit import AuditEvent
from function_app.errors import PlatformError


def passed(refusals: HostRefusals) -> list[AuditEvent]:
    events = list[AuditEvent]()
    refusals.pass_to(events.append)
    return events


def test_the_app_takes_each_refusal_once(tmp_path: Path) -> None:
    file, now = tmp_path / "refusals.jsonl", [0.0]
    refusals, taken = Refusals(2, lambda: now[0], file), HostRefusals(file)
    request = make_mocked_request("GET", "/a%0Ab?code=secret")

    for _ in range(5):
        refusals.add(request, 401, "no key")
    now[0] = 60.0
    refusals.add(request, 403, "foreign")

    events = passed(taken)
    assert [(event.code, event.count) for event in events] == [
        *[("WRONG_KEY", 1)] * 2,
        ("MANY_REFUSED", 3),
        ("FOREIGN_REQUEST", 1),
    ]
    assert events[0].action == "GET /a%0Ab"
    assert "secret" not in str(events)
    assert passed(taken) == []
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
            count += len(passed(taken))

    assert count + len(passed(taken)) == 500


def test_refusals_that_could_not_be_recorded_come_again(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    refusals, recorded = Refusals(file=file), list[AuditEvent]()
    for path in ("/a", "/b", "/c"):
        refusals.add(make_mocked_request("GET", path), 401, "no key")

    def fail_at_second(event: AuditEvent) -> None:
        if len(recorded) == 1:
            raise PlatformError("Tables", "write", "it does not answer")
        recorded.append(event)

    with pytest.raises(PlatformError):
        HostRefusals(file).pass_to(fail_at_second)
    refusals.add(make_mocked_request("GET", "/d"), 401, "no key")

    actions = [event.action for event in (*recorded, *passed(HostRefusals(file)))]
    assert actions == ["GET /a", "GET /b", "GET /c", "GET /d"]
    assert passed(HostRefusals(file)) == []


def test_a_file_that_nobody_reads_stops_growing(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    file.write_bytes(b"x" * MOST_BYTES)

    append_line(file, "one more")

    assert file.stat().st_size == MOST_BYTES


def test_a_line_that_is_none_and_a_missing_file_hide_nothing(tmp_path: Path) -> None:
    file = tmp_path / "refusals.jsonl"
    assert passed(HostRefusals(None)) == passed(HostRefusals(file)) == []
    Refusals(file=file).add(make_mocked_request("GET", "/a"), 401, "no key")
    for line in ("nonsense", "[]", '{"at": "yesterday"}'):
        append_line(file, line)

    assert [event.code for event in passed(HostRefusals(file))] == ["WRONG_KEY"]
