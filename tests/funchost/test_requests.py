"""Parameters and routes of the management API that no recording shows.

Source: azure-functions-durable-extension, HttpApiHandler. Names of parameters have no case there, and
several values of one name are joined by commas.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.funchost.conftest import APPS, Host, until

# The SDK reads the input of an operation from a text with JSON.
TWO: Any = {"content": "2", "headers": {"Content-Type": "text/plain"}}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("requests"), APPS / "traps")
    host.start()
    yield host
    host.stop()


def begin(host: Host, story: str, instance: str, **query: str) -> None:
    path = f"/orchestrators/{story}/{instance}"
    assert host.manage("POST", path, json={"a": 1}, params=query).status_code == 202


def test_names_of_parameters_have_no_case(host: Host) -> None:
    begin(host, "waits", "case-waits")
    begin(host, "reads", "case-ends", VERSION="")
    host.finished("case-ends")

    def ids(**query: str) -> list[str]:
        listed = host.manage("GET", "/instances", params={"INSTANCEIDPREFIX": "case-", **query})
        assert listed.status_code == 200
        return [one["instanceId"] for one in listed.json()]

    assert ids(RuntimeStatus="Completed") == ["case-ends"]
    assert ids(createdtimefrom="2999-01-01") == []
    assert len(ids(TOP="1")) == 1
    shown = host.manage("GET", "/instances/case-ends", params={"showinput": " FALSE "})
    assert shown.json()["input"] is None
    purged = host.manage("DELETE", "/instances", params={"CreatedTimefrom": "2999-01-01"})
    assert purged.status_code == 404, "a 400 says that the parameter was not read"
    started = {"TIMEOUT": "60", "pollinginterval": "1"}
    assert (
        host.manage("POST", "/orchestrators/own_id/case-own", params=started).json() == "case-own"
    )
    assert host.manage("POST", "/entities/tally/case", params={"OP": "add"}, **TWO).is_success
    until(lambda: host.manage("GET", "/entities/tally/case").text == "2", "the operation")
    listed = host.manage("GET", "/entities/tally", params={"FETCHSTATE": "true"}).json()
    assert 2 in [one["state"] for one in listed]
    assert host.manage("POST", "/instances/case-waits/terminate", params={"REASON": "x"}).is_success
    assert host.finished("case-waits")["output"] == "x"


def test_several_values_of_a_parameter_are_joined(host: Host) -> None:
    begin(host, "waits", "joined")
    begin(host, "reads", "joined-too")
    host.finished("joined-too")

    path = "/instances?runtimeStatus=Running&instanceIdPrefix=joined&RUNTIMESTATUS=Completed"
    statuses = {one["runtimeStatus"] for one in manage_raw(host, "GET", path).json()}
    assert statuses == {"Running", "Completed"}
    shown = manage_raw(host, "GET", "/instances/joined-too?showInput=false&showInput=true")
    assert shown.json()["input"] == {"a": 1}, "'false,true' is no word, so that the default holds"

    manage_raw(host, "POST", "/instances/joined/terminate?reason=one&reason=two")
    assert host.finished("joined")["output"] == "one,two"


def manage_raw(host: Host, method: str, path: str) -> httpx.Response:
    """Send a path with its own query, in which a name may stand twice."""
    url = f"{host.url}/runtime/webhooks/durabletask{path}&code={host.keys()['systemKey']}"
    return httpx.request(method, url)


def test_a_start_that_waits_shows_what_its_query_asks_for(host: Host) -> None:
    query = {"timeout": "60", "pollingInterval": "1", "showInput": "false", "showHistory": "true"}
    failed = host.manage("POST", "/orchestrators/fans_out/shown", json={"a": 1}, params=query)

    assert failed.status_code == 200
    document = failed.json()
    assert (document["runtimeStatus"], document["input"]) == ("Failed", None)
    kinds = [event["EventType"] for event in document["historyEvents"]]
    assert (kinds[0], kinds[-1]) == ("ExecutionStarted", "ExecutionCompleted")


def test_a_restart_waits_as_a_start_does(host: Host) -> None:
    begin(host, "reads", "again")
    host.finished("again")
    wait = {"timeout": "60", "pollingInterval": "1", "restartWithNewInstanceId": "false"}

    restarted = host.manage("POST", "/instances/again/restart", params=wait)
    swapped = {**wait, "pollingInterval": "61"}
    refused = host.manage("POST", "/instances/again/restart", params=swapped)

    assert (restarted.status_code, restarted.json()["input"]) == (200, {"a": 1})
    assert refused.status_code == 400
    said = "Total timeout 60 should be bigger than retry timeout 61"
    assert refused.json()["Message"] == said
    assert host.finished("again")["runtimeStatus"] == "Completed", "it was started before the 400"


def test_a_path_without_a_key_means_the_entity_with_the_empty_key(host: Host) -> None:
    for path in ("/entities/tally", "/entities/tally/"):
        assert host.manage("POST", path, params={"op": "add"}, **TWO).status_code == 202
    until(lambda: host.manage("GET", "/entities/tally/$").text == "4", "both operations")

    assert host.manage("DELETE", "/entities/tally").status_code == 202
    until(lambda: host.manage("GET", "/entities/tally/$").text == '"null"', "the deletion")

    for method in ("POST", "DELETE"):
        refused = host.manage(method, "/entities")
        assert refused.status_code == 400
        assert refused.json()["Message"].endswith("(Parameter 'entityName')")


def test_an_instance_that_waits_for_its_version_can_be_suspended_and_then_resumed(
    host: Host,
) -> None:
    begin(host, "waits", "newer", version="9.9")

    refused = host.manage("POST", "/instances/newer/resume")
    assert refused.status_code == 500
    said = (
        "Cannot resume the orchestration instance newer because instance is in the Pending state."
    )
    assert refused.json()["ExceptionMessage"] == said
    assert host.manage("POST", "/instances/newer/suspend").status_code == 202
    assert host.status("newer")["runtimeStatus"] == "Suspended"
    assert host.manage("POST", "/instances/newer/resume").status_code == 202
    host.manage("POST", "/instances/newer/terminate")


def history(host: Host, instance: str, **query: str) -> list[dict[str, Any]] | None:
    shown = host.manage("GET", f"/instances/{instance}", params={"showHistory": "true", **query})
    events: list[dict[str, Any]] | None = shown.json().get("historyEvents")
    return events


def test_a_history_without_inputs_has_none_in_any_event(host: Host) -> None:
    begin(host, "waits", "hidden")
    path = "/instances/hidden/raiseEvent/go"
    host.manage("POST", path, json={"secret": 1})
    host.finished("hidden")

    shown, hidden = history(host, "hidden"), history(host, "hidden", showInput="false")

    assert shown is not None
    assert hidden is not None
    assert [e["EventType"] for e in shown if "Input" in e] == ["ExecutionStarted", "EventRaised"]
    assert [e["EventType"] for e in hidden] == [e["EventType"] for e in shown]
    assert not [e for e in hidden if "Input" in e]


def test_an_instance_that_has_not_begun_shows_no_history(host: Host) -> None:
    begin(host, "waits", "not-begun", version="9.9")

    assert host.status("not-begun")["runtimeStatus"] == "Pending"
    assert history(host, "not-begun") is None
    host.manage("POST", "/instances/not-begun/terminate", params={"reason": " too old "})
    assert host.status("not-begun")["output"] == "too old"


def test_the_text_of_a_failure_is_shown_without_blanks_around(host: Host) -> None:
    path = "/orchestrators/raises_its_input/blanks"
    host.manage("POST", path, json={"text": " boom \n"})

    said = "Orchestrator function 'raises_its_input' failed:  boom"
    assert host.finished("blanks")["output"] == said
