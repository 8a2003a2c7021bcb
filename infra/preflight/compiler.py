"""The Bicep compiler: its version, and the snapshot of a parameter file."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PINNED = "0.49.2"
INSTALL = f"Install it: az bicep install --version v{PINNED}"
INFRA = Path(__file__).resolve().parents[1]


class CompileError(Exception):
    """The compiler is missing, too old, or refuses the templates; the text says which."""


def find(environ: Mapping[str, str]) -> str:
    """Return the compiler: BICEP, `bicep` in the PATH, or the one that the Azure CLI installed."""
    own = Path.home() / ".azure" / "bin" / "bicep"
    found = environ.get("BICEP") or shutil.which("bicep") or (str(own) if own.exists() else "")
    if not found:
        raise CompileError("There is no Bicep compiler.")
    return found


def version(compiler: str, environ: Mapping[str, str]) -> str:
    """Return the version of a compiler; raise CompileError when it is older than the pinned one."""
    try:
        text = _run([compiler, "--version"], environ).stdout
    except OSError as error:
        raise CompileError(f"{compiler} cannot be started: {error.strerror}.") from error
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    if found is None:
        raise CompileError(f"{compiler} does not say its version.")
    if tuple(map(int, found.groups())) < tuple(map(int, PINNED.split("."))):
        raise CompileError(f"Bicep is {found[0]}; the templates are checked with {PINNED}.")
    return found[0]


def snapshot(
    compiler: str, parameters: str, environ: Mapping[str, str], subscription: str, location: str
) -> dict[str, Any]:
    """Return the resources that a parameter file would make; raise CompileError with findings."""
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because the compiler writes its snapshot beside the parameters.
        root = Path(shutil.copytree(INFRA, Path(folder) / "infra"))
        command = [
            compiler, "snapshot", str(root / f"{parameters}.bicepparam"), "--mode", "overwrite",
            "--subscription-id", subscription, "--location", location,
            "--deployment-name", "preflight",
            "--tenant-id", environ.get("AZURE_TENANT_ID") or "00000000-0000-0000-0000-000000000000",
        ]  # fmt: skip
        done = _run(command, {**environ, "AZURE_LOCATION": location})
        written = root / f"{parameters}.snapshot.json"
        if done.returncode or not written.exists():
            raise CompileError(f"The templates do not compile. {done.stderr.strip()[-1500:]}")
        found: dict[str, Any] = json.loads(written.read_text("utf-8"))
    return found


def _run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environ))
