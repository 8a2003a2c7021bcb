"""Ended instances are replayed in the background, and whole states by `python -m funchost check`."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from funchost.check.checker import EVERY, Checker
from tests.funchost.conftest import APPS, Host, until
from tests.funchost.test_start_up import run
from tests.patience import PATIENCE

BREAKING = {
    "random_input": "task 1, count, gets '0.",
    "random_output": "it returns 0.",
    "random_again": "it continues as new with '",
    "random_task": "task 1 was count and is now also_count",
    "real_time": "task 0, a timer, is due ",
}


def app_in(folder: Path) -> Path:
    """Copy the app, which writes a file into its folder."""
    return Path(shutil.copytree(APPS / "random", folder / "app"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return app_in(tmp_path)


@contextmanager
def running(app: Path, state: Path) -> Iterator[Host]:
    """Run a host that replays each ended instance."""
    host = Host(state, app, FUNCHOST_CHECK="all", FUNCHOST_REPLAY="never")
    host.start()
    try:
        yield host
    finally:
        host.stop()


@pytest.fixture
def host(app: Path, tmp_path: Path) -> Iterator[Host]:
    with running(app, tmp_path / "state") as host:
        yield host


@pytest.fixture(scope="module")
def shared_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host of the unchanged app for tests that only start instances."""
    folder = tmp_path_factory.mktemp("shared")
    with running(app_in(folder), folder / "state") as host:
        yield host


@pytest.fixture(scope="module")
def ended_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state of a host that stopped after two instances had ended."""
    folder = tmp_path_factory.mktemp("ended")
    with running(app_in(folder), folder / "state") as host:
        begin(host, "steady", "one")
        begin(host, "failing", "two")
    return host.state


@pytest.fixture(scope="module")
def eternal_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state of a host that stopped while an eternal orchestration waited."""
    folder = tmp_path_factory.mktemp("eternal")
    with running(app_in(folder), folder / "state") as host:
        starts_over(host, "one", 2)
    assert check(host.app, host.state).stdout == "0 of 1 instances leave their histories\n"
    return host.state


def begin(host: Host, name: str, instance: str, value: object = None) -> None:
    answer = host.manage(
        "POST", f"/orchestrators/{name}/{instance}", json={"n": 1} if value is None else value
    )
    assert answer.status_code == 202
    host.finished(instance)


def said(host: Host) -> str:
    return (host.state / "host.log").read_text()


def check(app: Path, state: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run("check", "--app", str(app), "--state", str(state), *more)


@pytest.mark.parametrize(("name", "step"), BREAKING.items())
def test_code_that_breaks_the_rule_is_reported_with_its_step(
    shared_host: Host, name: str, step: str
) -> None:
    host, instance = shared_host, f"one-{name}"
    begin(host, name, instance)

    warning = f"instance {instance}: the code of orchestrator {name} leaves the history"
    until(lambda: warning in said(host), "the warning")
    [line] = [line for line in said(host).splitlines() if warning in line]
    assert "NOT_DETERMINISTIC: " in line
    assert step in line
    listed = map(json.loads, run("warnings", "--state", str(host.state)).stdout.splitlines())
    [stored] = [warning for warning in listed if warning["instance"] == instance]
    assert stored["kind"] == "NOT_DETERMINISTIC"
    assert step in stored["cause"]


def test_a_replay_runs_no_activity_and_agrees_with_code_that_keeps_the_rule(
    host: Host, app: Path
) -> None:
    begin(host, "steady", "one", {"n": [1]})
    begin(host, "steady", "two")
    begin(host, "failing", "three")
    begin(host, "random_output", "last")  # replays come in the order of the ends

    until(lambda: "NOT_DETERMINISTIC: instance last" in said(host), "the last replay")
    assert said(host).count("NOT_DETERMINISTIC") == 1
    counted = (app / "counted").read_text().split()
    # count: one, two and last; broken: two attempts of two, one of three, none of one.
    assert (counted.count("count"), counted.count("broken")) == (3, 3)


def test_a_state_folder_agrees_with_the_code_that_made_it(host: Host, app: Path) -> None:
    begin(host, "steady", "one")
    begin(host, "failing", "two")

    while_it_runs = check(app, host.state)

    assert while_it_runs.returncode == 0, while_it_runs.stderr
    assert while_it_runs.stdout == "0 of 2 instances leave their histories\n"


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("milliseconds=1)\n    yield", "milliseconds=2)\n    yield", "task 1, a timer, is due"),
        ('"count", context.get_input()["n"]', '"count", 5', "task 0, count, gets '5'; it was '1'"),
        ('"count", context', '"also_count", context', "task 0 was count and is now also_count"),
        ("RetryOptions(1, 2)", "RetryOptions(1, 3)", "it goes on with broken"),
        ('set_custom_status("near")', 'set_custom_status("far")', "status 'far'; it was 'near'"),
        ("    return number\n", "    return 7\n", "it returns 7; it was 3"),
        ("def steady", "def renamed", "The function 'steady' doesn't exist"),
        (
            "    return number\n",
            "    return (yield context.wait_for_external_event('x'))\n",
            "it waits at the end of its history",
        ),
    ],
)
def test_a_planted_change_of_code_is_found(
    ended_state: Path, app: Path, old: str, new: str, step: str
) -> None:
    code = (app / "function_app.py").read_text()
    assert old in code
    (app / "function_app.py").write_text(code.replace(old, new))

    ended = check(app, ended_state)

    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("steady (one): ")
    assert step in lines[0]
    assert lines[1:] == ["1 of 2 instances leave their histories"]
    assert check(app, ended_state, "two").returncode == 0


def starts_over(host: Host, instance: str, times: int) -> None:
    """Start an eternal orchestration and let it continue as new so often."""
    host.manage("POST", f"/orchestrators/eternal/{instance}", json={"n": 1})

    def has(number: int) -> bool:
        return host.status(instance).get("input") in ({"n": number}, f'{{"n": {number}}}')

    for number in range(1, times + 1):
        until(partial(has, number), "the next start")
        host.manage("POST", f"/instances/{instance}/raiseEvent/go", json=number)
    until(partial(has, times + 1), "the last start")


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        (
            '_new({"n": number',
            '_new({"n": number + 1',
            'it continues as new with \'"{\\\\"n\\\\": 4',
        ),
        ('"count", context.get_input()["n"]', '"count", 5', "task 0, count, gets '5'; it was '2'"),
        ('"add", number)', '"take", number)', "task 1 was add and is now take"),
        ('"nobody", "key"', '"nobody", "lock"', "task 1 is for @nobody@lock; it was for @nobody@"),
        ("    context.continue_as_new({", "    return ({", "it does not continue as new"),
        (
            "    context.continue_as_new({",
            "    yield context.wait_for_external_event('x')\n    context.continue_as_new({",
            "it does not continue as new at the end",
        ),
    ],
)
def test_a_planted_change_of_an_eternal_orchestrator_is_found(
    eternal_state: Path, app: Path, old: str, new: str, step: str
) -> None:
    """The present execution has not come to the changed line again."""
    code = (app / "function_app.py").read_text()
    before, mark, after = code.partition("def eternal")
    assert old in after
    (app / "function_app.py").write_text(before + mark + after.replace(old, new, 1))

    ended = check(app, eternal_state)

    assert ended.returncode == 1
    assert ended.stdout.startswith("eternal (one): ")
    assert step in ended.stdout


def test_an_eternal_orchestrator_that_keeps_the_rule_agrees(host: Host) -> None:
    starts_over(host, "one", 3)
    begin(host, "random_output", "last")  # replays come in the order of the ends

    until(lambda: "NOT_DETERMINISTIC: instance last" in said(host), "the last replay")
    assert said(host).count("NOT_DETERMINISTIC") == 1


def test_events_of_a_pause_that_a_termination_ended_were_not_taken(host: Host, app: Path) -> None:
    starts_over(host, "one", 1)
    host.manage("POST", "/instances/one/suspend")
    host.manage("POST", "/instances/one/raiseEvent/go", json=1)
    host.manage("POST", "/instances/one/terminate")

    assert check(app, host.state).stdout == "0 of 1 instances leave their histories\n"


def test_the_former_execution_goes_with_its_instance(host: Host) -> None:
    starts_over(host, "one", 1)
    host.manage("POST", "/instances/one/terminate")
    assert former_executions(host) == ["one"]

    assert host.manage("DELETE", "/instances/one").status_code == 200

    assert former_executions(host) == []


def former_executions(host: Host) -> list[str]:
    with closing(sqlite3.connect(host.state / "store.db")) as db:
        return [row[0] for row in db.execute("SELECT instance FROM formers")]


def test_a_failure_that_is_gone_is_found(host: Host, app: Path) -> None:
    begin(host, "failing", "one")
    code = (app / "function_app.py").read_text()
    changed = code.replace(
        '    yield context.call_activity("broken", 1)\n',
        '    try:\n        yield context.call_activity("broken", 1)\n'
        "    except Exception:\n        pass\n",
    )
    assert changed != code
    (app / "function_app.py").write_text(changed)

    ended = check(app, host.state)

    assert "failing (one): it ends without the error of its history" in ended.stdout
    assert ended.returncode == 1


def test_faults_of_the_command_are_explained(host: Host, app: Path) -> None:
    begin(host, "steady", "one")

    absent = check(app, host.state, "nobody")
    (app / "function_app.py").write_text("raise ValueError('half an app')")
    broken = check(app, host.state)

    assert (absent.returncode, broken.returncode) == (1, 1)
    assert "the store knows no instance 'nobody'" in absent.stderr
    assert "cannot be loaded: ValueError: half an app" in broken.stderr


def test_a_wrong_mode_stops_the_start(app: Path) -> None:
    command = [sys.executable, "-m", "funchost", "start", "--port", "0", "--app", str(app)]
    environ = {"FUNCHOST_CHECK": "some", "PYTHONPATH": str(APPS.parents[2])}

    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE)

    assert ended.returncode == 1
    assert "FUNCHOST_CHECK is 'some': use sample, all or off" in ended.stderr


class Reads:
    """Records the instances that a checker reads; none of them exists."""

    def __init__(self) -> None:
        self.instances: list[str] = []

    def row(self, query: str, *values: str) -> None:
        self.instances += values

    def rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        raise AssertionError(query)


@pytest.mark.parametrize(
    ("mode", "replayed"), [("off", 0), ("sample", 2 + 1), ("all", EVERY + 1 + 1)]
)
def test_the_mode_says_how_many_instances_are_replayed(mode: str, replayed: int) -> None:
    reads = Reads()
    with closing(Checker(reads, {}, mode, print)) as checker:
        for number in range(EVERY + 1):
            checker.add(f"often-{number}", "often")
        checker.add("rare", "rare")
        until(lambda: len(reads.instances) == replayed, "the replays")

    assert len(reads.instances) == replayed
