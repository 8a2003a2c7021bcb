"""What the function app in Azure is installed with: requirements.txt, and nothing else."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The training code too: the app lets it write the reference data.
FOLDERS = ("configuration", "function_app", "training")
# Folders that many packages share: what is imported from them is a package.
SHARED = ("azure", "opentelemetry")


def imported() -> Iterator[str]:
    """Return the modules of other people that the app in Azure imports, late ones too."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "local" in path.relative_to(ROOT).parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module in SHARED:
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def owners() -> dict[str, str]:
    """Return the package that each installed file is of, by its path below site-packages."""
    return {str(f): normal(found.name) for found in distributions() for f in found.files or ()}


def owner(module: str, known: dict[str, str]) -> str:
    """Return the package of a module; nothing is imported for it."""
    path = module.replace(".", "/")
    return known.get(f"{path}/__init__.py") or known[f"{path}.py"]


def installed() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {normal(found[0]) for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}


def test_every_package_that_the_app_in_azure_imports_is_installed_there() -> None:
    own = {*FOLDERS, *sys.stdlib_module_names}
    modules = {name for name in imported() if name.split(".")[0] not in own}
    known = owners()

    packages = {name: owner(name, known) for name in modules}

    assert packages["jwt"] == "pyjwt"
    assert packages["azure.durable_functions"] == "azure-functions-durable"
    assert {n: p for n, p in packages.items() if p not in installed()} == {}
