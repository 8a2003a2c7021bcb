"""Entities, durable HTTP, rewind and restart, through the SDK's client and over HTTP.

Sources: reference of the SDK 1.7.0 (models/entities, TaskOrchestrationExecutor) and the extension's
HTTP API documentation.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.funchost.conftest import APPS, Host, until


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("entities"), APPS / "entities")
    host.start()
    yield host
    host.stop()


def count(host: Host, key: str) -> list[object]:
    found: list[object] = httpx.get(f"{host.url}/api/counter/{key}").json()
    return found


def repair(host: Host) -> None:
    host.log.with_suffix(".repaired").touch()


def break_again(host: Host) -> None:
    host.log.with_suffix(".repaired").unlink(missing_ok=True)


def test_an_orchestration_calls_and_signals_an_entity_in_order(host: Host) -> None:
    host.begin("counting", "counting-1", "k")

    assert host.finished("counting-1")["output"] == [5, "the counter is broken", 6, 6]
    until(lambda: count(host, "k") == [True, 106], "the last signal")


def test_the_client_signals_and_reads_an_entity(host: Host) -> None:
    assert count(host, "c") == [False, None]
    for _ in range(3):
        httpx.post(f"{host.url}/api/counter/c", content=b"4")

    until(lambda: count(host, "c") == [True, 12], "three signals")


def test_an_entity_that_destroys_itself_has_no_state_and_its_name_knows_no_case(host: Host) -> None:
    host.begin("destroying", "destroying-1", "d")

    assert host.finished("destroying-1")["output"] == "gone"
    assert count(host, "d") == [True, "null"]


def test_a_call_to_an_entity_that_the_app_lacks_fails_by_name(host: Host) -> None:
    host.begin("lost", "lost-1")

    ended = host.finished("lost-1")

    assert ended["runtimeStatus"] == "Failed"
    assert "the app has no entity function nobody" in ended["output"]
    answer = host.manage("POST", "/entities/nobody/x", params={"op": "add"})
    assert answer.status_code == 400


def test_entities_are_listed_by_name_in_pages(host: Host) -> None:
    for key in ("l1", "l2", "l3"):
        httpx.post(f"{host.url}/api/counter/{key}", content=b"7")
        until(lambda key=key: count(host, key) == [True, 7], key)
    base = "/entities/counter"

    first = host.manage("GET", base, params={"top": 2, "fetchState": "true"})
    token = first.headers["x-ms-continuation-token"]
    rest = host.manage("GET", base, headers={"x-ms-continuation-token": token})

    listed = [e["entityId"]["key"] for e in (*first.json(), *rest.json())]
    assert listed == sorted(listed)
    assert {"l1", "l2", "l3"} <= set(listed)
    assert first.json()[0]["state"] is not None
    assert rest.json()[0]["state"] is None
    assert host.manage("GET", "/entities/other").json() == []
    assert host.manage("GET", base, params={"lastOperationTimeFrom": "soon"}).status_code == 400
    assert (
        host.manage("GET", base, params={"lastOperationTimeTo": "2020-01-01T00:00:00Z"}).json()
        == []
    )


def test_an_http_call_that_reaches_nobody_fails_the_task(host: Host) -> None:
    host.begin("calling", "calling-2", "http://127.0.0.1:9/")

    ended = host.finished("calling-2")

    assert ended["runtimeStatus"] == "Failed"
    assert "failed: Connection refused (127.0.0.1:9) \n " in ended["output"]


@pytest.mark.parametrize(
    ("story", "output"), [("repairable", ["before", "repaired"]), ("retried", "repaired")]
)
def test_a_rewound_instance_does_only_the_failed_task_again(
    host: Host, story: str, output: object
) -> None:
    break_again(host)
    host.begin(story, f"{story}-1")
    assert host.finished(f"{story}-1")["runtimeStatus"] == "Failed"
    line = "before" if story == "repairable" else "retried"
    noted = host.log.read_text().splitlines().count(line)
    repair(host)

    answer = host.manage("POST", f"/instances/{story}-1/rewind", params={"reason": "repaired"})
    until(lambda: host.status(f"{story}-1")["runtimeStatus"] == "Completed", "the end")

    assert answer.status_code == 202
    assert host.status(f"{story}-1")["output"] == output
    assert host.log.read_text().splitlines().count(line) == noted
    assert (
        host.manage("POST", f"/instances/{story}-1/rewind", params={"reason": "x"}).status_code
        == 412
    )
    assert (
        host.manage("POST", "/instances/nobody/rewind", params={"reason": "x"}).status_code == 404
    )


def test_a_rewind_reaches_the_failed_sub_orchestration(host: Host) -> None:
    break_again(host)
    host.begin("above", "above-1")
    assert host.finished("above-1")["runtimeStatus"] == "Failed"
    repair(host)

    host.manage("POST", "/instances/above-1/rewind", params={"reason": "repaired"})

    until(lambda: host.status("above-1")["runtimeStatus"] == "Completed", "the end")
    assert host.status("above-1")["output"] == ["before", "repaired"]


def test_a_restart_runs_again_with_the_same_input_under_a_new_or_the_same_id(host: Host) -> None:
    host.begin("destroying", "again", "r")
    host.finished("again")

    fresh = host.manage("POST", "/instances/again/restart").json()["id"]
    same = host.manage(
        "POST", "/instances/again/restart", params={"restartWithNewInstanceId": "false"}
    )

    assert fresh != "again"
    assert same.json()["id"] == "again"
    assert json.loads(host.finished(fresh)["input"]) == "r"
    assert host.finished("again")["output"] == "gone"
    assert host.manage("POST", "/instances/nobody/restart").status_code == 400


def test_entities_and_their_signals_outlive_a_killed_host(tmp_path: Path) -> None:
    host = Host(tmp_path / "state", APPS / "entities")
    host.start()
    for _ in range(20):
        host.manage("POST", "/entities/counter/k", params={"op": "add"}, json="1")
    host.stop(signal.SIGKILL)
    host.start()

    until(lambda: count(host, "k") == [True, 20], "twenty signals, each once")
    host.stop()


def test_a_running_instance_is_replaced_only_where_the_setting_says_so(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text((APPS / "small/function_app.py").read_text())
    durable = {"overridableExistingInstanceStates": "AnyState"}
    (app / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"durableTask": durable}})
    )
    host = Host(tmp_path / "state", app)
    host.start()
    host.begin("waiting", "w", 1)

    again = host.begin("waiting", "w", 2)

    assert again.status_code == 200
    assert host.status("w")["input"] == "2"
    host.stop()
