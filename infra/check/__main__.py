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
from infra.check.arm import Problem
from infra.check.choices import CHOICES
from infra.check.compile import PINNED, CompileError, compile_all, digests, find, version
from infra.check.role_page import write_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "infra" / "snapshots"
WRITE = "write them again: python -m infra.check --write-snapshots"


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Print the problems; return 1 when there is one, 2 when the arguments are wrong."""
    if arguments == ["--write-docs"]:
        (ROOT / "docs" / "reference" / "roles.md").write_text(
            write_page(ROOT / "infra"), encoding="utf-8"
        )
        return 0
    if arguments not in ([], ["--write-snapshots"]):
        print("usage: python -m infra.check [--write-docs | --write-snapshots]", file=sys.stderr)
        return 2
    committed = arm.load(FOLDER)
    compiler, why = find_pinned(environ)
    problems: list[Problem] = []
    if compiler is None:
        print(f"{why} The checks read the committed snapshots (infra/snapshots).")
        if arguments:
            return 1
        problems += check_sources(committed, ROOT / "infra")
        made = committed
    else:
        print(f"Bicep compiler: {compiler} {PINNED}")
        made, findings = compile_all(compiler, ROOT / "infra", environ)
        problems += [Problem(path="compiler", text=text) for text in findings]
        if arguments and not findings:
            write(made)
        elif not findings:
            problems += compare(committed, made)
    if len(made) == len(CHOICES) + 2:
        problems += check(made, ROOT)
    for problem in sorted(set(problems)):
        print(f"infra/{problem}")
    rows = len(roles.read_rows(ROOT / "infra"))
    print(f"{len(made)} snapshots, {rows} roles: {len(problems)} problems")
    return 1 if problems else 0


def find_pinned(environ: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the compiler of the pinned version, or None and the reason."""
    try:
        compiler = find(environ)
        found = version(compiler, environ)
    except CompileError as error:
        return None, str(error)
    if found != PINNED:
        return None, f"Bicep is {found}; the snapshots are those of {PINNED}."
    return compiler, ""


def check(snapshots: Mapping[str, Any], repository: Path) -> list[Problem]:
    """Return the problems of compiled templates."""
    infra = repository / "infra"
    compiled = arm.read(snapshots)
    found = {
        *table.check(compiled, infra),
        *names.check(compiled, infra),
        *secrets.check(compiled),
        *readers.check(compiled, repository),
        *readers.check_json(repository),
        *readers.check_variables(repository),
        *roles.check(compiled, infra, repository),
        *settings.check(compiled, repository),
    }
    return sorted(found)


def compare(committed: Mapping[str, Any], made: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each committed snapshot that the compiler makes otherwise."""
    differing = sorted(
        name for name in {*committed, *made} if committed.get(name) != made.get(name)
    )
    return [
        Problem(path=f"snapshots/{name}", text=f"It is not current; {WRITE}") for name in differing
    ]


def check_sources(committed: Mapping[str, Any], root: Path) -> list[Problem]:
    """Return a problem for each template that changed after the snapshots were written."""
    recorded, now = committed["template.json"]["sources"], digests(root)
    differing = sorted(name for name in {*recorded, *now} if recorded.get(name) != now.get(name))
    text = "It changed after the snapshots were written; where the compiler is, "
    return [Problem(path=name, text=text + WRITE) for name in differing]


def write(snapshots: Mapping[str, Any]) -> None:
    """Write the snapshots."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in snapshots.items():
        text = json.dumps(content, indent=1, sort_keys=True)
        (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 (a tool of its own, not the app)
