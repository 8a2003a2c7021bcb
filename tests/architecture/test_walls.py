"""The walls between rooms hold: each planted violation is found, and the code has none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.calls import complaints

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("function_app", "funchost", "mlopsctl", "training", "scoring", "checks", "platform_jobs"),
    *("configuration", "sandbox", "migration", "reference", "infra", "benchmarks"),
)
STORY, RULE = "function_app/orchestrators/train_model.py", "function_app/domain/gates.py"
# File, planted lines, and the words by which the complaint names the violation.
PLANTED = {
    "time.sleep in a story": (STORY, "import time\ntime.sleep(1)\n", "may not import time"),
    "os.getenv in a story": (STORY, "import os\nos.getenv('A')\n", "may not import os"),
    "httpx in a story": (STORY, "import httpx\n", "may not import httpx"),
    "open() in a story": (STORY, "def _read():\n    open('a')\n", "may not call open()"),
    "the clock in a story": (STORY, "def _at():\n    datetime.now()\n", "may not read the clock"),
    "settings in a story": (
        STORY,
        "import function_app.settings.settings\n",
        "function_app.orchestrators.train_model -> function_app.settings.settings",
    ),
    "requests in the domain": (RULE, "import requests\n", "may not import requests"),
    "an SDK client in the domain": (
        RULE,
        "def _ask():\n    from azure.ai.ml import MLClient\n",
        "may not import azure.ai.ml.MLClient",
    ),
    "an SDK of Azure in an activity": (
        "function_app/activities/training.py",
        "def _ask():\n    from azure.identity import DefaultAzureCredential\n",
        "may not import azure.identity",
    ),
    "local importing azure": (
        "function_app/adapters/local/clock_drift.py",
        "import function_app.adapters.azure.rows\n",
        "function_app.adapters.local.clock_drift -> function_app.adapters.azure.rows",
    ),
    "a rule inside the codec": (
        "function_app/domain/codec.py",
        "def _circle():\n    import function_app.domain.access.audit\n",
        "No cycles are allowed in function_app.domain",
    ),
    "a circle inside funchost": (
        "funchost/app/limits.py",
        "def _circle():\n    import funchost.web.management.client_api\n",
        "No cycles are allowed in funchost",
    ),
}


@pytest.fixture(scope="module")
def complaint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the findings of the checks on a copy of the code with every violation in it."""
    copy = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for file, lines, _ in PLANTED.values():
        with (copy / file).open("a") as planted:
            planted.write(f"\n\n{lines}")
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run(
        [linter, "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1, said.stdout + said.stderr
    return said.stdout + "\n".join(complaints(copy))


@pytest.mark.parametrize("violation", PLANTED)
def test_a_planted_violation_is_found(complaint: str, violation: str) -> None:
    assert PLANTED[violation][2] in complaint


def test_stories_and_rules_depend_on_their_arguments_only() -> None:
    assert complaints(ROOT) == []
