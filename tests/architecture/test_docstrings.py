"""Docstrings that open with a headless word are counted per package and may only become fewer.

"What production saw" has no subject that a reader can look up; "The observations of production"
has. CONTRIBUTING.md, "Language", has the rule.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPENING = re.compile(
    r"(what|who|whom|whose|whoever|whatever|whether|how|which|where|when|why|those|one|of|as|that"
    r"|than|nobody|nothing|somebody|everybody|everything|anybody|else|last|first)\b(?!-)",
    re.IGNORECASE,
)
# "Return what was found" names no result; "Return how many" and "Return whether" do.
RESULT = re.compile(r"(return|yield)s? (what|who|whom|whose|where|those)\b", re.IGNORECASE)
# The most headless docstrings of a package. Lower a number when its count has fallen.
BUDGET = {
    "benchmarks": 0,
    "checks": 0,
    "configuration": 0,
    "funchost": 0,
    "function_app": 0,
    "infra": 0,
    "migration": 0,
    "mlopsctl": 0,
    "platform_jobs": 0,
    "reference": 0,
    "sandbox": 0,
    "scoring": 0,
    "tests": 0,
    "training": 0,
}


def headless(source: str) -> Iterator[str]:
    """Yield the first line of each docstring of a module that opens with a headless word."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        text = ast.get_docstring(node) if isinstance(node, documented) else None
        line = (text or "").partition("\n")[0]
        if OPENING.match(line) or RESULT.match(line):
            yield line


def listed(package: str) -> list[str]:
    """Return the headless docstrings of a package, each with its module."""
    return [
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in headless(path.read_text())
    ]


@pytest.mark.parametrize("package", BUDGET)
def test_a_package_has_no_more_headless_docstrings_than_before(package: str) -> None:
    lines = listed(package)

    assert len(lines) <= BUDGET[package], "Begin with a noun or a verb:\n" + "\n".join(lines)


def test_every_package_of_the_product_has_a_budget() -> None:
    models = tomllib.loads((ROOT / "mlops.toml").read_text())["models"].values()
    # The project of a model that a user adds is not part of the product.
    others = {"tests", "scripts", *(model["training"] for model in models)} - {"training"}
    packages = {path.parent.name for path in ROOT.glob("*/*.py")} - others

    assert packages <= set(BUDGET), "Add the package to BUDGET, with 0."


@pytest.mark.parametrize(
    "line",
    [
        "What production saw in Azure.",
        "Who may approve a release.",
        "one request of a caller.",
        "Whether data may be trained on.",
        "Of a line only the middle is left out.",
        "Return what is known of a run.",
        "Yield those that were stored.",
        "Returns where the archive is.",
    ],
)
def test_a_headless_docstring_is_counted(line: str) -> None:
    for source in (
        f'"""{line}"""',
        f'class A:\n    """{line}\n\n    More.\n    """',
        f'def f():\n    """{line}"""',
        f'async def f():\n    """{line}"""',
    ):
        assert list(headless(source)) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "The observations of production in Azure.",
        "Return whether the run has ended.",
        "Return how many rows were read.",
        "One-sided bounds of a mean.",
        "Whatsoever is a noun here.",
        "Offers of a vendor.",
    ],
)
def test_a_docstring_with_a_subject_or_a_verb_is_not_counted(line: str) -> None:
    assert not list(headless(f'def f():\n    """{line}"""'))
