"""Fixtures for all tests."""

import atexit
import functools
import os
import shutil
import ssl
import tempfile
from collections.abc import Generator
from pathlib import Path

import httpx
import hypothesis
import pytest

from tests.patience import PATIENCE
from tests.quiet_clock import Standstills

pytest_plugins = ["funchost.testing"]

# Never the configuration folder of the person who runs the tests; each state has a folder in it.
CONFIG = tempfile.mkdtemp(prefix="mlops-config-")
atexit.register(shutil.rmtree, CONFIG, ignore_errors=True)
os.environ["MLOPS_CONFIG"] = CONFIG

# Every instance that a test ends is replayed.
os.environ.setdefault("FUNCHOST_CHECK", "all")

# An example takes longer than the library's 200 ms when the machine is busy. Each run draws the same
# examples, so that a commit which passes here passes in CI; `make examples` draws new ones.
hypothesis.settings.register_profile(
    "tests", deadline=None, derandomize=os.environ.get("EXAMPLES") != "new"
)
hypothesis.settings.load_profile("tests")

# One folder for all workers of a run: they inherit its name from the process that starts them.
_SHARED = "TESTS_SHARED_FOLDER"
if _SHARED not in os.environ:
    os.environ[_SHARED] = tempfile.mkdtemp(prefix="mlops-tests-")
    atexit.register(shutil.rmtree, os.environ[_SHARED], ignore_errors=True)
SHARED = Path(os.environ[_SHARED])

# The default of httpx is 5 s: longer than that a request takes on a machine that is busy or stalls.
# And it reads the certificates of all authorities for each request, which takes 20 ms of CPU.
TRUST = ssl.create_default_context()
for name in ("get", "post", "put", "delete", "options", "request"):
    patient = functools.partial(getattr(httpx, name), timeout=PATIENCE, verify=TRUST)
    setattr(httpx, name, patient)

STANDSTILLS = Standstills()
STANDSTILLS.watch()

TESTS = Path(__file__).parent
# Workers begin with the files that take longest: a file stays with one worker, and a long one that
# begins last keeps the others idle.
LONG = (
    *("stories/test_new_code.py", "stories/test_bad_input.py", "stories/test_lanes.py"),
    *("stories/test_operations.py", "stories/test_azure.py", "stories/test_new_models.py"),
    *("mlopsctl/test_init.py", "stories/test_reconcile.py", "stories/test_tracing.py"),
    *("mlopsctl/test_import.py", "mlopsctl/test_up.py", "mlopsctl/test_running_app.py"),
    "stories/test_demo.py",
    *("stories/test_event_storm.py", "stories/test_any_folder.py", "stories/test_crash.py"),
    *("stories/test_up.py", "stories/test_slow_replicas.py", "stories/test_release.py"),
    *("attacks/test_law.py", "contracts/test_jobs.py", "attacks/test_webhooks.py"),
    *("attacks/test_approvals.py", "attacks/test_names.py", "contracts/test_serving.py"),
    *("adapters/test_containers.py", "adapters/test_local_attempts.py"),
    "conformance/durable/test_durable.py",
    *("adapters/test_interrupted_runs.py", "contracts/test_job_judging.py"),
    *("adapters/azure/test_production.py", "attacks/test_scoring.py", "adapters/test_local.py"),
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Restore the umask and the folder of the process after each test.

    Starting an app as a command does it changes the umask of the process.
    """
    umask, folder = os.umask(0o022), Path.cwd()
    os.umask(umask)
    STANDSTILLS.begin()
    try:
        return (yield)
    finally:
        os.umask(umask)
        os.chdir(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say at a failure whether the machine stood still: a limit in seconds may be the cause then."""
    report = yield
    if report.failed:
        report.sections.append(("The machine", STANDSTILLS.describe()))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order of LONG."""
    ranks = {str(TESTS / file): number for number, file in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(str(item.path), len(LONG)))
