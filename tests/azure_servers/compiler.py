"""The Bicep compiler, where this machine has one: bodies compiled as resources of their version."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.azure_servers.bodies import IDENTITY, Resource

VERSION = "0.49.2"
NO_COMPILER = f"The Bicep compiler {VERSION} is not here: set BICEP to its path, or put `bicep` into the PATH."
_FOUND = re.compile(
    r"\((?P<line>\d+),\d+\) : (?:Warning|Error) (?P<text>.*?)(?: \[https?://\S+\])?$"
)
# The linter says nothing of a body.
_CONFIG = {"analyzers": {"core": {"enabled": False}}}
# Two bodies of one resource; resources that cannot be deployed, such as a run. Both are no fault
# of a body.
_IGNORED = ("BCP121:", "BCP245:", "BCP246:")
READ_ONLY = "BCP073:"  # of a value that only answers have
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def find_compiler() -> str | None:
    """Return the command of the compiler, None when there is none."""
    return os.environ.get("BICEP") or shutil.which("bicep")


def diagnostics(compiler: str, resources: Sequence[Resource]) -> list[list[str]]:
    """Return the compiler's warnings for each resource; it exits with 0 despite them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bodies.bicep"
        path.write_text("".join(f"{declare(r, i)}\n" for i, r in enumerate(resources)), "utf-8")
        (Path(folder) / "bicepconfig.json").write_text(json.dumps(_CONFIG))
        command = [compiler, "build", str(path), "--no-restore", "--stdout"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[list[str]] = [[] for _ in resources]
    for line in done.stderr.splitlines():
        matched = _FOUND.search(line)
        if matched is None:
            raise AssertionError(f"The compiler says what is not a finding: {line}")
        if not matched["text"].startswith(_IGNORED):
            found[int(matched["line"]) - 1].append(matched["text"])
    return found


def declare(resource: Resource, index: int) -> str:
    """Return a resource as one line of Bicep."""
    body = {key: value for key, value in resource.body.items() if key not in IDENTITY}
    text = literal({"name": resource.name, **body})
    return f"resource r{index} '{resource.label}' = {text}"


def literal(value: Any) -> str:
    """Return a JSON value as a Bicep expression on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)}: {literal(item)}" for key, item in value.items())
        return "{ " + inner + " }" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        # Bicep has no literal of a fraction; a whole one is an integer.
        return str(int(value)) if value.is_integer() else f"json('{value!r}')"
    return json.dumps(value)


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    for old, new in (
        ("\\", "\\\\"),
        ("'", "\\'"),
        ("${", "\\${"),
        ("\n", "\\n"),
        ("\r", "\\r"),
        ("\t", "\\t"),
    ):
        text = text.replace(old, new)
    return f"'{text}'"
