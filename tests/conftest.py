"""What every test may ask for."""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE

pytest_plugins = ["funchost.testing"]

# Never the configuration folder of the person who runs the tests; each state has a folder in it.
CONFIG = tempfile.mkdtemp(prefix="mlops-config-")
atexit.register(shutil.rmtree, CONFIG, ignore_errors=True)
os.environ["MLOPS_CONFIG"] = CONFIG

# One folder for all workers of a run: they inherit its name from the process that starts them.
_SHARED = "TESTS_SHARED_FOLDER"
if _SHARED not in os.environ:
    os.environ[_SHARED] = tempfile.mkdtemp(prefix="mlops-tests-")
    atexit.register(shutil.rmtree, os.environ[_SHARED], ignore_errors=True)
SHARED = Path(os.environ[_SHARED])

# The default of httpx is 5 s: longer than that a request takes on a machine that is busy or stalls.
for name in ("get", "post", "put", "delete", "options", "request"):
    setattr(httpx, name, functools.partial(getattr(httpx, name), timeout=PATIENCE))

TESTS = Path(__file__).parent
# Workers begin with the files that take longest: a file stays with one worker, and a long one that
# begins last keeps the others idle.
LONG = (
    *("stories/test_lanes.py", "stories/test_drift.py", "stories/test_new_code.py"),
    *("stories/test_bad_input.py", "stories/test_operations.py", "stories/test_azure.py"),
    *("stories/test_event_storm.py", "stories/test_any_folder.py", "stories/test_crash.py"),
    *("stories/test_up.py", "stories/test_slow_replicas.py", "stories/test_release.py"),
    *("attacks/test_law.py", "contracts/test_jobs.py", "attacks/test_webhooks.py"),
    *("attacks/test_approvals.py", "attacks/test_names.py", "contracts/test_serving.py"),
    *("adapters/test_containers.py", "adapters/test_local_attempts.py"),
    *("adapters/test_interrupted_runs.py", "contracts/test_job_judging.py"),
    *("adapters/azure/test_production.py", "attacks/test_scoring.py", "adapters/test_local.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order of LONG."""
    ranks = {str(TESTS / file): number for number, file in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(str(item.path), len(LONG)))
