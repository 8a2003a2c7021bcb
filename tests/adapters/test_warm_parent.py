"""Processes that are forks of a warm parent live as long as processes that a shell started."""

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.reach.warm_parent import WarmParent
from tests.funchost.conftest import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks need Linux")
ROOT = Path(__file__).parents[2]
MEMORY_KIB = 4 * 1024 * 1024
NAME = "one"


def warm(module: str = "warm_process") -> WarmParent:
    return WarmParent(f"tests.adapters.{module}", ROOT, {"HOME": "/"}, MEMORY_KIB)


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[WarmParent]:
    made = warm()
    yield made
    made.close()
    (tmp_path / "released").touch()


@pytest.fixture
def processes(tmp_path: Path, parent: WarmParent) -> Iterator[Processes]:
    made = Processes(tmp_path / "processes")
    yield made
    made.stop(NAME)


def facts(folder: Path) -> dict[str, Any]:
    path = folder / "facts.json"
    until(path.exists, "the process to write its facts")
    content: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return content


def release(processes: Processes, folder: Path) -> None:
    (folder / "released").touch()
    until(lambda: processes.find(NAME) is None, "the process to end")
    (folder / "released").unlink()


def test_a_forked_process_leads_a_session_with_the_lock_the_limits_and_the_environment(
    parent: WarmParent, processes: Processes, tmp_path: Path
) -> None:
    assert processes.fork(NAME, parent, tmp_path)

    found, seen = processes.find(NAME), facts(tmp_path)
    assert found is not None
    assert (found.pid, found.port) == (seen["pid"], 0)
    assert seen["session"] == seen["pid"]
    assert seen["lock"] == (tmp_path / "processes" / f"{NAME}.lock").stat().st_ino
    assert (seen["memory"], seen["core"]) == (MEMORY_KIB, 0)
    assert (seen["environ"], seen["cwd"]) == (["HOME"], str(ROOT))
    assert (seen["interrupt"], seen["children"]) == (True, True)
    release(processes, tmp_path)
    log = processes.log(NAME).read_text()
    assert sorted(log.splitlines()) == ["a line of errors", "a line of the log"]


def test_a_forked_process_outlives_its_parent_and_the_next_one_has_a_new_parent(
    parent: WarmParent, processes: Processes, tmp_path: Path
) -> None:
    processes.fork(NAME, parent, tmp_path)
    first, earlier = facts(tmp_path)["pid"], parent.pid
    assert earlier is not None

    os.kill(earlier, signal.SIGKILL)
    os.waitpid(earlier, os.WNOHANG)
    found = processes.find(NAME)
    assert found is not None
    assert found.pid == first
    release(processes, tmp_path)

    # A parent that ended without being asked is replaced at the latest by the second request.
    forked = processes.fork(NAME, parent, tmp_path) or processes.fork(NAME, parent, tmp_path)
    assert forked
    assert parent.pid != earlier
    assert facts(tmp_path)["pid"] != first


def test_a_name_that_runs_gets_no_second_process(
    parent: WarmParent, processes: Processes, tmp_path: Path
) -> None:
    processes.fork(NAME, parent, tmp_path)
    first = facts(tmp_path)["pid"]

    assert processes.fork(NAME, parent, tmp_path)
    found = processes.find(NAME)
    assert found is not None
    assert found.pid == first


def test_a_process_that_fails_says_why_in_its_log_and_releases_its_name(
    parent: WarmParent, processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "fails").touch()
    processes.fork(NAME, parent, tmp_path)
    release(processes, tmp_path)

    assert "RuntimeError: the process fails" in processes.log(NAME).read_text()


def test_a_module_that_starts_a_thread_is_not_forked(tmp_path: Path) -> None:
    processes, parent = Processes(tmp_path / "processes"), warm("thread_process")

    first = processes.fork(NAME, parent, tmp_path)
    refused = parent.pid
    assert refused is not None
    again = processes.fork(NAME, parent, tmp_path)

    assert (first, again) == (False, False)
    assert parent.pid == refused
    assert processes.find(NAME) is None
    parent.close()


def test_a_parent_ends_with_its_object() -> None:
    made = warm()
    assert made.start()
    pid = made.pid
    assert pid is not None

    del made
    gc.collect()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
