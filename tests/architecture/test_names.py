"""Variables that name no content, such as `found`, are counted per package and may only become fewer.

`found = client.list(...)` leaves the reader to look up the type; `deployments` does not.
CONTRIBUTING.md, "Language", has the rule.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMPTY = frozenset({"found", "kept", "told", "wanted", "what", "who", "wish"})
# The most variables and arguments of these names. Lower a number when its count has fallen.
BUDGET = {
    "benchmarks": 0,
    "checks": 2,
    "configuration": 1,
    "funchost": 19,
    "function_app": 6,
    "infra": 9,
    "migration": 6,
    "mlopsctl": 4,
    "platform_jobs": 0,
    "reference": 0,
    "sandbox": 2,
    "scoring": 1,
    "training": 0,
}


def empty_names(source: str) -> Iterator[str]:
    """Yield each variable, argument and field of a module whose name is in EMPTY."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if name in EMPTY:
                yield f"line {node.lineno}: {name}"


def listed(package: str) -> list[str]:
    """Return the empty names of a package, each with its module."""
    return [
        f"{path.relative_to(ROOT)}, {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in empty_names(path.read_text())
    ]


@pytest.mark.parametrize("package", BUDGET)
def test_a_package_has_no_more_empty_names_than_before(package: str) -> None:
    names = listed(package)

    assert len(names) <= BUDGET[package], "Name the content instead:\n" + "\n".join(names)


def test_a_variable_an_argument_and_a_field_are_counted() -> None:
    source = "class A:\n    told: str = ''\ndef f(what):\n    found, n = 1, 2\n    for kept in n: g(kept)"

    assert sorted(empty_names(source)) == [
        "line 2: told",
        "line 3: what",
        "line 4: found",
        "line 5: kept",
    ]
