"""The committed snapshots of the compiler, for tests.

`BICEP=... python -m tests.infra.snapshot` writes them again, as `python -m infra.check` can.
"""

import os
import sys
from pathlib import Path
from typing import Any

from infra.check import arm
from infra.check.__main__ import FOLDER, main
from infra.check.arm import Configuration
from infra.check.choices import SUBSCRIPTION

__all__ = ["NAMES", "SUBSCRIPTION", "configuration", "plain", "record", "resources"]

NAMES = ("dev", "prod", "main")


def plain(**choices: str) -> dict[str, str]:
    """Return the environment of the compiler: variables of every program, and these choices."""
    kept = ("HOME", "PATH", "XDG_CACHE_HOME")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **choices}


def record(name: str) -> Path:
    """Return the file of a committed snapshot."""
    return FOLDER / f"{name}.json"


def configuration(name: str) -> Configuration:
    """Return a committed configuration."""
    return arm.read(arm.load(FOLDER)).configurations[name]


def resources(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the committed resources of a type."""
    return [dict(resource.raw) for resource in configuration(name).of(kind)]


if __name__ == "__main__":
    sys.exit(main(["--write-snapshots"], os.environ))
