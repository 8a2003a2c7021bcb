"""State folders of earlier versions of the host open and go on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.funchost.conftest import APPS, Host, until

STATES = Path(__file__).parent / "states"


def test_the_instances_of_an_earlier_version_go_on(tmp_path: Path) -> None:
    """The state has ids of executions and children, and an event of a version, of that time."""
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.executescript((STATES / "stories_of_schema_5.sql").read_text())
    host = Host(tmp_path, APPS / "traps")
    host.start()
    [unnamed] = [
        one["instanceId"]
        for one in host.manage("GET", "/instances").json()
        if one["name"] == "waits" and len(one["instanceId"]) == 32
    ]

    host.manage("POST", "/instances/paused/resume")
    for instance in ("waits", "paused", "parent-child", unnamed, "timer", "counted"):
        host.manage("POST", f"/instances/{instance}/raiseEvent/go", json=1)
    host.log.with_suffix(".repaired").touch()
    host.manage("POST", "/instances/failed/rewind")

    ended = {name: host.finished(name) for name in ("waits", "paused", "parent", "unnamed")}
    assert {one["output"] for one in ended.values()} == {"went"}
    assert host.finished("timer")["output"] == "returned"
    assert host.finished("counted")["output"] == 1
    until(lambda: host.status("failed")["runtimeStatus"] == "Completed", "the rewound instance")
    lines = host.log.read_text().splitlines()
    assert sorted(lines) == ["after the fan", "fan 1", "fan 3"]
    assert host.manage("GET", "/entities/tally/one").json() == 5
    host.manage("POST", "/instances/shows/raiseEvent/next", json=1)
    until(lambda: host.status("shows")["customStatus"] == "b", "the next custom status")
    host.stop()
