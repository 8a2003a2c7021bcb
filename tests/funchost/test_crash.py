"""kill -9 at the commit points of a run that uses every feature; `make crash` takes them all."""

import asyncio
import json
import multiprocessing
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import pytest

from funchost.commands import check as replayed
from function_app.adapters.local.reach.processes import free_port
from tests.funchost.conftest import APPS, until
from tests.patience import PATIENCE

APP = APPS / "everything"
EXPECTED = ["FIRST", ["A", "B", "C"], "RETRIED", "FROM THE PARENT", 5, True, False]
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["aiohttp", "azure.durable_functions", "funchost.start"])
ENDS = (5, 6, 8, 9, 11)  # completed and failed tasks and sub-orchestrations, fired timers


def run_host(port: int, state: Path, log: Path, crash_at: int, point: str) -> None:
    """Host the app and kill the process at the given commit; 0 only counts the commits."""
    from funchost.app.indexing import alone
    from funchost.host import Options
    from funchost.start import serve

    os.environ["EVERYTHING_LOG"] = str(log)
    seen = Counter[str]()

    def probe(reached: str) -> None:
        seen[reached] += 1
        if reached == "after":
            (state / "commits").write_text(str(seen["after"]))
        if reached == point and seen[reached] == crash_at:
            os.kill(os.getpid(), signal.SIGKILL)

    # This module imports the product's package, which has the name of every app.
    with alone(APP):
        asyncio.run(serve(Options(app=APP, state=state, port=port, probe=probe)))


class Run:
    """A run of the app over as many hosts as it takes."""

    def __init__(self, folder: Path) -> None:
        self.state, self.log = folder / "state", folder / "log"
        self.state.mkdir(parents=True)
        self.log.touch()

    @contextmanager
    def host(self, crash_at: int = 0, point: str = "after") -> Iterator[BaseProcess]:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/runtime/webhooks/durabletask"
        arguments = (port, self.state, self.log, crash_at, point)
        host = SPAWN.Process(target=run_host, args=arguments, daemon=True)
        host.start()
        try:
            until(lambda: not host.is_alive() or self.ask("/instances") is not None, "the host")
            yield host
        finally:
            if host.is_alive():
                host.terminate()
            host.join(PATIENCE)

    def ask(self, path: str, method: str = "GET", content: Any = None) -> httpx.Response | None:
        try:
            key = {"x-functions-key": json.loads((self.state / "keys.json").read_text())["system"]}
            return httpx.request(method, self.url + path, json=content, headers=key)
        except (httpx.TransportError, FileNotFoundError):
            return None

    def drive(self, host: BaseProcess) -> None:
        """Send a client's requests until the instance has ended or the host is gone."""
        raised = False
        while host.is_alive():
            time.sleep(0.02)  # a client that asks without a pause takes the core from the host
            answer = self.ask("/instances/one")
            if answer is None:
                continue
            if answer.status_code == 404:
                self.ask("/orchestrators/everything/one", "POST")
            elif answer.json()["runtimeStatus"] not in ("Pending", "Running"):
                return
            elif raised or not answer.json()["input"]:
                continue  # the first execution has no input; its continue_as_new drops events
            elif self.ask("/instances/one/raiseEvent/go", "POST", "yes"):
                raised = True

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.state / "store.db")) as db:
            return db.execute(query).fetchall()

    def migrated(self) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name='turns'"))

    def history(self) -> list[tuple[str, dict[str, Any]]]:
        rows = self.rows("SELECT instance, events FROM turns ORDER BY instance, turn")
        return [(row[0], event) for row in rows for event in json.loads(row[1])]

    def finished_steps(self) -> set[str]:
        """Return the steps that are done in the stored history; no later host may repeat them."""
        if not self.migrated():
            return set()
        texts = [event["Result"] for _, event in self.history() if event["EventType"] == 5]
        return {json.loads(text).lower() for text in texts}


def check(run: Run) -> None:
    answer = run.ask("/instances/one")
    assert answer is not None
    assert (answer.json()["runtimeStatus"], answer.json()["output"]) == ("Completed", EXPECTED)
    history = run.history()
    for name, select in {"scheduled": scheduled, "ended": ended}.items():
        twice = [k for k, count in Counter(map(select, history)).items() if k and count > 1]
        assert not twice, f"{name} twice: {twice}"
    left = [(name, step) for _, name, step in replayed(APP, run.state) if step is not None]
    assert left == []
    assert run.rows("SELECT * FROM work") == []
    assert run.rows("SELECT state FROM entities") == [("5",)]


def scheduled(row: tuple[str, dict[str, Any]]) -> tuple[str, int] | None:
    return (row[0], row[1]["EventId"]) if row[1]["EventId"] >= 0 else None


def ended(row: tuple[str, dict[str, Any]]) -> tuple[str, int] | None:
    instance, event = row
    task = event.get("TaskScheduledId", event.get("TimerId"))
    return (instance, int(task or 0)) if event["EventType"] in ENDS else None


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> int:
    run = Run(tmp_path_factory.mktemp("whole"))
    with run.host() as host:
        run.drive(host)
        check(run)
    return int((run.state / "commits").read_text())


def points(commits: int) -> Iterator[tuple[int, str]]:
    step = 1 if os.environ.get("CRASH_POINTS") == "all" else max(1, commits // 4)
    for number in range(1, commits + 1, step):
        yield from ((number, "before"), (number, "after"))


def test_a_run_killed_at_a_commit_ends_as_the_uninterrupted_one(
    commits: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    killed = 0
    for number, point in points(commits):
        run = Run(tmp_path / f"{point}-{number}")
        with run.host(number, point) as host:
            run.drive(host)
        killed += host.exitcode == -signal.SIGKILL
        done, lines = run.finished_steps(), len(run.log.read_text().splitlines())
        with run.host() as host:
            run.drive(host)
            check(run)
        again = set(run.log.read_text().splitlines()[lines:]) & done
        assert not again, f"{point} commit {number}: {again} ran again although they were done"
    record_property("killed", killed)
    assert killed
