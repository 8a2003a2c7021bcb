"""The snapshots of the real compiler: what each parameter file makes, recorded for any machine.

`BICEP=... python -m tests.infra.snapshot` records them anew.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.preflight import compiler
from tests.azure_servers.compiler import NO_COMPILER, find_compiler

FOLDER = Path(__file__).with_name("snapshots")
NAMES = ("dev", "prod", "main")
SUBSCRIPTION = "44444444-4444-4444-4444-444444444444"


def plain(**choices: str) -> dict[str, str]:
    """Return the environment of the compiler: what programs need, and these choices."""
    kept = ("HOME", "PATH", "XDG_CACHE_HOME")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **choices}


def record(name: str) -> Path:
    """Return the file of a recorded snapshot."""
    return FOLDER / f"{name}.json"


def take(program: str, name: str) -> dict[str, Any]:
    """Return a snapshot that the compiler makes now; long texts, such as workbooks, are left out."""
    found = compiler.snapshot(program, name, plain(), SUBSCRIPTION, "westeurope")
    kept = [
        {name: r[name] for name in ("id", "type", "name")} if r["type"].startswith(_LONG) else r
        for r in found["predictedResources"]
        if not r["type"].startswith(_LEFT_OUT)
    ]
    return {"predictedResources": kept, "diagnostics": found["diagnostics"]}


def resources(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the recorded resources of a type."""
    listed = json.loads(record(name).read_text("utf-8"))["predictedResources"]
    return [r for r in listed if r["type"] == kind]


# Queries and roles have tests of their own.
_LONG, _LEFT_OUT = "Microsoft.Insights/", "Microsoft.Authorization/"


if __name__ == "__main__":
    program = find_compiler()
    if program is None:
        sys.exit(NO_COMPILER)
    for name in NAMES:
        text = json.dumps(take(program, name), indent=1, sort_keys=True)
        record(name).write_text(text + "\n", encoding="utf-8")
