import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from function_app import composition, names, steps

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("function_app", "training", "scoring", "funchost"),
    *("mlopsctl", "checks", "configuration", "platform_jobs", "sandbox", "infra", "benchmarks"),
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    ROOT / "infra" / "README.md",
]
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_the_worker_sees_exactly_one_app() -> None:
    code = (
        "import azure.functions as func, function_app\n"
        "kind = func.decorators.function_app.FunctionRegister\n"
        "found = [n for n in dir(function_app) if isinstance(getattr(function_app, n), kind)]\n"
        "functions = function_app.app.get_functions()\n"
        "print(found, len(functions))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tables = (
        composition.STORIES,
        steps.STEPS,
        composition.ROUTES,
        composition.ANONYMOUS_ROUTES,
        composition.TIMERS,
        ("on_event", "watch_inbox", "record_runs", "get_openapi"),
    )
    count = sum(len(table) for table in tables)
    assert answer.stdout.strip() == f"['app'] {count}"


def test_importing_a_domain_module_imports_no_azure_package() -> None:
    code = "import sys, function_app.domain.events.events; print([m for m in sys.modules if 'azure' in m])"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_names_of_stories_are_those_of_the_registered_stories() -> None:
    spelled = {value for key, value in vars(names).items() if key.isupper()}

    assert spelled == {story.__name__ for story in composition.STORIES}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert not text or ast.get_docstring(ast.parse(text)), "the first line says what it is for"


def test_a_module_of_tests_is_short() -> None:
    counts = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in TESTS
    }

    assert {path: count for path, count in counts.items() if count > 400} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_link_of_a_page_leads_to_something(page: Path) -> None:
    for target in re.findall(r"\]\(([^):#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(
        re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )

    assert named <= targets
