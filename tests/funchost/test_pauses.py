"""Suspending and resuming: codes, the output of a suspended instance, and its history."""

from typing import Any

import pytest

from tests.funchost.conftest import Host, until


def kinds(host: Host, name: str) -> list[tuple[str, Any]]:
    shown = host.manage("GET", f"/instances/{name}", params={"showHistory": "true"}).json()
    return [(event["EventType"], event.get("Reason")) for event in shown["historyEvents"]]


@pytest.mark.parametrize(("reason", "output"), [("holiday", "holiday"), ("12", 12), (None, None)])
def test_a_suspended_instance_shows_its_reason(host: Host, reason: str | None, output: Any) -> None:
    name = f"paused-{reason}"
    host.manage("POST", f"/orchestrators/waiting/{name}")
    query = {} if reason is None else {"reason": reason}

    assert host.manage("POST", f"/instances/{name}/suspend", params=query).status_code == 202
    assert host.status(name)["output"] == output
    assert ("ExecutionSuspended", reason) in kinds(host, name)
    twice = host.manage("POST", f"/instances/{name}/suspend")
    assert (twice.status_code, twice.json()["ExceptionType"]) == (
        *(500, "System.InvalidOperationException"),
    )
    host.manage("POST", f"/instances/{name}/raiseEvent/go", json=1)
    assert host.status(name)["runtimeStatus"] == "Suspended"

    assert host.manage("POST", f"/instances/{name}/resume", params={"reason": "on"}).status_code
    assert host.finished(name)["output"] == 1
    shown = [kind for kind in kinds(host, name) if kind[0].startswith("Execution")]
    assert shown[1:] == [
        ("ExecutionSuspended", reason),
        ("ExecutionResumed", "on"),
        ("ExecutionCompleted", None),
    ]
    assert host.manage("POST", f"/instances/{name}/resume").status_code == 410


def test_the_history_keeps_the_pause_in_which_an_instance_was_terminated(host: Host) -> None:
    host.manage("POST", "/orchestrators/waiting/left")
    until(lambda: host.status("left")["runtimeStatus"] == "Running", "the first turn")
    host.manage("POST", "/instances/left/suspend", params={"reason": "holiday"})
    host.manage("POST", "/instances/left/raiseEvent/go", json=1)

    host.manage("POST", "/instances/left/terminate")

    shown = [kind for kind in kinds(host, "left") if kind[0].startswith(("Execution", "Event"))]
    assert shown == [
        ("ExecutionStarted", None),
        ("ExecutionSuspended", "holiday"),
        ("EventRaised", None),
        ("ExecutionTerminated", None),
        ("ExecutionCompleted", None),
    ]
