"""`python -m infra.check`: every check of the compiled templates, and the pages and snapshots.

--write-snapshots compiles the templates and writes infra/snapshots/; --write-docs writes
docs/reference/roles.md.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.check import arm, names, readers, roles, secrets, settings, table
from infra.check.arm import Problem, problems
from infra.check.choices import INFRA
from infra.check.compile import PINNED, SNAPSHOTS, CompileError, compile_all, digests, find_pinned

CHECKS = (table, names, secrets, readers, roles, settings)
ROOT, FOLDER = INFRA.parent, INFRA / "snapshots"
WRITE = "write them again: python -m infra.check --write-snapshots"


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Print the problems; return 1 when there is one, 2 when the arguments are wrong."""
    if arguments not in ([], ["--write-snapshots"], ["--write-docs"]):
        print("usage: python -m infra.check [--write-docs | --write-snapshots]", file=sys.stderr)
        return 2
    if arguments == ["--write-docs"]:
        (ROOT / "docs/reference/roles.md").write_text(roles.write_page(INFRA), encoding="utf-8")
        return 0
    try:
        compiler = find_pinned(environ)
    except CompileError as error:
        print(f"{error} The checks read the committed snapshots (infra/snapshots).")
        if arguments:
            return 1
        snapshots = arm.load(FOLDER)
        found = check_sources(snapshots, INFRA)
    else:
        print(f"Bicep compiler: {compiler} {PINNED}")
        snapshots, findings = compile_all(compiler, INFRA, environ)
        if arguments and not findings:
            write(snapshots)
        found = [*problems("compiler", findings)] or compare(arm.load(FOLDER), snapshots)
    missing = SNAPSHOTS - set(snapshots)
    found += problems("snapshots", [f"{name} is missing." for name in missing])
    if not missing:
        found += check(snapshots, ROOT)
    for problem in sorted(set(found)):
        print(f"infra/{problem}")
    print(f"{len(snapshots)} snapshots, {len(roles.read_rows(INFRA))} roles: {len(found)} problems")
    return 1 if found else 0


def check(snapshots: Mapping[str, Any], repository: Path) -> list[Problem]:
    """Return the problems of compiled templates."""
    compiled = arm.read(snapshots, repository)
    return sorted({problem for module in CHECKS for problem in module.check(compiled)})


def compare(committed: Mapping[str, Any], made: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each committed snapshot that the compiler makes otherwise."""
    text = f"It is not current; {WRITE}"
    return [Problem(f"snapshots/{name}", text) for name in _differing(committed, made)]


def check_sources(committed: Mapping[str, Any], root: Path) -> list[Problem]:
    """Return a problem for each template that changed after the snapshots were written."""
    text = f"It changed after the snapshots were written; where the compiler is, {WRITE}"
    recorded = committed["template.json"]["sources"]
    return [Problem(name, text) for name in _differing(recorded, digests(root))]


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def write(snapshots: Mapping[str, Any]) -> None:
    """Write the snapshots."""
    for name, content in snapshots.items():
        text = json.dumps(content, indent=1, sort_keys=True)
        (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 (a tool of its own, not the app)
