"""The types of packages that have none agree with the installed packages."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUBTEST = (sys.executable, "-m", "mypy.stubtest")


def compare(typings: Path) -> str:
    """Return what stubtest says against the types of the Durable SDK below `typings`, "" if fine."""
    said = subprocess.run(
        # The stubs hold only the part of the SDK that this repository uses.
        [*STUBTEST, "azure.durable_functions", "--concise", "--ignore-missing-stub"],
        cwd=typings.parent,
        env={**os.environ, "MYPYPATH": str(typings)},
        capture_output=True,
        text=True,
    )
    return said.stdout + said.stderr


def test_the_types_of_the_durable_sdk_are_those_of_the_installed_one() -> None:
    assert compare(ROOT / "typings") == ""


def test_a_stub_that_differs_from_the_sdk_is_found(tmp_path: Path) -> None:
    changes = {
        "RetryOptions.pyi": ("max_number_of_attempts: int", "max_attempts: int"),
        "PurgeHistoryResult.pyi": ("def instances_deleted", "def instances_gone"),
    }
    for stub in (ROOT / "typings").rglob("*.pyi"):
        copy = tmp_path / "typings" / stub.relative_to(ROOT / "typings")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(stub.read_text().replace(*changes.get(stub.name, ("", ""))))

    complaint = compare(tmp_path / "typings")

    assert "max_attempts" in complaint
    assert "instances_gone" in complaint
