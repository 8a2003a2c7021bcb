"""Points 3 and 4: Durable semantics and the management API, over HTTP and the SDK's client.

Sources: "contract" is the worker's contract as the real worker was seen to keep it; SDK files are
those of azure-functions-durable 1.7.0; "HTTP API" is the documentation's "HTTP API reference".
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.funchost.conftest import APPS, Host, until

NUMBERS = itertools.count()
SINCE, UNTIL = "2020-01-01T00:00:00", "2099-01-01T00:00:00"


class Contract(Host):
    """A host of the contract's app, with the SDK's client behind one route."""

    def client(self, method: str, instance: str, **body: Any) -> httpx.Response:
        return self.post(f"/api/client/{method}/{instance}", body)

    def begun(self, name: str, value: Any = None, **options: Any) -> str:
        instance = f"{name}-{next(NUMBERS)}"
        body = {"orchestration_function_name": name, "client_input": value, **options}
        answer = self.client("start_new", instance, **body)
        assert (answer.status_code, answer.json()) == (200, instance)
        return instance

    def output(self, name: str, value: Any = None, **options: Any) -> Any:
        return self.finished(self.begun(name, value, **options))["output"]


@pytest.fixture(scope="module", params=["never", "always"], ids=["resident", "replayed"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Contract]:
    state = tmp_path_factory.mktemp("contract")
    host = Contract(
        state,
        APPS / "contract",
        CONTRACT_LOG=str(state / "contract.log"),
        FUNCHOST_REPLAY=request.param,
    )
    host.start()
    yield host
    host.stop()


# Activities: JSON rules of the border and failures (contract, section 3).


@pytest.mark.parametrize("value", [None, 0, "", "text", [1, [2]], {"a": {"b": None}}, True])
def test_a_value_passes_the_border_unchanged(host: Contract, value: Any) -> None:
    assert host.output("echoes", value) == value


def test_values_change_at_the_border_as_in_azure(host: Contract) -> None:
    assert host.output("borders") == {
        "tuple": [1, 2],
        "keys": {"1": "a"},
        "nan": ["NaN", "Infinity"],
        "big": 2**70,
        "none": None,
        "one": 1.0,
        "text": "ü🦊",
        "point": 2,
    }


def test_a_result_that_is_not_json_fails_the_activity(host: Contract) -> None:
    said = host.output("refused")

    assert "ValueError: activity trigger output must be json serializable ({1})" in said


def test_a_retried_activity_runs_so_often_and_its_last_error_shows(host: Contract) -> None:
    # SDK models/Task.py, RetryAbleTask: the error shows after one more timer.
    instance = host.begun("gives_up")

    said = host.finished(instance)["output"]

    assert said == "Activity function 'fail' failed: ValueError: it fails"
    log = (host.state / "contract.log").read_text()
    assert log.splitlines().count(f"fail {instance}") == 3


def test_an_unknown_activity_fails_the_orchestration_with_its_name(host: Contract) -> None:
    assert "The function 'nobody' doesn't exist" in host.output("missing")


def test_an_output_that_is_not_json_fails_the_orchestration(host: Contract) -> None:
    # SDK models/TaskOrchestrationExecutor.py, get_orchestrator_state_str.
    status = host.finished(host.begun("not_json"))

    assert status["runtimeStatus"] == "Failed"
    assert "Object of type set is not JSON serializable" in status["output"]


# Sub-orchestrations (contract, sections 1 and 2).


def test_children_get_inputs_ids_and_a_parent(host: Contract) -> None:
    instance = host.begun("children")

    named, first, second, failure = host.finished(instance)["output"]

    assert named == [{"a": 1}, instance, f"{instance}-named"]
    assert [first[0], second[0]] == ["text", [1, 2]]
    assert [first[1], second[1]] == [instance, instance]
    assert first[2] != second[2]
    assert failure.startswith("Orchestrator function 'failing_child' failed: Activity function")
    assert "ValueError: it fails" in failure


# External events (contract, section 4).


def test_an_event_before_its_wait_is_kept_and_satisfies_every_later_wait(host: Contract) -> None:
    # SDK models/TaskOrchestrationExecutor.py: the deferred event is never taken out again.
    instance = host.begun("events")

    for number in (1, 2, 3):
        host.client("raise_event", instance, event_name="number", event_data=number)

    assert host.finished(instance)["output"] == ["3", "3", "3"]


def test_events_of_one_name_are_taken_in_order(host: Contract) -> None:
    instance = host.begun("events")
    until(lambda: "TaskCompleted" in shown_events(host, instance), "the wait")

    for number in (1, 2, 3):
        host.client("raise_event", instance, event_name="number", event_data=number)
        until(lambda n=number: shown_events(host, instance).count("EventRaised") == n, "the event")

    assert host.finished(instance)["output"] == ["1", "2", "3"]


def shown_events(host: Contract, instance: str) -> list[str]:
    shown = host.manage("GET", f"/instances/{instance}", params={"showHistory": "true"}).json()
    return [event["EventType"] for event in shown.get("historyEvents", [])]


def test_each_execution_takes_the_event_that_arrives_in_it(host: Contract) -> None:
    instance = host.begun("keeps_events")

    for number in (1, 2, 3):
        taken = json.dumps(list(range(1, number))) if number > 1 else None
        until(lambda t=taken: host.status(instance)["input"] == t, "the execution")
        host.manage("POST", f"/instances/{instance}/raiseEvent/number", json=number)

    assert host.finished(instance)["output"] == [1, 2, 3]


# Tasks in tasks, timers, time and ids.


def test_any_and_all_nest(host: Contract) -> None:
    # SDK models/Task.py, WhenAnyTask and WhenAllTask; one of nothing succeeds without a result.
    assert host.output("nested") == [True, [1, 2], [3, 4], True, None]


def test_a_long_timer_is_split_and_a_past_one_fires_at_once(host: Contract) -> None:
    # SDK models/Task.py, LongTimerTask: intervals of three days.
    instance = host.begun("long_timer")
    until(lambda: timers(host, instance) != [], "the timer")

    [timer] = timers(host, instance)
    status = host.status(instance)
    host.client("raise_event", instance, event_name="stop", event_data=None)

    assert timer["FireAt"][:10] == days_after(status["createdTime"], 3)
    # SDK 1.7 cannot cancel such a timer, so the instance waits for it.
    host.manage("POST", f"/instances/{instance}/terminate", params={"reason": "stopped"})
    assert host.finished(instance)["output"] == "stopped"
    assert host.output("past_timer") == "at once"


def timers(host: Contract, instance: str) -> list[dict[str, Any]]:
    shown = host.manage("GET", f"/instances/{instance}", params={"showHistory": "true"}).json()
    return [e for e in shown.get("historyEvents", []) if e["EventType"] == "TimerCreated"]


def days_after(text: str, days: int) -> str:
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(text) + timedelta(days=days)).date().isoformat()


def test_ids_and_time_are_the_same_in_every_replay(host: Contract) -> None:
    # SDK models/DurableOrchestrationContext.py, new_uuid and current_utc_datetime.
    before = (host.state / "contract.log").read_text().count("replaying False")

    assert host.output("same_again") is True
    assert (host.state / "contract.log").read_text().count("replaying False") == before + 1


def test_versions_come_from_the_start_the_call_or_host_json(host: Contract) -> None:
    # SDK models/DurableOrchestrationClient.py, start_new(version); host.json defaultVersion.
    assert host.output("versions") == ["1.5", "1.5", "1.0"]
    assert host.output("versions", version="1.4")[0] == "1.4"


# Life cycle over the SDK's client and the HTTP API.


def test_a_suspended_instance_keeps_its_events_until_it_is_resumed(host: Contract) -> None:
    instance = host.begun("patient")
    host.client("suspend", instance, reason="a pause")
    host.client("raise_event", instance, event_name="go", event_data="on")
    assert host.status(instance)["runtimeStatus"] == "Suspended"

    host.client("resume", instance, reason="on")

    assert host.finished(instance)["output"] == '"on"'


def test_starting_an_id_in_use_raises_and_an_ended_one_is_replaced(host: Contract) -> None:
    # Contract, section 1, durableClient; overridableExistingInstanceStates.
    instance = host.begun("patient")
    body = {"orchestration_function_name": "patient"}

    again = host.client("start_new", instance, **body)
    host.client("terminate", instance, reason="enough")
    host.finished(instance)

    assert again.status_code == 418
    assert "already exists" in again.text
    assert host.client("start_new", instance, **body).status_code == 200
    assert host.status(instance)["runtimeStatus"] in ("Pending", "Running")
    host.client("terminate", instance, reason="enough")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("terminate", "No instance with ID 'nobody' found"),
        ("raise_event", "No instance with ID nobody found"),
        ("suspend", "No instance with ID 'nobody' found"),
        ("resume", "No instance with ID 'nobody' found"),
        ("rewind", "No instance with ID nobody found"),
    ],
)
def test_the_client_says_that_an_instance_is_unknown(
    host: Contract, method: str, said: str
) -> None:
    body = {"event_name": "e"} if method == "raise_event" else {"reason": "r"}

    answer = host.client(method, "nobody", **body)

    assert answer.status_code == 418
    assert said.replace("'", "") in answer.text.replace("'", "")


def test_a_bad_start_says_why(host: Contract) -> None:
    unknown = host.client("start_new", "nobody-1", orchestration_function_name="nobody")
    bad_id = host.manage("POST", "/orchestrators/patient/@x")

    assert unknown.json() == "nobody-1", "as in Azure, it fails at its first turn"
    assert host.finished("nobody-1")["runtimeStatus"] == "Failed"
    assert bad_id.status_code == 400
    assert "'@x' is not allowed" in bad_id.json()["Message"]


# Queries (HTTP API: get instance status, get all instances status, purge).


def test_history_is_shown_with_inputs_and_outputs_only_on_request(host: Contract) -> None:
    instance = host.begun("echoes", 7)
    host.finished(instance)

    def events(**params: str) -> list[dict[str, Any]]:
        query = {"showHistory": "true", **params}
        shown = host.manage("GET", f"/instances/{instance}", params=query).json()
        return list(shown["historyEvents"])

    bare = events()
    kinds = ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert [e["EventType"] for e in bare] == kinds
    assert bare[1]["FunctionName"] == "echo"
    assert not any("Result" in e for e in bare)
    assert bare[1]["Input"] is None
    assert [e["Result"] for e in events(showHistoryOutput="true")[1:]] == [7, 7]
    assert events(showHistoryInput="true")[1]["Input"] == "7"
    assert "Input" not in events(showInput="false")[0]
    assert (
        host.manage("GET", f"/instances/{instance}", params={"showInput": "false"}).json()["input"]
        is None
    )


def test_instances_are_listed_by_filter_and_in_pages(host: Contract) -> None:
    prefix = f"page{next(NUMBERS)}-"
    for number in range(5):
        host.manage("POST", f"/orchestrators/past_timer/{prefix}{number}")
        host.finished(f"{prefix}{number}")

    def listed(token: str = "", **params: str) -> httpx.Response:
        headers = {"x-ms-continuation-token": token} if token else {}
        query = {"instanceIdPrefix": prefix, **params}
        return host.manage("GET", "/instances", params=query, headers=headers)

    first = listed(top="3")
    second = listed(first.headers["x-ms-continuation-token"], top="3")

    ids = [one["instanceId"] for one in first.json() + second.json()]
    assert ids == [f"{prefix}{n}" for n in range(5)]
    assert not second.headers.get("x-ms-continuation-token")
    assert listed(runtimeStatus="Running,Failed").json() == []
    assert len(listed(runtimeStatus="Completed,Failed").json()) == 5
    assert listed(createdTimeFrom=UNTIL).json() == []
    assert listed(createdTimeTo=SINCE).json() == []
    assert listed(createdTimeFrom="yesterday").status_code == 400


def test_purging_by_filter_spares_what_runs(host: Contract) -> None:
    running, ended = host.begun("patient"), host.begun("past_timer")
    host.finished(ended)
    window = {"since": SINCE, "until": UNTIL, "statuses": ["Completed"]}

    listed = host.client("get_status_by", "x", **window).json()
    purged = host.client("purge_instance_history_by", "x", **window).json()

    assert ended in listed
    assert running not in listed
    assert purged == len(listed)
    assert host.status(ended) == {}
    assert host.status(running)["runtimeStatus"] == "Running"
    refused = host.client("purge_instance_history", running)
    assert "unexpected status code 412" in refused.text
    assert host.manage("DELETE", "/instances").status_code == 400
    host.client("terminate", running, reason="enough")


def test_an_orchestrator_that_blocks_is_named_and_a_waiting_start_gives_up(host: Contract) -> None:
    instance = f"blocking-{next(NUMBERS)}"
    path = f"/orchestrators/blocking/{instance}"

    waited = host.manage("POST", path, params={"timeout": "0.2", "pollingInterval": "0.1"})

    assert waited.status_code == 202
    said = f"the orchestrator code of instance {instance} has run for over 2 s"
    until(lambda: said in (host.state / "host.log").read_text(), "the line that names it")
    # Until now it blocked; see `blocking` in apps/contract.
    (host.state / f"contract.{instance}").touch()
    assert host.finished(instance)["output"] == "late"


def test_a_status_says_when_to_ask_again(host: Contract) -> None:
    instance = host.begun("patient")

    waiting = host.manage("GET", f"/instances/{instance}")
    host.manage("POST", f"/instances/{instance}/terminate", params={"reason": "enough"})
    ended = host.manage("GET", f"/instances/{instance}")

    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "5")
    assert waiting.headers["Location"].startswith(f"{host.url}/runtime/webhooks/durabletask")
    assert (ended.status_code, ended.json()["output"]) == (200, "enough")
    assert ended.json()["createdTime"].endswith("Z")
    again = host.manage("POST", f"/instances/{instance}/raiseEvent/go", json=1)
    assert again.status_code == 410
    text = host.manage("POST", f"/instances/{instance}/raiseEvent/go", content="x")
    assert text.status_code == 410, "the end of the instance counts before the type"
