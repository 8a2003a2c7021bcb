import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from function_app import composition, names, steps

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("function_app", "training", "scoring", "funchost", "migration", "reference"),
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
        ("on_event", "watch_inbox", "record_runs"),
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


def test_a_folder_holds_at_most_twelve_modules() -> None:
    modules = [path for path in MODULES if path.name != "__init__.py"]
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules)

    assert {folder: count for folder, count in counts.items() if count > 12} == {}


def test_a_module_that_a_text_names_exists() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = tracked.stdout.split()
    ends = {"/".join(path.split("/")[at:]) for path in known for at in range(path.count("/") + 1)}
    rooms = {path.split("/")[at] for path in known for at in range(path.count("/"))}
    texts = [path for path in (*MODULES, *PAGES) if path.name != "CHANGELOG.md"]
    missing = {
        (text.relative_to(ROOT).as_posix(), name)
        for text in texts
        for name in re.findall(r"(?<![\w./<{*-])((?:\w+/)+\w+\.py)\b", text.read_text())
        if name.split("/")[0] in rooms and name not in ends
    }

    # Files of a project that a text describes.
    made = {
        *("orchestrators/train_model_2.py", "scoring/seed/score.py", "seed/score.py"),
        "tests/test_training.py",
    }
    sdk = {"models/DurableOrchestrationClient.py", "models/TaskOrchestrationExecutor.py"}
    assert {name for _, name in missing} - made - sdk == set(), missing


def test_the_tree_of_the_architecture_names_every_room() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    tree = page.partition("## The tree")[2].partition("## Imports between packages")[0]
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in MODULES if path.parent != ROOT}
    within = ("infra/", "benchmarks", "function_app/adapters/local/", "sandbox/")

    named = set(re.findall(r"[\w/]+(?=/)", tree))
    assert {
        room
        for room in rooms
        if not room.startswith(within)
        and not any(room == name or room.endswith(f"/{name}") for name in named)
    } == set()


def test_the_sql_of_the_host_is_in_its_storage() -> None:
    statement = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|sqlite3)\b")
    host = [path for path in MODULES if path.is_relative_to(ROOT / "funchost")]
    inside = [path for path in host if path.is_relative_to(ROOT / "funchost" / "storage")]

    assert any(statement.search(path.read_text()) for path in inside)
    assert [
        path for path in host if path not in inside and statement.search(path.read_text())
    ] == []


def test_a_module_of_tests_is_short() -> None:
    counts = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in TESTS
    }

    assert {path: count for path, count in counts.items() if count > 400} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_link_of_a_page_leads_to_something(page: Path) -> None:
    for target in re.findall(r"\]\(([^):#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_an_anchor_of_a_link_is_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^):#]*)#([^)]+)\)", prose(page)):
        headings = re.findall(r"^#+ (.+)$", prose(page.parent / target if target else page), re.M)
        assert anchor in map(slug, headings), f"{target}#{anchor}"


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(
        re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )

    assert named <= targets
