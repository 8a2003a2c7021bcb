"""`Any` switches mypy off, so its uses in the code are counted and may only become fewer."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Uses of the name `Any` per package, without imports. Lower a number when its count has fallen.
BUDGET = {
    "benchmarks": 34,
    "checks": 1,
    "configuration": 15,
    "funchost": 110,
    "function_app": 332,
    "infra": 36,
    "migration": 4,
    "mlopsctl": 69,
    "platform_jobs": 23,
    "reference": 1,
    "sandbox": 9,
    "scoring": 73,
    "training": 13,
}
SLACK = 20


def uses(source: str) -> int:
    """Return how often a module names `Any` or `typing.Any`, quoted annotations included."""
    names = ast.walk(ast.parse(source))
    return sum(_is_any(node) for node in names)


def _is_any(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="Any") | ast.Attribute(attr="Any"):
            return True
        case ast.Constant(value=str(text)):
            return text == "Any" or "[Any" in text or "Any]" in text or "Any |" in text
    return False


def count(package: str) -> int:
    return sum(uses(path.read_text()) for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", BUDGET)
def test_a_package_uses_any_no_more_often_than_before(package: str) -> None:
    used, budget = count(package), BUDGET[package]

    assert used <= budget, f"{package} has {used - budget} more uses of Any. Name the type."
    assert budget - used <= SLACK, f"{package} has {used} uses of Any now. Lower its budget."


def test_a_use_of_any_is_counted_wherever_it_stands() -> None:
    source = "def f(a: Any, b: dict[str, Any]) -> 'list[Any]':\n    c: typing.Any = cast(Any, a)\n"

    assert uses(source) == 5
