"""The generated pages of docs/reference are up to date, and name all there is to name."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from configuration import variables
from function_app.domain.event_types import READERS
from function_app.errors import MlopsError
from function_app.triggers import answers
from reference import arrows, errors, events, settings
from reference.pages import PAGES

ROOT = Path(__file__).parents[2]
# Variables of other programs that have one of our prefixes.
FOREIGN = {"SCORING_URI", "SCORING_SCRIPT", "SCORING_FAILED", "SCORING_"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_is_as_the_code_makes_it(page: str) -> None:
    assert (ROOT / page).read_text() == PAGES[page](), "run: python -m reference"


def test_no_rooms_import_each_other_in_a_circle() -> None:
    below: dict[str, set[str]] = {}
    for importer, imported in arrows.arrows():
        below.setdefault(importer, set()).add(imported)

    assert list(TopologicalSorter(below).static_order()), "CycleError names the circle"


def test_every_type_of_event_is_described() -> None:
    assert events.EVENTS.keys() == READERS.keys()


@pytest.mark.parametrize(
    ("package", "described"),
    [
        ("function_app", errors.API | errors.PRODUCTION),
        ("scoring", errors.PRODUCTION),
        ("mlopsctl", errors.COMMANDS | errors.API),
    ],
)
def test_every_code_of_an_error_is_described(package: str, described: errors.Codes) -> None:
    assert codes_of(package) <= described.keys()


def test_no_code_is_described_that_no_error_has() -> None:
    app, service, commands = map(codes_of, ("function_app", "scoring", "mlopsctl"))
    assert errors.API.keys() <= app | {MlopsError.code}
    assert errors.PRODUCTION.keys() <= service | app
    assert errors.COMMANDS.keys() <= commands


def test_the_statuses_are_those_that_the_app_answers() -> None:
    stated = {code: int(status) for code, (status, _) in errors.API.items() if status}
    by_code = {code: stated[code] for code in answers._BY_CODE}
    assert by_code == answers._BY_CODE
    by_type = {kind.code: status for kind, status in answers._BY_TYPE}
    assert {code: stated[code] for code in by_type} == by_type


def test_every_variable_that_the_code_reads_is_described() -> None:
    page = settings.describe()
    read = {
        name
        for package in ("function_app", "funchost", "mlopsctl", "scoring", "configuration")
        for tree in trees(package).values()
        for name in variables_of(tree)
    }
    assert read, "the search finds the variables"
    documented = {*re.findall(r"`([A-Z][A-Z0-9_]+)`", page), *variables.FAMILIES}
    assert {name for name in read if name not in documented} == set()


def variables_of(tree: ast.Module) -> Iterator[str]:
    """Yield the texts that look like a variable of ours; prefixes of families end with `_`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value
            ours = re.fullmatch(r"(MLOPS|FUNCHOST|SCORING|PREDICTION)_[A-Z0-9_]+", name)
            prefix = name in (variables.PREFIX, *variables.CLOSED)
            if ours and name not in FOREIGN and not prefix:
                yield name


@cache
def codes_of(package: str) -> frozenset[str]:
    """Return the codes that errors of a package are made with."""
    constants = {
        name: value for tree in trees(package).values() for name, value in constants_of(tree)
    }
    found: set[str] = set()
    for tree in trees(package).values():
        for node in ast.walk(tree):
            found.update(text(value, constants) for value in given_codes(node))
    return frozenset(code for code in found if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code))


def given_codes(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        yield from (word.value for word in node.keywords if word.arg == "code")
        if name == "ApiError":
            yield from node.args[:1]
        if name == "_refusal":  # of the scoring service: message, code, status
            yield from node.args[1:2]
    elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
        value = node.value
        yield from (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
    elif isinstance(node, ast.FunctionDef):
        names = node.args.args[len(node.args.args) - len(node.args.defaults) :]
        yield from (
            default
            for name, default in zip(names, node.args.defaults, strict=True)
            if name.arg == "code"
        )
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                yield value


def text(value: ast.expr, constants: Mapping[str, str]) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    name = getattr(value, "id", getattr(value, "attr", ""))
    return constants.get(name, "")


def constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for line in tree.body:
        if not isinstance(line, ast.Assign):
            continue
        target, value = line.targets[0], line.value
        pairs = (
            zip(target.elts, value.elts, strict=False)  # a starred one names no code
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            else [(target, value)]
        )
        for name, given in pairs:
            if isinstance(name, ast.Name) and isinstance(given, ast.Constant):
                yield name.id, str(given.value)


@cache
def trees(package: str) -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted((ROOT / package).rglob("*.py"))}
