"""The recorded answers of the Event Grid extension 3.3.0 and of timers 3.0.6, played again."""

import base64
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from funchost.timers import parse_schedule
from tests.conformance import kept
from tests.funchost.conftest import Host

FOLDER = Path(__file__).with_name("eventgrid")
REAL = json.loads((FOLDER / "real.json").read_text())
SCENARIOS = json.loads((FOLDER / "scenarios.json").read_text())
SCHEDULES = json.loads((FOLDER / "real-schedules.json").read_text())
QUESTIONS = [json.loads(line) for line in (FOLDER / "expressions.jsonl").read_text().splitlines()]
HIDDEN = kept.hidden("eventgrid")
HEADERS = ("content-type", "webhook-allowed-origin", "webhook-allowed-rate", "allow", "retry-after")
SETTINGS = {"NAMED": "0 0 6 * * *", "PART": "0 30"}


def counted(name: str) -> bool:
    return not any(one.whole(name) for one in HIDDEN)


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    # A batch of events runs side by side on any machine.
    threads = {"PYTHON_THREADPOOL_THREAD_COUNT": "32", "TZ": "Europe/Berlin"}
    host = Host(tmp_path_factory.mktemp("eventgrid"), FOLDER / "app", **threads)
    host.start()
    yield host
    host.stop()


def ask(
    host: Host, method: str, target: str, headers: list[list[str]], body: bytes
) -> dict[str, Any]:
    """Send a request with exactly these headers; return the fields that the recording has."""
    connection = http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=60)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method not in ("GET", "HEAD", "OPTIONS"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    try:
        shown: dict[str, Any] = {"json": json.loads(text)}
    except ValueError:
        # The host of the recording wrote no "Functions." before the name; the host of Azure does.
        text = text.replace("executing function: Functions.", "executing function: ")
        shown = {"text": text} if text else {}
    received = {name.lower(): value for name, value in answer.getheaders()}
    kept_headers = {name: received[name] for name in HEADERS if name in received}
    return {"status": answer.status, "headers": kept_headers, **shown}


def body_of(request: dict[str, Any]) -> bytes:
    if "parts" in request:
        head, count, tail = request["parts"]
        return str(head + "x" * count + tail).encode()
    if "base64" in request:
        return base64.b64decode(request["base64"])
    return str(request["text"]).encode()


def short(value: Any) -> Any:
    """Return the value with long texts cut as the recording cuts them."""
    if isinstance(value, str) and len(value) > 2000:
        return f"{value[:20]}... ({len(value)} characters)"
    if isinstance(value, list):
        return [short(each) for each in value]
    return {k: short(v) for k, v in value.items()} if isinstance(value, dict) else value


def play(host: Host, requests: list[dict[str, Any]]) -> dict[str, Any]:
    ask(host, "POST", "/api/reset", [], b"")
    answers = []
    for request in requests:
        target = request["path"] + (f"?{request['query']}" if request["query"] else "")
        answer = ask(host, request["method"], target, request["headers"], body_of(request))
        answers.append(short(answer))
    after = ask(host, "GET", "/api/seen", [], b"")["json"]
    seen = sorted(json.dumps(short(each), sort_keys=True) for each in after["seen"])
    together = after["most"] > 1
    return {
        "answers": answers,
        "seen": [json.loads(each) for each in seen],
        "side_by_side": together,
    }


@pytest.mark.parametrize("name", [name for name in SCENARIOS if counted(name)])
def test_the_webhook_answers_as_the_extension(player: Host, name: str) -> None:
    assert play(player, SCENARIOS[name]) == REAL[name]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: repr(each["text"]))
def test_a_schedule_occurs_as_in_the_extension(question: dict[str, str]) -> None:
    name = f"schedule: {question['text']} from {question['from']}"
    if counted(name):
        assert occurrences(question) == SCHEDULES[name]


def occurrences(question: dict[str, str]) -> dict[str, Any]:
    try:
        schedule = parse_schedule(question["text"], SETTINGS)
    except ValueError:
        return {"refused": True}
    moment, found = datetime.fromisoformat(question["from"]).replace(tzinfo=UTC), []
    for _ in range(5):
        moment = schedule.after(moment)
        found.append(moment.strftime("%Y-%m-%dT%H:%M:%S"))
    return {"next": found}
