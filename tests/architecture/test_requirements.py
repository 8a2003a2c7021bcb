"""What the function app in Azure is installed with: requirements.txt, and nothing else."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The training code too: the app lets it write the reference data.
FOLDERS = ("function_app", "training")
OWN = {"function_app", "training"}
# The one package whose name does not follow from its module's.
NAMED_OTHERWISE = {"azure.durable_functions": "azure-functions-durable"}


def imported() -> Iterator[str]:
    """Return the modules of other people that the app in Azure imports, late ones too."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "local" in path.relative_to(ROOT).parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module


def installed() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {found[0].lower() for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}


def packages_of(module: str) -> set[str]:
    """Return the names that the package of a module can have."""
    if module in NAMED_OTHERWISE:
        return {NAMED_OTHERWISE[module]}
    parts = module.split(".")
    if parts[0] == "opentelemetry" and parts[1:2] not in (["sdk"], ["exporter"]):
        return {"opentelemetry-api"}
    if parts[0] in ("azure", "opentelemetry"):  # one folder of many packages
        return {"-".join(parts[:length]) for length in range(2, len(parts) + 1)}
    return {name.lower() for name in packages_distributions().get(parts[0], ())}


def test_every_package_that_the_app_in_azure_imports_is_installed_there() -> None:
    own = OWN | set(sys.stdlib_module_names)
    modules = {name for name in imported() if name.split(".")[0] not in own}

    absent = {name for name in modules if not packages_of(name) & installed()}

    assert {"azure.ai.ml", "jwt", "skops.io"} <= modules
    assert absent == set()
