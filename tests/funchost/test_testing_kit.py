"""The test kit, used as its documentation says: a small app that is not our product."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from funchost.testing import DivergenceError, LocalHost, replay
from tests.funchost.conftest import APPS

APP = APPS / "approval"
MakeHost = Callable[[Path], LocalHost]


def test_seven_days_without_an_answer_pass_at_once(make_host: MakeHost) -> None:
    host = make_host(APP)
    one = host.start("expense", 120)
    begun = host.clock.time()

    host.advance(timedelta(days=6, hours=23))
    assert host.status(one)["runtimeStatus"] == "Running"
    host.advance(timedelta(hours=1))

    assert host.status(one)["output"] == {"expired": 120}
    assert host.clock.time() - begun == timedelta(days=7).total_seconds()
    names = [e.get("Name") for e in host.record(one)["history"] if e["EventType"] == 4]
    assert names == ["ask", *["remind"] * 7]


def test_an_answer_in_time_pays(make_host: MakeHost) -> None:
    host = make_host(APP)
    one = host.start("expense", 120)
    host.advance(timedelta(days=3))

    host.raise_event(one, "Approval", "ada")

    assert host.status(one)["output"] == {"paid": 120, "by": "ada"}


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_crash_at_a_commit_loses_nothing(make_host: MakeHost, point: str) -> None:
    host = make_host(APP)
    one = host.start("expense", 120)
    host.crash_at(point)
    host.advance(timedelta(days=1))
    assert host.crashed

    host.restart()
    host.advance(timedelta(days=2))
    host.raise_event(one, "Approval", "ada")

    assert host.status(one)["output"] == {"paid": 120, "by": "ada"}


def test_a_recorded_history_replays_on_the_same_code(make_host: MakeHost) -> None:
    host = make_host(APP)
    one = host.start("expense", 120)
    host.advance(timedelta(days=8))

    replay(APP, host.record(one))


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ('call_activity("ask"', 'call_activity("remind"', "task 0 was ask and is now remind"),
        ("range(7)", "range(6)", "was not scheduled again"),
        ("range(7)", "range(8)", "goes on with a timer"),
        ('{"expired": amount}', '"expired"', "it returns 'expired'; it was {'expired': 120}"),
    ],
)
def test_a_change_that_breaks_running_instances_is_found_with_its_step(
    make_host: MakeHost, tmp_path: Path, old: str, new: str, step: str
) -> None:
    host = make_host(APP)
    one = host.start("expense", 120)
    host.advance(timedelta(days=8))
    changed = tmp_path / "changed"
    shutil.copytree(APP, changed)
    code = (APP / "function_app.py").read_text()
    (changed / "function_app.py").write_text(code.replace(old, new))

    with pytest.raises(DivergenceError, match=step):
        replay(changed, host.record(one))


def test_an_unknown_orchestrator_is_named(make_host: MakeHost) -> None:
    with pytest.raises(LookupError, match="no orchestrator function 'expenses'"):
        make_host(APP).start("expenses")
