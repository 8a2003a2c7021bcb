"""Checks as runs of this machine."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.jobs.jobs import LocalJobs
from function_app.adapters.local.reach.processes import Processes
from function_app.domain.change.change import Bundle, CheckPlan
from function_app.domain.training import RunStatus
from function_app.errors import NotFoundError
from function_app.settings.settings import read_projects
from tests.funchost.conftest import until
from tests.processes import read_each

ROOT = Path(__file__).parents[2]
PLAN = CheckPlan(lint=(), tests=("pytest", "-q"), training="t", dry_run=False, timeout_seconds=600)
TAGS = {"instance_id": "i", "model": "diabetes"}


class Machine:
    def __init__(self, state: Path) -> None:
        self.state, self.bundles = state, LocalBundles(state)
        self.processes = Processes(state / "processes")
        self.jobs = LocalJobs(
            state,
            ROOT,
            self.processes,
            read_projects(ROOT / "mlops.toml"),
            ("", ""),
            self.bundles,
            lambda model: None,
        )

    def keep(self, **files: str) -> Bundle:
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{name}.py")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
        return self.bundles.store(output.getvalue(), "a" * 40)

    def ended(self, run_id: str) -> RunStatus:
        until(lambda: self.jobs.get(run_id).status.ended, run_id, 60)
        return self.jobs.get(run_id).status


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "state")
    yield made
    for path in (tmp_path / "state" / "processes").glob("*.lock"):
        made.processes.stop(path.stem)


def test_checks_are_a_run_that_is_submitted_once_and_keeps_its_reports(machine: Machine) -> None:
    bundle = machine.keep(test_a="def test_a():\n    pass\n")

    machine.jobs.submit_checks("checks-1", "diabetes", bundle, PLAN, TAGS)
    again = machine.jobs.submit_checks("checks-1", "diabetes", bundle, PLAN, TAGS)

    assert again.run_id == "checks-1"
    assert machine.ended("checks-1") is RunStatus.COMPLETED
    report = machine.jobs.checks("checks-1")
    assert report.passed
    assert report.coverage == 100.0
    assert b"test_a" in machine.jobs.report("checks-1", "junit.xml")
    run = machine.jobs.submit_checks("checks-1", "diabetes", bundle, PLAN, TAGS)
    assert (run.status, run.model, run.tags) == (RunStatus.COMPLETED, "diabetes", TAGS)


def test_checked_code_sees_neither_the_state_nor_the_keys_of_the_app(machine: Machine) -> None:
    (machine.state / "approvers").mkdir(parents=True)
    (machine.state / "approvers" / "ada.token").write_text("s3cret")
    tests = (
        "import os, pathlib\n"
        "def test_a():\n"
        f"    if pathlib.Path('{ROOT}/mlops.toml').exists():\n"
        "        return  # no namespaces on this machine\n"
        f"    assert not pathlib.Path('{machine.state}/approvers/ada.token').exists()\n"
        "    assert 'MLOPS_TOPIC_KEY' not in os.environ\n"
        "    for name in (n for n in os.listdir('/proc') if n.isdigit()):\n"
        "        path = pathlib.Path('/proc', name, 'environ')\n"
        "        if name != '1':  # cannot be read at all\n"
        "            assert b'MLOPS' not in path.read_bytes()\n"
    )
    bundle = machine.keep(test_a=tests)

    machine.jobs.submit_checks("checks-1", "diabetes", bundle, PLAN, TAGS)
    machine.ended("checks-1")

    assert machine.jobs.checks("checks-1").results[0].passed


def test_checks_that_are_cancelled_leave_no_process(machine: Machine) -> None:
    bundle = machine.keep(test_a="import time\ndef test_a():\n    time.sleep(600)\n")
    machine.jobs.submit_checks("checks-1", "diabetes", bundle, PLAN, TAGS)
    until(lambda: _sandboxes(bundle), "the sandbox")

    machine.jobs.cancel("checks-1")

    assert machine.jobs.get("checks-1").status is RunStatus.TIMED_OUT
    until(lambda: not _sandboxes(bundle), "the sandbox to end")
    with pytest.raises(NotFoundError):
        machine.jobs.checks("checks-1")


def _sandboxes(bundle: Bundle) -> list[int]:
    return [
        process
        for process, words in read_each("cmdline")
        if b"sandbox/inside" in words and bundle.digest.encode() in words
    ]


@pytest.mark.parametrize("name", ["plan.json", "../request.json", "request.json", "", "x" * 500])
def test_only_reports_are_given_out(machine: Machine, name: str) -> None:
    with pytest.raises(NotFoundError):
        machine.jobs.report("checks-1", name)
