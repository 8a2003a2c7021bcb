"""A rewind runs each failed activity again and none whose result is stored."""

import threading
from collections.abc import Iterator

import pytest

from tests.funchost.conftest import APPS, Host, until


@pytest.fixture(params=["never", "always"], ids=["resident", "replayed"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("rewind"), APPS / "traps", FUNCHOST_REPLAY=request.param)
    host.start()
    yield host
    host.stop()


def runs(host: Host) -> dict[str, int]:
    lines = host.log.read_text().splitlines() if host.log.exists() else []
    return {line: lines.count(line) for line in lines}


def rewind(host: Host, instance: str) -> int:
    return host.manage("POST", f"/instances/{instance}/rewind").status_code


def failed_and_repaired(host: Host, story: str) -> None:
    host.begin(story, story)
    assert host.finished(story)["runtimeStatus"] == "Failed"
    host.log.with_suffix(".repaired").touch()
    assert rewind(host, story) == 202
    until(lambda: host.status(story)["runtimeStatus"] == "Completed", "the end after the rewind")


def test_both_failures_of_a_fan_out_run_again(host: Host) -> None:
    failed_and_repaired(host, "fans_out")

    assert runs(host) == {"fan 0": 1, "fan 1": 2, "fan 2": 1, "fan 3": 2, "after the fan": 1}


def test_a_caught_failure_runs_again_and_what_came_after_it_does_not(host: Host) -> None:
    failed_and_repaired(host, "catches_then_fails")

    assert runs(host) == {"first": 2, "second": 1, "child 0": 1, "child 1": 1, "last": 2}
    assert host.status("catches_then_fails")["output"] == 2
    assert host.manage("GET", "/entities/tally/catches_then_fails").text == "2"


def test_a_failed_child_after_a_caught_failure_goes_on_where_it_failed(host: Host) -> None:
    failed_and_repaired(host, "catches_then_has_a_failed_child")

    assert runs(host) == {"caught": 2, "before the child's failure": 1, "in the child": 2}


def test_a_failed_child_that_was_purged_starts_anew(host: Host) -> None:
    story = "catches_then_has_a_failed_child"
    host.begin(story, story)
    host.finished(story)
    [child] = [
        one["instanceId"]
        for one in host.manage("GET", "/instances").json()
        if one["name"] == "counts_then_fails"
    ]
    assert host.manage("DELETE", f"/instances/{child}").status_code == 200
    host.log.with_suffix(".repaired").touch()

    assert rewind(host, story) == 202
    until(lambda: host.status(story)["runtimeStatus"] == "Completed", "the end after the rewind")
    assert runs(host)["in the child"] == 2


def test_a_failed_child_before_the_cut_that_was_purged_starts_anew(host: Host) -> None:
    host.begin("has_a_failed_child", "parent")
    host.finished("parent")
    assert host.manage("DELETE", "/instances/parent-child").status_code == 200
    host.log.with_suffix(".repaired").touch()

    assert rewind(host, "parent") == 202
    until(lambda: host.status("parent")["runtimeStatus"] == "Completed", "the end")
    assert runs(host) == {"before the child's failure": 2, "in the child": 2}


def children(host: Host, name: str) -> list[str]:
    listed = host.manage("GET", "/instances").json()
    return [one["instanceId"] for one in listed if one["name"] == name]


def test_children_go_on_although_a_caught_retry_shifted_their_numbers(host: Host) -> None:
    """The failed child, one with a result and six later children keep their ids."""
    story = "retries_then_has_children"
    failed_and_repaired(host, story)

    expected = {"caught": 3, "before the child's failure": 1, "in the child": 2}
    assert runs(host) == {**expected, "child 0": 1 + 6, "child 1": 1 + 6}
    assert len(children(host, "counts_then_fails")) == 1
    assert len(children(host, "counts_twice")) == 1 + 6


def test_each_child_with_an_id_of_its_own_keeps_its_result(host: Host) -> None:
    story = "names_its_children"
    host.begin(story, story)
    assert host.finished(story)["runtimeStatus"] == "Failed"
    names = [f"{story}-{number}" for number in range(3)]
    for name in names:
        host.finished(name)
    host.log.with_suffix(".repaired").touch()

    assert rewind(host, story) == 202
    until(lambda: host.status(story)["runtimeStatus"] == "Completed", "the end after the rewind")

    assert host.status(story)["output"] == names
    assert runs(host) == {"caught": 3, **dict.fromkeys(names, 1), names[0]: 2}


def test_tasks_that_run_at_a_rewind_answer_no_other_task_of_their_number(host: Host) -> None:
    story = "leaves_running_tasks"
    host.begin(story, story)
    assert "16 KB" in host.finished(story)["output"]
    until(lambda: "slow" in runs(host), "the slow activity")
    [child] = children(host, "waits")
    host.log.with_suffix(".repaired").touch()

    assert rewind(host, story) == 202
    until(lambda: "later 3" in runs(host), "the activities after it")
    assert host.manage("POST", f"/instances/{child}/raiseEvent/go", json=1).status_code == 202
    until(lambda: host.status(story)["runtimeStatus"] == "Completed", "the end after the rewind")

    host.log.with_suffix(".open").touch()
    assert host.status(story)["output"] == [*(f"later {number}" for number in range(4)), "went"]
    assert (runs(host)["slow"], runs(host)["quick"]) == (2, 1)
    assert children(host, "waits") == [child]


def test_rewinds_of_an_ended_instance_repeat_no_activity_of_others(host: Host) -> None:
    host.begin("reads", "ended")
    host.finished("ended")
    stopped = threading.Event()

    def rewinds() -> None:
        while not stopped.is_set():
            assert rewind(host, "ended") in (410, 412)

    threads = [threading.Thread(target=rewinds) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        names = [f"one-{number}" for number in range(150)]
        for name in names:
            host.manage("POST", f"/orchestrators/counts_once/{name}")
        until(lambda: set(runs(host)) == set(names), "every activity to run")
        host.manage("POST", "/instances/one-149/raiseEvent/go", json=1)
        host.finished("one-149")
    finally:
        stopped.set()
        for thread in threads:
            thread.join()

    assert set(runs(host).values()) == {1}
