import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from tests.funchost.conftest import Host, until
from tests.patience import PATIENCE


def test_a_route_gives_its_parts_query_and_body(host: Host) -> None:
    answer = httpx.post(host.url + "/api/echo/ada?x=1&empty=", content=b"hello")

    assert answer.status_code == 201
    assert answer.json() == {"params": {"name": "ada"}, "query": {"x": "1"}, "body": "hello"}


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/echo/123"), ("PUT", "/api/echo/ada")])
def test_a_request_that_no_route_takes_is_not_found(host: Host, method: str, path: str) -> None:
    assert httpx.request(method, host.url + path).status_code == 404


def test_a_function_that_returns_nothing_is_a_500(host: Host) -> None:
    assert httpx.get(host.url + "/api/none").status_code == 500


@pytest.mark.parametrize(
    ("story", "value", "output"),
    [
        ("chain", 1, 4),
        ("fan", None, list(range(1, 11))),
        ("ticking", None, "ticked"),
        ("retrying", None, 3),
        ("parent", None, 13),
        ("counting", 0, 3),
        ("catching", None, "Activity function 'broken' failed: ValueError: boom"),
    ],
)
def test_an_orchestration_gives_what_the_real_host_gives(
    host: Host, story: str, value: Any, output: Any
) -> None:
    host.begin(story, f"{story}-1", value)

    assert host.finished(f"{story}-1")["output"] == output


def test_a_failed_orchestration_says_so_in_the_real_words(host: Host) -> None:
    host.begin("failing", "failing-1")

    status = host.finished("failing-1")

    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'failing' failed: Activity function 'broken' failed: ValueError: boom"
    )


def test_the_custom_status_is_shown(host: Host) -> None:
    host.begin("chain", "chain-shown", 0)

    assert host.finished("chain-shown")["customStatus"] == {"step": "chained"}


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"sign": "x", "count": 8_200}, 0),
        ({"sign": "ü", "count": 8_200}, 0),
        ({"sign": "x", "count": 20_000}, 39),
        ({"sign": "🦊", "count": 10_000}, 39),
    ],
)
def test_a_custom_status_over_16_kb_of_utf_16_fails_the_instance(
    host: Host, given: dict[str, Any], size: int
) -> None:
    instance = f"shown-{ord(given['sign'])}-{given['count']}"
    host.begin("shown", instance, given)

    status = host.finished(instance)

    if not size:
        assert (status["runtimeStatus"], status["output"]) == ("Completed", "shown")
        return
    assert (status["runtimeStatus"], status["customStatus"]) == ("Failed", None)
    assert status["output"] == (
        "Orchestrator function 'shown' failed: The UTF-16 size of the JSON-serialized payload "
        f"must not exceed 16 KB. The current payload size is {size} KB."
    )


def test_an_event_wakes_the_one_who_waits_and_a_running_id_is_not_started_twice(host: Host) -> None:
    host.begin("waiting", "waiting-1")
    assert host.begin("waiting", "waiting-1").status_code == 500

    host.post("/api/raise/waiting-1/go", {"by": "ada"})

    assert host.finished("waiting-1")["output"] == '{"by": "ada"}'


def test_an_instance_can_be_terminated_and_purged(host: Host) -> None:
    host.begin("waiting", "waiting-2")
    path = "/instances/waiting-2"

    assert host.manage("POST", f"{path}/terminate", params={"reason": "x"}).status_code == 202
    assert host.finished("waiting-2")["runtimeStatus"] == "Terminated"
    assert host.manage("POST", f"{path}/terminate", params={"reason": "x"}).status_code == 410
    assert host.manage("DELETE", path).json() == {"instancesDeleted": 1}
    assert host.manage("GET", path).status_code == 404


def test_the_public_management_routes_need_the_key(host: Host) -> None:
    url = f"{host.url}/runtime/webhooks/durabletask/instances"

    assert httpx.get(url).status_code == 401
    assert httpx.get(url, params={"code": host.keys()["systemKey"]}).status_code == 200


def test_a_timer_runs_on_start_up(host: Host) -> None:
    until(lambda: host.log.exists() and "timer" in host.log.read_text(), "the timer")


def publish(host: Host, key: str, **data: Any) -> str:
    event = EventGridEvent(subject="s", event_type="t", data=data, data_version="1")
    with EventGridPublisherClient(host.keys()["topicEndpoint"], AzureKeyCredential(key)) as client:
        client.send(event)
    return str(event.id)


def test_the_topic_delivers_what_the_real_client_sends_until_it_succeeds(host: Host) -> None:
    event_id = publish(host, host.keys()["topicKey"], n=7, fail_first=True)

    until(lambda: host.log.read_text().count(f"event {event_id} 7") == 2, "the second delivery")


def test_the_topic_refuses_a_wrong_key(host: Host) -> None:
    with pytest.raises(HttpResponseError) as refused:
        publish(host, "wrong", n=1)

    assert refused.value.status_code == 401


@pytest.mark.parametrize(
    "event",
    [
        [{"data": {"validationCode": "7"}}],
        {"data": {"validationCode": 7}},
        # Event Grid encodes the data of a CloudEvent twice.
        {"specversion": "1.0", "data": '{"validationCode": "7"}'},
    ],
)
def test_the_webhook_shakes_hands(host: Host, event: object) -> None:
    answer = httpx.post(
        f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event",
        json=event,
        headers={"aeg-event-type": "SubscriptionValidation"},
    )

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "7"})


@pytest.mark.parametrize(
    ("event_id", "data", "status"), [("good", {"n": 1}, 202), ("bad", {"fail_first": True}, 500)]
)
def test_a_delivery_succeeds_or_fails_as_one(
    host: Host, event_id: str, data: dict[str, Any], status: int
) -> None:
    event = {
        "id": event_id,
        "subject": "s",
        "eventType": "t",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1",
        "topic": "t",
        "data": data,
    }
    answer = httpx.post(
        f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event",
        json=[event],
        headers={"aeg-event-type": "Notification"},
    )

    assert answer.status_code == status


def test_a_killed_host_goes_on_where_it_was(fresh_host: Host) -> None:
    fresh_host.begin("waiting", "w")
    until(lambda: fresh_host.log.exists() and "slow w" in fresh_host.log.read_text(), "slow")
    fresh_host.stop(signal.SIGKILL)
    fresh_host.start()
    fresh_host.post("/api/raise/w/go", "on")
    fresh_host.stop(signal.SIGKILL)
    fresh_host.start()

    assert fresh_host.finished("w")["output"] == '"on"'


def test_a_second_host_on_the_same_store_is_refused(host: Host) -> None:
    arguments = ["start", "--port", "0", "--app", str(host.app), "--state", str(host.state)]
    ended = subprocess.run(
        [sys.executable, "-m", "funchost", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ended.returncode == 1
    assert "another host already uses" in ended.stderr


def test_a_binding_that_the_host_does_not_have_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.queue_trigger(arg_name='m', queue_name='q', connection='c')\n"
        "def on_queue(m: func.QueueMessage) -> None: ...\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "funchost", "start", "--port", "0", "--app", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ended.returncode == 1
    assert "function on_queue: queueTrigger is not supported" in ended.stderr
