"""Attacks by JSON that no reader expects: nested without end, and numbers out of every range."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from function_app.adapters.local.reach.files import read_json
from function_app.domain.codec import load
from function_app.domain.events.inbox import event_key
from function_app.errors import ContractError, PlatformError
from function_app.ports.rows import read_content
from function_app.triggers.invocation import Request
from tests.attacks.attack import SAME, attack, same_code
from tests.attacks.targets import Target, ask, error_of, keys
from tests.triggers.office import Office

# Python's own reader and writer give up at different depths near 1,000.
DEPTHS = (101, 960, 967, 975, 990, 5_000, 100_000)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@attack(
    point=10,
    does="sends JSON that is nested deeper than Python can read or write",
    answer="400 MALFORMED_JSON; nothing is kept",
    log="none: a request of a wrong form is answered with its reason",
    before="succeeded",
    azure=same_code("function_app/triggers"),
    by="trial",
)
@pytest.mark.parametrize("depth", DEPTHS)
def test_deep_json_is_refused_by_every_route(depth: int) -> None:
    request = Request(route={}, headers={}, body=b'{"data": ' + nested(depth) + b"}")

    with pytest.raises(ContractError) as caught:
        request.json()

    assert caught.value.code == "MALFORMED_JSON"


@attack(
    point=10,
    does="sends the running app, its Event Grid webhook and its topic JSON that is nested deeply",
    answer="400 from each of them; no function fails",
    log="none: a request of a wrong form is answered with its reason",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_deep_json_is_refused_by_the_running_app(target: Target) -> None:
    host, known = target.host, keys(target)
    event = b'{"id": "1", "subject": "s", "eventType": "t", "eventTime": "x", "dataVersion": "1"'
    topic = host.keys()["topicEndpoint"]
    webhook = f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event"

    for depth in (967, 5_000):
        content = event + b', "data": ' + nested(depth) + b"}"
        answers = [
            httpx.post(topic, content=content, headers={"aeg-sas-key": known["topic"]}),
            httpx.post(
                f"{webhook}&code={known['eventgrid']}",
                content=nested(5_000),
                headers={"aeg-event-type": "Notification"},
            ),
        ]
        assert error_of(ask(target, "POST", "/api/events", content=content)) == (
            400,
            "MALFORMED_JSON",
        )
        assert answers[1].status_code == 500  # deeper than Azure reads
        assert answers[0].status_code in (200, 400)  # 200 for a readable body


def test_an_event_of_any_depth_has_a_key_and_is_settled(tmp_path: Path) -> None:
    payload: Any = {}
    for _ in range(5_000):
        payload = {"a": payload}
    office = Office(tmp_path)

    [receipt] = office.take({"specversion": "1.0", "data": payload})

    assert receipt.outcome == "refused"
    assert receipt.event_key != event_key({"specversion": "1.0"})


@attack(
    point=10,
    does="edits a stored record so that it is nested deeply",
    answer="the record counts as damaged and is named; the others are read",
    log="mlops.rows: the row holds no JSON object",
    before="succeeded",
    azure=same_code("function_app/ports/rows.py"),
    by="trial",
)
def test_a_deeply_nested_record_counts_as_damaged(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_bytes(nested(5_000))

    assert read_content(nested(5_000).decode(), "decision/x") == {}
    with pytest.raises(PlatformError, match=r"record\.json"):
        read_json(record)


@attack(
    point=10,
    does="edits a number or a time of a stored record to a value that no float, duration or date "
    "can hold",
    answer="the contract's error names the field; lists leave the record out and go on",
    log="mlops.records: the record is left out",
    before="succeeded",
    azure=same_code("function_app/domain/codec.py"),
    by="trial",
)
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (float, "1e999"),
        (float, "9" * 400),
        (timedelta, "1e999"),
        (timedelta, "NaN"),
        (timedelta, "1e300"),
        (timedelta, "9" * 400),
        (datetime, '"0001-01-01T00:00:00+14:00"'),
        (datetime, '"9999-12-31T23:59:59-14:00"'),
        (datetime, '"2026-01-01T00:00:00"'),
    ],
)
def test_a_value_out_of_range_is_an_error_of_the_contract(kind: type, text: str) -> None:
    with pytest.raises(ContractError):
        load(kind, json.loads(text))
