"""Points 1 and 2 of the host's contract: keys, routes, events, topic and timers over HTTP."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from tests.funchost.conftest import APPS, Host, until


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    state = tmp_path_factory.mktemp("surface")
    host = Host(
        state,
        APPS / "surface",
        "--auth",
        SURFACE_LOG=str(state / "surface.log"),
        SURFACE_SCHEDULE="00:00:01",
        FUNCHOST_EVENTGRID_RETRY_SCALE="0.0001",
    )
    (state / "surface.log").touch()
    host.start()
    yield host
    host.stop()


def logged(host: Host, line: str) -> bool:
    return line in (host.state / "surface.log").read_text()


@pytest.fixture
def keys(surface: Host) -> dict[str, Any]:
    return dict(json.loads((surface.state / "keys.json").read_text()))


# Keys (documentation: Work with access keys in Azure Functions).


def test_a_level_asks_for_its_key(surface: Host, keys: dict[str, Any]) -> None:
    def status(path: str, key: str = "") -> int:
        headers = {"x-functions-key": key} if key else {}
        return httpx.get(f"{surface.url}/api/{path}", headers=headers).status_code

    assert status("open") == 200
    assert [status("keyed"), status("keyed", "wrong")] == [401, 401]
    own, other = keys["functions"]["keyed"], keys["functions"]["admin"]
    assert [status("keyed", k) for k in (own, keys["host"], keys["master"])] == [200] * 3
    assert status("keyed", other) == 401
    assert [status("admin-only", k) for k in (other, keys["host"])] == [401, 401]
    assert status("admin-only", keys["master"]) == 200
    assert httpx.get(f"{surface.url}/api/keyed?code={own}").text == "keyed"
    assert httpx.get(f"{surface.url}/api/keyed").content == b""


def test_the_keys_are_for_their_owner_only(surface: Host) -> None:
    assert (surface.state / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_webhook_asks_for_its_system_key(surface: Host, keys: dict[str, Any]) -> None:
    url = f"{surface.url}/runtime/webhooks/eventgrid?functionName=on_any"
    headers = {"aeg-event-type": "Unsubscribe"}

    assert httpx.post(url, headers=headers).status_code == 401
    assert httpx.post(f"{url}&code={keys['eventgrid']}", headers=headers).status_code == 202


# Routes (documentation: ASP.NET Core routing, route constraints).


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("items/7", {"id": "7"}),
        ("items/7/x", {"id": "7", "rest": "x"}),
        ("ITEMS/7/", {"id": "7"}),
        ("files/a/b/c.csv", {"path": "a/b/c.csv"}),
        ("days/2026-01-31", {"day": "2026-01-31", "size": "5"}),
        ("days/2026-01-31/9", {"day": "2026-01-31", "size": "9"}),
        ("codes/ab", {"code": "ab"}),
    ],
)
def test_a_template_gives_its_values(surface: Host, path: str, answer: dict[str, str]) -> None:
    assert httpx.get(f"{surface.url}/api/{path}").json() == answer


@pytest.mark.parametrize(
    "path", ["items/0", "items/10", "items/x", "days/noon", "codes/abc", "items/7/x/y", ""]
)
def test_a_path_that_breaks_a_constraint_is_not_found(surface: Host, path: str) -> None:
    assert httpx.get(f"{surface.url}/api/{path}").status_code == 404


def test_a_literal_route_wins(surface: Host) -> None:
    assert httpx.get(f"{surface.url}/api/items/special").text == "special"


# Return values (contract, section 1, httpTrigger).


def test_bytes_pass_both_ways(surface: Host) -> None:
    body = bytes(range(256)) * 40_000

    assert httpx.get(f"{surface.url}/api/returns/bytes").content == bytes(range(256))
    assert httpx.post(f"{surface.url}/api/returns/size", content=body).text == str(len(body))


def test_a_chunked_body_arrives_empty(surface: Host) -> None:
    # Contract, section 1, httpTrigger: a body is passed on only when its length was said.
    chunks = iter([b"one", b"two"])

    assert httpx.post(f"{surface.url}/api/returns/size", content=chunks).text == "0"


def test_text_is_sniffed_as_the_host_does(surface: Host) -> None:
    teapot = httpx.get(f"{surface.url}/api/returns/object")
    listed = httpx.get(f"{surface.url}/api/returns/json")
    plain = httpx.get(f"{surface.url}/api/returns/plain")

    assert (teapot.status_code, teapot.json(), teapot.headers["x-a"]) == (418, {"a": 1}, "b")
    assert listed.headers["content-type"].startswith("application/json")
    assert plain.headers["content-type"].startswith("text/plain")


def test_an_exception_is_an_empty_500(surface: Host) -> None:
    answer = httpx.get(f"{surface.url}/api/returns/error")

    assert (answer.status_code, answer.content) == (500, b"")


# Webhook with CloudEvents (specification: HTTP 1.1 Web Hooks for Event Delivery, section 4).


def test_cloud_events_shake_hands_and_arrive(surface: Host, keys: dict[str, Any]) -> None:
    base = f"{surface.url}/runtime/webhooks/eventgrid?code={keys['eventgrid']}"
    url = f"{base}&functionName=on_any"
    asked = {"WebHook-Request-Origin": "sender.example", "WebHook-Request-Rate": "120"}
    event = {"specversion": "1.0", "id": "ce", "source": "/s", "type": "t", "data": {}}
    batch = {"content-type": "application/cloudevents-batch+json"}
    content = json.dumps([event, {**event, "id": "ce2"}])

    allowed = httpx.options(url, headers=asked).headers
    foreign = httpx.post(url, headers=batch, content=content)
    posted = httpx.post(url, headers={**batch, "aeg-event-type": "Notification"}, content=content)

    assert allowed["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert "WebHook-Allowed-Rate" not in allowed
    assert (foreign.status_code, posted.status_code) == (400, 202)
    assert logged(surface, "any ce CloudEvent")
    assert logged(surface, "any ce2 CloudEvent")
    assert httpx.options(url).status_code == 200
    assert httpx.post(f"{base}&functionName=nobody").status_code == 404
    assert httpx.post(url, json=[event]).status_code == 400


# The topic (documentation: Event Grid message delivery and retry; filters; dead letters).


def client(host: Host) -> EventGridPublisherClient:
    keys = host.keys()
    return EventGridPublisherClient(keys["topicEndpoint"], AzureKeyCredential(keys["topicKey"]))


def blob(event_id: str, subject: str, **content: Any) -> EventGridEvent:
    kind = "Microsoft.Storage.BlobCreated"
    return EventGridEvent(
        id=event_id, subject=subject, event_type=kind, data=content, data_version=""
    )


def test_filters_decide_who_gets_an_event(surface: Host) -> None:
    with client(surface) as topic:
        topic.send(
            [
                blob("empty", "/a.csv", contentLength=0, api="PutBlob"),
                blob("copied", "/a.csv", contentLength=1, api="CopyBlob"),
                blob("text", "/a.txt", contentLength=1, api="PutBlob"),
                blob("taken", "/A.CSV", contentLength=1, api="PutBlob"),
            ]
        )

    until(lambda: logged(surface, "csv taken"), "the event that passes")
    for other in ("empty", "copied", "text", "taken"):
        until(lambda other=other: logged(surface, f"any {other} EventGridEvent"), other)
    assert not any(logged(surface, f"csv {other}") for other in ("empty", "copied", "text"))


def test_the_topic_takes_both_schemas(surface: Host) -> None:
    with client(surface) as topic:
        topic.send(CloudEvent(id="cloud", source="/s", type="t", data={"a": 1}))

    until(lambda: logged(surface, "any cloud CloudEvent"), "the CloudEvent")


def test_an_event_that_lacks_a_field_is_refused_with_its_name(surface: Host) -> None:
    keys = surface.keys()
    answer = httpx.post(
        keys["topicEndpoint"],
        json=[{"id": "1", "subject": "s", "eventType": "t", "eventTime": "now"}],
        headers={"aeg-sas-key": keys["topicKey"]},
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Event 0: it lacks dataVersion."


def test_an_undeliverable_event_is_a_dead_letter_that_can_be_replayed(surface: Host) -> None:
    keys = surface.keys()
    url = f"{surface.url}/topics/default/dead-letters"
    headers = {"aeg-sas-key": keys["topicKey"]}

    def letters() -> list[dict[str, Any]]:
        return list(httpx.get(url, headers=headers).json())

    with client(surface) as topic:
        topic.send(EventGridEvent("s", "broken", {}, "1", id="lost"))
    until(lambda: letters() != [], "the dead letter", 60)
    [letter] = letters()
    assert letter["deadLetterReason"] in ("MaxDeliveryAttemptsExceeded", "TimeToLiveExceeded")
    assert letter["lastDeliveryOutcome"] == "ValueError: broken for good"
    assert letter["event"]["id"] == "lost"
    assert httpx.get(url).status_code == 401

    Path(surface.environ["SURFACE_LOG"] + ".mended").touch()
    before = (surface.state / "surface.log").read_text().count("never lost")
    assert httpx.post(f"{url}/{letter['id']}/replay", headers=headers).status_code == 202
    until(
        lambda: (surface.state / "surface.log").read_text().count("never lost") > before, "replay"
    )
    assert letters() == []
    assert httpx.delete(f"{url}/{letter['id']}", headers=headers).status_code == 404


# Timers (documentation: Timer trigger).


def test_a_time_span_schedule_runs_and_a_missed_run_is_past_due(tmp_path: Path) -> None:
    state = tmp_path / "state"
    environ = {"SURFACE_LOG": str(tmp_path / "surface.log"), "SURFACE_SCHEDULE": "0 0 0 1 1 *"}
    host = Host(state, APPS / "surface", **environ)
    log = tmp_path / "surface.log"
    log.touch()
    host.start()
    until(lambda: remembered(state) != [], "the next run to be remembered")
    host.stop()
    assert "tick" not in log.read_text()

    with closing(sqlite3.connect(state / "store.db")) as db, db:
        moment = "'2025-01-01T00:00:00.000000Z'"
        db.execute(
            f"UPDATE timers SET last={moment}, updated={moment}, next='2026-01-01T00:00:00.000000Z'"
        )
    host.start()

    until(lambda: "tick past_due=True" in log.read_text(), "the missed run")
    host.stop()


def remembered(state: Path) -> list[Any]:
    with closing(sqlite3.connect(state / "store.db")) as db:
        return db.execute("SELECT * FROM timers").fetchall()


def test_a_time_span_schedule_runs(surface: Host) -> None:
    until(lambda: logged(surface, "tick past_due=False"), "the timer")
