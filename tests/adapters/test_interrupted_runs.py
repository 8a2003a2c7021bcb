"""Runs that the platform ends, on this machine: real processes that are really killed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.adapters.local.jobs.jobs import WATCHER, LocalJobs, watcher_environ
from function_app.adapters.local.jobs.run_environment import run_environ
from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.processes import MEMORY_KIB, Processes
from function_app.adapters.local.reach.warm_parent import WarmParent
from function_app.domain.change.isolation import Isolation, RunIsolation
from function_app.domain.gates import GatePolicy
from function_app.domain.training import RunStatus
from function_app.settings.settings import read_projects
from sandbox.forkserver import SharedForkServer
from sandbox.probe import Found
from tests.funchost.conftest import until
from tests.made_once import prepare

ROOT = Path(__file__).parents[2]
RUN, PREPARED = "train-held-a", "prepare-held-a"


class Machine:
    """Jobs of one model whose training waits while the file `held` exists."""

    def __init__(
        self,
        state: Path,
        training: str = "tests.stories.projects.held",
        found: Found | None = None,
        *,
        forks: bool = False,
    ) -> None:
        self.state, self.processes = state, Processes(state / "processes")
        self.holds = state.parent / "holds"
        self.holds.mkdir()
        prepare(state)
        rules = RunIsolation(readable=(str(self.holds),))
        self.containment = Containment(
            state=state, root=ROOT, isolation=Isolation(runs=rules), chosen=found
        )
        sample = read_projects(ROOT / "mlops.toml")["diabetes"]
        events = LocalEvents("", "")
        self.datasets = LocalDatasets(state, ROOT, events, {"diabetes": sample.program})
        self.projects = {"held": replace(sample, training=training), "diabetes": sample}
        self.datasets.ensure_reference("diabetes")
        self.data = replace(self.datasets.latest("diabetes"), model="held")
        path, environ = state / "forks.sock", run_environ()
        self.forks = SharedForkServer(path, (), environ, MEMORY_KIB) if forks else None
        parent = WarmParent(WATCHER, ROOT, watcher_environ("", ""), MEMORY_KIB)
        self.watchers = parent if forks else None

    @property
    def jobs(self) -> LocalJobs:
        """Return the adapter as a host that has just started makes it."""
        return LocalJobs(
            self.state,
            ROOT,
            self.processes,
            self.projects,
            ("", ""),
            LocalBundles(self.state),
            self.datasets.reference,
            self.containment,
            self.forks,
            self.watchers,
        )

    def submit(self) -> RunStatus:
        self.jobs.submit_preparation(PREPARED, self.data, "Y", {})
        self.ended(PREPARED)
        return self.jobs.submit(RUN, self.data, PREPARED, None, {}).status

    def hold(self, doing: str = "train") -> None:
        (self.holds / "held").write_text(doing)

    def release(self) -> None:
        (self.holds / "held").unlink()

    def held(self, run_id: str = RUN) -> None:
        log = self.state / "runs" / run_id / "run.log"
        until(lambda: log.exists() and "is held" in log.read_text(), "the run to be held", 60)

    def ended(self, run_id: str = RUN) -> RunStatus:
        until(lambda: self.jobs.get(run_id).status.ended, f"{run_id} to end", 120)
        return self.jobs.get(run_id).status

    def group(self, run_id: str = RUN) -> int:
        found = self.processes.find(f"run-{run_id}")
        assert found is not None
        return found.pid

    def commands(self) -> list[int]:
        """Return the PIDs of the held command itself, not of the sandbox around it."""
        if self.forks is not None:
            return self.forked()
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
        )
        lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
        out = str(self.state / "runs" / RUN / "model")
        return [
            int(pid)
            for pid, words in lines
            if words.endswith(f"--out {out}") and "tests.stories.projects.held train" in words
        ]

    def forked(self) -> list[int]:
        """Return the PIDs of the held commands that descend from the fork server."""
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
        )
        parents, names = {}, {}
        for line in listed.stdout.splitlines():
            pid, parent, name = line.split(None, 2)
            parents[int(pid)], names[int(pid)] = int(parent), name
        assert self.forks is not None
        server = self.forks.pid

        def descends(pid: int) -> bool:
            while pid in parents and pid != server:
                pid = parents[pid]
            return pid == server

        return [pid for pid, name in names.items() if name == "held train" and descends(pid)]

    def watcher(self) -> int:
        """Return the PID of the watcher of the run: the first process of its group."""
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,pgid=,args="], capture_output=True, text=True, check=True
        )
        lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
        (found,) = (
            int(pid)
            for pid, group, words in lines
            if int(group) == self.group() and "adapters.local.jobs.run_job" in words
        )
        return found

    def kill(self, number: int = signal.SIGKILL) -> None:
        group = self.group()
        os.killpg(group, number)
        until(lambda: self.processes.find(f"run-{RUN}") is None, "the group to end")


@pytest.fixture(params=[False, True], ids=["alone", "forked"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine(tmp_path / "state", forks=request.param)
    yield made
    if made.forks is not None:
        made.forks.close()
    if made.watchers is not None:
        made.watchers.close()
    for path in (tmp_path / "state" / "processes").glob("*.lock"):
        made.processes.stop(path.stem)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_processes_were_killed_is_interrupted_and_starts_again_under_its_id(
    machine: Machine, number: int
) -> None:
    machine.hold()
    machine.submit()
    machine.held()
    half = machine.state / "runs" / RUN / "model" / "half.txt"
    half.parent.mkdir(exist_ok=True)
    half.write_text("written by the first attempt")

    machine.kill(number)
    interrupted = machine.jobs.get(RUN)
    # It is held still, so that it runs when it is looked at.
    again = machine.submit()
    machine.release()

    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.detail
    assert again is RunStatus.RUNNING
    assert machine.ended() is RunStatus.COMPLETED
    assert not half.exists()
    assert "train is held" in (machine.state / "runs" / RUN / "run.log").read_text()
    assert machine.submit() is RunStatus.COMPLETED


def test_a_killed_command_is_interrupted_although_its_watcher_lives(machine: Machine) -> None:
    machine.hold()
    machine.submit()
    machine.held()

    (command,) = machine.commands()
    os.kill(command, signal.SIGKILL)

    assert machine.ended() is RunStatus.INTERRUPTED
    assert "SIGKILL" in machine.jobs.get(RUN).detail
    assert machine.submit() is RunStatus.RUNNING
    machine.release()
    assert machine.ended() is RunStatus.COMPLETED


def test_a_command_ends_with_its_watcher_and_the_run_starts_again(machine: Machine) -> None:
    machine.hold()
    machine.submit()
    machine.held()

    os.kill(machine.watcher(), signal.SIGKILL)

    # Else nothing limits its time. A second attempt never runs beside the first one.
    assert machine.ended() is RunStatus.INTERRUPTED
    assert machine.commands() == []
    machine.release()
    machine.submit()
    assert machine.ended() is RunStatus.COMPLETED


def test_code_that_fails_is_failed_and_is_not_started_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "state", "tests.stories.projects.crashing")
    machine.submit()

    assert machine.ended() is RunStatus.FAILED
    assert machine.submit() is RunStatus.FAILED
    log = (machine.state / "runs" / RUN / "run.log").read_text()
    assert log.count("no memory for 10 trees") == 1


def test_a_run_that_this_app_cancelled_is_timed_out_and_is_not_started_again(
    machine: Machine,
) -> None:
    machine.hold()
    machine.submit()
    machine.held()

    machine.jobs.cancel(RUN)

    assert machine.jobs.get(RUN).status is RunStatus.TIMED_OUT
    assert machine.submit() is RunStatus.TIMED_OUT
    assert machine.processes.find(f"run-{RUN}") is None


def test_an_interrupted_run_that_is_cancelled_does_not_start_again(machine: Machine) -> None:
    machine.hold()
    machine.submit()
    machine.held()
    machine.kill()

    machine.jobs.cancel(RUN)

    assert machine.submit() is RunStatus.TIMED_OUT


def test_an_evaluation_whose_processes_were_killed_is_interrupted_and_starts_again(
    machine: Machine,
) -> None:
    machine.submit()
    machine.ended()
    run = machine.jobs.get(RUN)
    machine.hold("predict")
    evaluation = machine.jobs.submit_evaluation(
        f"{RUN}-vs-nothing", run, PREPARED, None, GatePolicy(bar=1.0), {}
    ).run_id
    machine.held(evaluation)

    os.killpg(machine.group(evaluation), signal.SIGKILL)

    assert machine.ended(evaluation) is RunStatus.INTERRUPTED
    machine.release()
    machine.jobs.submit_evaluation(evaluation, run, PREPARED, None, GatePolicy(bar=1.0), {})
    assert machine.ended(evaluation) is RunStatus.COMPLETED
    assert machine.jobs.comparison(evaluation).rows
