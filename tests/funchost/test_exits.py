"""Code of the app that ends its process or its task fails alone; the host goes on."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.funchost.conftest import APPS, Host, until


@pytest.fixture(scope="module", params=["never", "always"], ids=["resident", "replayed"])
def exits(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("exits")
    host = Host(folder, APPS / "exits", EXITS_FOLDER=str(folder), FUNCHOST_REPLAY=request.param)
    host.start()
    yield host
    host.stop()


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, APPS / "exits", EXITS_FOLDER=str(tmp_path))
    host.start()
    yield host
    for name in ("go", "release"):
        (tmp_path / name).touch()
    host.stop()


def begin(host: Host, name: str, value: Any = None) -> str:
    # The client library sends the JSON text of a value as a JSON string.
    text = None if value is None else json.dumps(value)
    answer = host.manage("POST", f"/orchestrators/{name}", json=text)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def lines(host: Host) -> list[str]:
    log = host.state / "exits.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("route", ["exits", "exits_async", "cancels_async"])
def test_an_http_function_that_exits_is_a_500(exits: Host, route: str) -> None:
    assert httpx.get(f"{exits.url}/api/{route}").status_code == 500
    assert exits.is_up()


@pytest.mark.parametrize(
    ("activity", "said"),
    [
        ("quits", "sys.exit(4)"),
        ("quits_async", "sys.exit(4)"),
        ("cancels", "CancelledError"),
        ("awaits_cancelled", "CancelledError"),
    ],
)
def test_an_activity_that_exits_fails_its_orchestration(
    exits: Host, activity: str, said: str
) -> None:
    status = exits.finished(begin(exits, "calls", activity))

    assert status["runtimeStatus"] == "Failed"
    assert said in status["output"]


@pytest.mark.parametrize(("story", "code"), [("leaves", 5), ("asks", 6)])
def test_an_orchestrator_or_entity_that_exits_fails_and_the_next_one_runs(
    exits: Host, story: str, code: int
) -> None:
    status = exits.finished(begin(exits, story))
    following = exits.finished(begin(exits, "calls", "quits"))

    assert status["runtimeStatus"] == "Failed"
    assert f"sys.exit({code})" in status["output"]
    assert following["runtimeStatus"] == "Failed"


def test_numbers_that_are_too_long_are_refused_and_no_error_of_the_host(exits: Host) -> None:
    """SQLite has numbers of 64 bits, and Python reads no number of 5,000 digits."""
    headers = {"x-ms-continuation-token": "1" * 5000}
    key = {"aeg-sas-key": exits.keys()["topicKey"]}
    letter = f"{exits.url}/topics/default/dead-letters/{'1' * 30}"

    assert exits.manage("GET", "/instances", headers=headers).status_code == 400
    assert httpx.delete(letter, headers=key).status_code in (404, 405)
    assert httpx.post(f"{letter}/replay", headers=key).status_code == 404


def test_a_rewind_repeats_no_activity_whose_result_waits_for_its_turn(working: Host) -> None:
    one = begin(working, "works")
    until(lambda: "work" in lines(working), "the activity to run")
    begin(working, "holds")
    until(lambda: "holds" in lines(working), "the orchestrator that holds up the others")
    (working.state / "go").touch()
    log = working.state / "host.log"
    until(lambda: "Functions.work' (Succeeded" in log.read_text(), "the activity to end")

    for _ in range(20):
        assert working.manage("POST", "/instances/unknown/rewind").status_code == 404

    (working.state / "release").touch()
    assert working.finished(one)["output"] == "worked"
    assert lines(working).count("work") == 1


def test_a_failure_shows_when_the_last_activity_has_ended_and_a_rewind_repeats_it_alone(
    working: Host,
) -> None:
    one, log = begin(working, "both"), working.state / "host.log"
    until(lambda: "OPEN_TASK" in log.read_text(), "the warning that an activity is open")
    assert working.status(one)["runtimeStatus"] == "Running"
    (working.state / "go").touch()
    assert working.finished(one)["runtimeStatus"] == "Failed"

    assert working.manage("POST", f"/instances/{one}/rewind").status_code == 202

    assert working.finished(one)["output"] == "both"
    assert lines(working).count("fails_once") == 2
    assert lines(working).count("work") == 1


def test_a_start_that_waits_also_waits_for_the_next_execution(working: Host) -> None:
    """A new execution, a suspension and a resumption are no end."""
    answers: list[httpx.Response] = []

    def start() -> None:
        path, query = "/orchestrators/twice/one", {"timeout": "300", "pollingInterval": "1"}
        answers.append(working.manage("POST", path, json='"first"', params=query))

    client = threading.Thread(target=start)
    client.start()
    until(lambda: working.status("one").get("input") == '"second"', "the second execution")
    working.manage("POST", "/instances/one/suspend")
    working.manage("POST", "/instances/one/resume")
    working.manage("POST", "/instances/one/raiseEvent/go", json="gone")
    client.join()

    assert (answers[0].status_code, answers[0].json()) == (200, "gone")
