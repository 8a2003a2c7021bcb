"""The function app in Azure is installed from requirements.txt alone."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Models' own code and the platform's jobs run apart from the app, each in its own environment.
FOLDERS = ("configuration", "function_app", "sandbox")
# Folders that many packages share: each import from them is a package.
SHARED = ("azure", "opentelemetry")


def imported(*, everywhere: bool = False) -> Iterator[str]:
    """Return the modules of other people that the app in Azure imports, late ones too.

    `everywhere` says that the local platform counts, too.
    """
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not everywhere and "local" in path.relative_to(ROOT).parts:
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


# In Azure the data check, judging and plots run as jobs: half of requirements.txt was for these.
LARGE = ("matplotlib", "pandas", "pyarrow", "scipy", "skops", "sklearn")


def test_the_function_app_imports_no_package_of_data_science() -> None:
    found = [name for name in imported(everywhere=True) if name.split(".")[0] in LARGE]

    assert found == []


def test_importing_the_app_and_all_of_its_modules_loads_none_of_them() -> None:
    code = (
        "import importlib, pkgutil, sys, function_app\n"
        "for module in pkgutil.walk_packages(function_app.__path__, 'function_app.'):\n"
        "    if not module.name.endswith(('.production_server', '.run_job')):\n"
        "        importlib.import_module(module.name)\n"
        "function_app.app.get_functions()\n"
        f"print(sorted({LARGE!r} & sys.modules.keys()))\n"
    ).replace(f"{LARGE!r} &", f"set({LARGE!r}) &")
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (answer.stdout.strip(), answer.stderr[-500:] if answer.returncode else "") == ("[]", "")


@pytest.mark.parametrize(
    ("package", "allowed"),
    [("platform_jobs", {"platform_jobs", "sandbox"}), ("sandbox", {"sandbox"})],
)
def test_the_jobs_of_the_platform_import_nothing_but_python(
    package: str, allowed: set[str]
) -> None:
    # They run beside each model's own code, in the environment of that code.
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                # A reader of a skops file needs skops; the model's environment has it.
                if (path.name, name) == ("model_types.py", "skops.io"):
                    continue
                # Only a Parquet file needs pyarrow; without it the refusal names the package.
                if path.name == "parquet.py" and name.split(".")[0] == "pyarrow":
                    continue
                # The data check imports them late, and goes on without them.
                if path.parent.name in {"checking", "large"} and name.split(".")[0] in {
                    *("numpy", "scipy", "pyarrow"),
                }:
                    continue
                assert name.split(".")[0] in allowed | sys.stdlib_module_names, (path, name)


def test_the_packages_of_the_app_in_azure_take_at_most_200_mb() -> None:
    wanted, size = installed(), 0
    for found in distributions():
        if normal(found.name) in wanted:
            paths = (Path(str(found.locate_file(f))) for f in found.files or ())
            size += sum(p.stat().st_size for p in paths if p.suffix != ".pyc" and p.is_file())

    assert {"numpy", "pandas", "scikit-learn", "scipy"}.isdisjoint(wanted)
    assert 50 <= size / 1024**2 <= 200
