"""Packages of npm that tests run: each is installed once, below .tools."""

import fcntl
import shutil
import subprocess
from pathlib import Path

TOOLS = Path(__file__).parents[1] / ".tools"


class NotInstalledError(Exception):
    """A package cannot be had here."""


def install(package: str, version: str) -> Path:
    """Return the package's folder, after installing it once; NotInstalledError when it cannot."""
    folder = TOOLS / package.rpartition("/")[2]
    found = folder / "node_modules" / package
    if not shutil.which("node") or not shutil.which("npm"):
        raise NotInstalledError(f"{package} needs node and npm on the PATH.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        # Two sessions of tests must not install into one folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (found / "package.json").exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
            ended = subprocess.run(
                [*command, f"{package}@{version}"], capture_output=True, text=True, check=False
            )
            if ended.returncode or not found.exists():
                said = ended.stderr.strip()[-300:]
                raise NotInstalledError(f"npm could not install {package}: {said}")
    return found
