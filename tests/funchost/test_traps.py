"""The real extension's rules by which an app waits, fails or loses data, and the warnings of them.

Source: answers of the Durable extension 3.19.0 with the SDK 1.7.0.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from funchost import commands
from mlopsctl.reach.host_warnings import read_warnings
from tests.funchost.conftest import APPS, Host, until

DEEP = {"a": "leaf"}
for _ in range(64):
    DEEP = {"a": DEEP}  # type: ignore[dict-item]


@pytest.fixture(scope="module", params=["never", "always"], ids=["resident", "replayed"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("traps"), APPS / "traps", FUNCHOST_REPLAY=request.param)
    host.start()
    yield host
    host.stop()


def warned(host: Host, instance: str) -> dict[str, str]:
    """Return the causes of an instance's warnings by their kinds."""
    url = f"{host.url}/runtime/webhooks/funchost/warnings"
    found = httpx.get(url, params={"code": host.keys()["systemKey"]}).json()["warnings"]
    return {one["kind"]: one["cause"] for one in found if one["instance"] == instance}


def raised(host: Host, instance: str, name: str, value: Any = None) -> int:
    path, headers = f"/instances/{instance}/raiseEvent/{name}", {"Content-Type": "application/json"}
    return host.manage("POST", path, content=json.dumps(value), headers=headers).status_code


def seen(host: Host, instance: str, kind: str) -> int:
    """Return how often the history of an instance has an event of a kind."""
    shown = host.manage("GET", f"/instances/{instance}", params={"showHistory": "true"}).json()
    return [event["EventType"] for event in shown.get("historyEvents", [])].count(kind)


@pytest.mark.parametrize(
    ("after", "cancels", "status"),
    [
        ({"days": 2}, True, "Completed"),
        ({"days": 2}, False, "Running"),
        ({"days": 8}, True, "Running"),  # the SDK cannot cancel it
    ],
)
def test_an_open_timer_keeps_an_instance_running(
    host: Host, after: dict[str, int], cancels: bool, status: str
) -> None:
    instance = f"timer-{after['days']}-{cancels}"
    host.begin("leaves_a_timer", instance, {"after": after, "cancels": cancels})
    raised(host, instance, "go")
    if status == "Completed":
        assert host.finished(instance)["output"] == "returned"
        return
    until(lambda: "OPEN_TIMER" in warned(host, instance), "the warning")

    assert raised(host, instance, "go") == 202
    until(lambda: seen(host, instance, "EventRaised") == 2, "an event after the return")
    present = host.status(instance)
    assert (present["runtimeStatus"], present["output"]) == (status, None)
    host.manage("POST", f"/instances/{instance}/terminate", params={"reason": "enough"})
    assert host.finished(instance)["runtimeStatus"] == "Terminated"


def test_an_instance_ends_when_its_open_timer_falls_due(host: Host) -> None:
    host.begin("leaves_a_timer", "soon", {"after": {"milliseconds": 1500}, "cancels": False})
    raised(host, "soon", "go")

    assert host.finished("soon")["output"] == "returned"
    assert seen(host, "soon", "TimerFired") == 1


@pytest.mark.parametrize(
    ("kind", "status", "output"),
    [
        ("returns", "Completed", "returned"),
        ("raises", "Failed", "Orchestrator function 'leaves_a_task' failed: gives up"),
        ("again", "Completed", "second"),
        ("child", "Completed", "returned"),
    ],
)
def test_an_open_task_keeps_an_instance_running(
    host: Host, kind: str, status: str, output: str
) -> None:
    instance = f"open-{kind}"
    host.begin("leaves_a_task", instance, kind)
    until(lambda: "OPEN_TASK" in warned(host, instance), "the warning")
    present = host.status(instance)
    assert (present["runtimeStatus"], present["output"]) == ("Running", None)

    host.log.with_suffix(f".{instance}").touch()
    raised(host, f"{instance}-child", "go")

    ended = host.finished(instance)
    assert (ended["runtimeStatus"], ended["output"]) == (status, output)


def test_an_instance_with_an_open_task_can_be_terminated(host: Host) -> None:
    host.begin("leaves_a_task", "open-ended", "child")
    until(lambda: "OPEN_TASK" in warned(host, "open-ended"), "the warning")

    host.manage("POST", "/instances/open-ended/terminate", params={"reason": "enough"})

    assert host.finished("open-ended")["output"] == "enough"
    host.manage("POST", "/instances/open-ended-child/terminate")


def test_continue_as_new_drops_the_events_that_were_not_taken(host: Host) -> None:
    host.begin("takes_one_in_each_round", "rounds")
    for number in range(3):
        raised(host, "rounds", "item", number)
    until(lambda: seen(host, "rounds", "EventRaised") == 3, "three events")
    raised(host, "rounds", "open")

    until(lambda: host.status("rounds")["input"] == "[2]", "the next execution")
    assert "item, item" in warned(host, "rounds")["EVENTS_DROPPED"]
    raised(host, "rounds", "item", 7)
    until(lambda: host.status("rounds")["input"] == "[2, 7]", "the second round")
    host.manage("POST", "/instances/rounds/terminate")


@pytest.mark.parametrize("empty", [None, "", 0, False, []])
def test_a_falsy_custom_status_clears_the_former_one(host: Host, empty: object) -> None:
    instance = f"shows-{empty}"
    host.begin("shows", instance, ["a", empty])
    until(lambda: host.status(instance)["customStatus"] == "a", "the first status")

    raised(host, instance, "next")

    until(lambda: seen(host, instance, "EventRaised") == 1, "the event")
    assert host.status(instance)["customStatus"] is None
    host.manage("POST", f"/instances/{instance}/terminate")


def test_a_custom_status_near_the_limit_is_warned_of_and_one_over_it_fails(host: Host) -> None:
    host.begin("shows", "near", ["x" * 7800])
    until(lambda: "LARGE_STATUS" in warned(host, "near"), "the warning")
    host.begin("shows", "over", ["x" * 20_000])

    over = host.finished("over")

    assert (over["runtimeStatus"], over["customStatus"]) == ("Failed", None)
    assert over["output"].endswith("must not exceed 16 KB. The current payload size is 39 KB.")
    assert host.status("near")["runtimeStatus"] == "Running"


@pytest.mark.parametrize(
    ("kind", "levels", "status", "said"),
    [
        ("result", 64, "Completed", "no error"),
        ("result", 65, "Completed", "Activity function 'nest' failed: The reader's MaxDepth of 64"),
        ("status", 65, "Failed", "The reader's MaxDepth of 64"),
        ("output", 65, "Failed", "The reader's MaxDepth of 64"),
        ("output", 1500, "Failed", "Orchestrator function 'nests' failed"),
    ],
)
def test_json_is_nested_at_most_64_deep(
    host: Host, kind: str, levels: int, status: str, said: str
) -> None:
    instance = f"nests-{kind}-{levels}"
    host.begin("nests", instance, [kind, levels])

    ended = host.finished(instance)

    assert (ended["runtimeStatus"], ended["customStatus"]) == (status, None)
    assert said in ended["output"]


def test_a_start_with_json_that_is_too_deep_is_refused(host: Host) -> None:
    assert host.manage("POST", "/orchestrators/reads", json=DEEP).status_code == 400
    assert host.manage("POST", "/orchestrators/reads", json=DEEP["a"]).status_code == 202


@pytest.mark.parametrize(
    ("body", "kind"), [("7", "int"), ("1.5", "float"), ("true", "bool"), ("[1]", "list")]
)
def test_bare_numbers_booleans_and_lists_are_no_input(host: Host, body: str, kind: str) -> None:
    path = f"/orchestrators/reads/bare-{kind}"
    host.manage("POST", path, content=body, headers={"Content-Type": "application/json"})

    ended = host.finished(f"bare-{kind}")

    assert ended["runtimeStatus"] == "Failed"
    assert ended["output"] == (
        "Orchestrator function 'reads' failed: the JSON object must be str, bytes or bytearray, "
        f"not {kind}"
    )


def test_a_newer_version_is_never_taken_and_its_parent_waits(host: Host) -> None:
    host.manage("POST", "/orchestrators/reads/newer", params={"version": "2.5.0"})
    host.manage("POST", "/orchestrators/reads/older", params={"version": "2.4"})
    host.manage("POST", "/orchestrators/reads/empty", params={"version": ""})
    host.begin("has_a_child_of_version", "parent", "latest")

    until(lambda: "VERSION_NOT_TAKEN" in warned(host, "parent-child"), "the child's warning")
    until(lambda: "VERSION_NOT_TAKEN" in warned(host, "newer"), "the warning")

    assert host.finished("older")["output"] == {"input": None, "version": "2.4"}
    assert host.finished("empty")["output"] == {"input": None, "version": None}
    newer = host.status("newer")
    assert (newer["runtimeStatus"], newer["version"]) == ("Pending", "2.5.0")
    assert host.status("parent")["runtimeStatus"] == "Running"
    assert host.status("parent")["version"] == "2.5"
    assert "version" not in host.status("empty")


def test_a_child_without_a_version_gets_that_of_the_app(host: Host) -> None:
    host.begin("has_a_child_of_version", "own")

    assert host.finished("own")["output"]["version"] == "2.5"


def test_texts_of_a_failed_and_of_a_terminated_child(host: Host) -> None:
    for instance in ("failed", "terminated"):
        host.begin("has_a_child", instance)
        until(lambda i=instance: host.status(f"{i}-child") != {}, "the child")
    raised(host, "failed-child", "go", "fail")
    host.manage("POST", "/instances/terminated-child/terminate", params={"reason": "10,5 left"})

    text = "Orchestrator function 'waits' failed: the child gives up"
    assert host.finished("failed")["output"] == f"{text} \n Message: {text}, StackTrace: "
    assert host.finished("terminated")["output"] == "10,5 left \n None"
    assert host.finished("terminated-child")["output"] == 10


def test_a_child_without_an_id_is_named_by_its_parents_execution(host: Host) -> None:
    host.begin("names_its_child", "names")

    execution, _, number = host.finished("names")["output"].rpartition(":")

    assert (len(execution.split("-")), number) == (5, "1")


def test_numbers_that_json_has_not_are_shown_as_texts(host: Host) -> None:
    host.begin("returns_no_numbers", "nan")

    assert host.finished("nan")["output"] == {"loss": "NaN", "bounds": ["Infinity", "-Infinity"]}


def test_the_code_reads_its_whole_history(host: Host) -> None:
    host.begin("reads_its_history", "history")

    [*past, started, completed] = host.finished("history")["output"]

    assert [kind for kind, _ in past] == [12, 0, 4, 13, 12, 5, 4, 13]
    assert all(played for _, played in past)
    assert [started[0], completed] == [12, [5, False]]


def test_call_http_returns_the_first_answer_and_warns_of_a_202(host: Host) -> None:
    host.begin("calls_http", "http", f"{host.url}/api/accepts")

    assert host.finished("http")["output"] == [202, "/api/accepts"]
    assert host.log.read_text().splitlines().count("asked") == 1
    assert f"{host.url}/api/accepts" in warned(host, "http")["HTTP_NOT_POLLED"]


def test_a_name_in_another_case_is_shown_as_it_was_asked(host: Host) -> None:
    host.manage("POST", "/orchestrators/READS/case")

    assert host.finished("case")["name"] == "READS"


def test_an_empty_id_is_replaced_by_a_new_one(host: Host) -> None:
    answer = httpx.post(f"{host.url}/api/start/reads")

    assert answer.status_code == 200, answer.text
    assert host.finished(answer.text)["output"]["input"] is None


def entity(host: Host, key: str) -> tuple[int, str]:
    answer = host.manage("GET", f"/entities/tally/{key}")
    return answer.status_code, answer.text


def test_an_entity_exists_after_a_failed_operation_and_after_its_deletion(host: Host) -> None:
    host.manage("POST", "/entities/tally/fails", params={"op": "unknown"})
    host.manage("POST", "/entities/tally/goes", params={"op": "add"}, json="5")
    until(lambda: entity(host, "goes") == (200, "5"), "the operation")

    assert host.manage("DELETE", "/entities/tally/goes").status_code == 202
    until(lambda: entity(host, "goes") == (200, '"null"'), "the deletion")
    until(lambda: entity(host, "fails") == (200, '"null"'), "the failed operation")
    assert entity(host, "never")[0] == 404
    host.manage("POST", "/entities/tally/goes", params={"op": "add"}, json="2")
    until(lambda: entity(host, "goes") == (200, "2"), "an operation on the initial state")


def test_numbers_that_json_has_not_are_texts_in_the_state_of_an_entity(host: Host) -> None:
    host.manage("POST", "/entities/tally/lost", params={"op": "lose"})

    until(lambda: entity(host, "lost")[0] == 200, "the operation")
    listed = host.manage("GET", "/entities/tally", params={"fetchState": "true"}).json()

    assert json.loads(entity(host, "lost")[1]) == ["NaN", "-Infinity"]
    assert ["NaN", "-Infinity"] in [one["state"] for one in listed]


def test_an_entity_runs_for_ever_so_that_it_is_neither_rewound_nor_resumed(host: Host) -> None:
    host.manage("POST", "/entities/tally/runs", params={"op": "add"}, json="5")
    until(lambda: entity(host, "runs")[0] == 200, "the entity")

    rewound = host.manage("POST", "/instances/@tally@runs/rewind")
    resumed = host.manage("POST", "/instances/@tally@runs/resume")

    assert (rewound.status_code, resumed.status_code) == (412, 500)
    assert rewound.json().startswith("This orchestration has status Running")
    assert resumed.json()["ExceptionMessage"].endswith("instance is in the Running state.")
    assert host.manage("POST", "/instances/@tally@never/rewind").status_code == 404


def test_an_entity_is_an_instance_that_can_be_purged(host: Host) -> None:
    host.manage("POST", "/entities/tally/one", params={"op": "add"}, json="5")
    until(lambda: entity(host, "one")[0] == 200, "the entity")

    shown = host.manage("GET", "/instances/@tally@one")
    purged = host.manage("DELETE", "/instances/@tally@one")

    assert (shown.status_code, shown.headers["Retry-After"]) == (202, "5")
    assert (shown.json()["name"], shown.json()["runtimeStatus"]) == ("@tally@one", "Running")
    assert (purged.status_code, purged.json()) == (200, {"instancesDeleted": 1})
    assert entity(host, "one")[0] == 404


def test_an_instance_of_a_refused_version_fails_where_the_setting_says_so(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text((APPS / "traps/function_app.py").read_text())
    durable = {
        "defaultVersion": "2.5",
        "versionMatchStrategy": "strict",
        "versionFailureStrategy": "Fail",
    }
    (app / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"durableTask": durable}})
    )
    host = Host(tmp_path / "state", app)
    host.start()
    host.begin("has_a_child_of_version", "parent", "2.4")

    text = "Orchestration version did not comply with Worker Versioning"
    assert host.finished("parent-child")["output"] == text
    failed = host.finished("parent")
    assert failed["runtimeStatus"] == "Failed"
    assert failed["output"].startswith(
        f"Orchestrator function 'has_a_child_of_version' failed: {text} \n Message: {text}"
    )
    # It has no history; a rewind lets it take its first turn, which is refused again.
    assert host.manage("POST", "/instances/parent-child/rewind").status_code == 202
    assert host.finished("parent-child")["output"] == text
    host.stop()


def test_an_orchestrator_that_the_app_lacks_fails_at_its_first_turn(host: Host) -> None:
    assert host.manage("POST", "/orchestrators/nobody/lacks").status_code == 202

    failed = host.finished("lacks")

    assert "The function 'nobody' doesn't exist, is disabled, or is not an" in failed["output"]
    assert "'reads'" in failed["output"]
    assert "nobody" in warned(host, "lacks")["UNKNOWN_ORCHESTRATOR"]


def test_the_command_line_prints_the_warnings_and_mlopsctl_reads_them(tmp_path: Path) -> None:
    host = Host(tmp_path / "funchost", APPS / "traps")
    host.start()
    host.manage("POST", "/orchestrators/nobody/lacks")
    host.finished("lacks")

    [warning] = read_warnings(host.url, tmp_path)
    [printed] = commands.warnings(tmp_path / "funchost")
    refused = httpx.get(f"{host.url}/runtime/webhooks/funchost/warnings")
    host.stop()

    assert warning == printed
    assert (warning["kind"], warning["instance"]) == ("UNKNOWN_ORCHESTRATOR", "lacks")
    assert read_warnings(host.url, tmp_path) == []
    assert refused.status_code == 401
