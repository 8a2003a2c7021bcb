"""Credentials are compared in constant time: each comparison is one call of hmac.compare_digest."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configuration.people.tokens import IssuedTokens
from funchost.keys import opens
from function_app.adapters.local.production.production_server import _check_platform
from function_app.domain.webhooks.signatures import has_password, is_signed
from scoring.authentication import _matches

ROOT = Path(__file__).parents[2]
PACKAGES = ("configuration", "funchost", "function_app", "mlopsctl", "sandbox", "scoring")
# Names of variables that hold credentials.
CREDENTIALS = ("authorization", "credential", "given", "password", "secret", "signature", "token")
EQUALS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


@pytest.mark.parametrize(
    "compare",
    [opens, is_signed, has_password, _matches, _check_platform, IssuedTokens.identify],
    ids=lambda function: function.__qualname__,
)
def test_a_credential_is_compared_by_compare_digest(compare: Callable[..., Any]) -> None:
    tree = ast.parse(textwrap.dedent(inspect.getsource(compare)))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert calls.count("hmac.compare_digest") == 1
    assert not comparisons_of_credentials(tree)


def test_no_other_code_compares_credentials() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in comparisons_of_credentials(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert found == set()


@pytest.mark.parametrize(
    "code", ["token == stored", "a.secret != b", "given in keys", "x == token"]
)
def test_a_plain_comparison_is_found(code: str) -> None:
    assert len(comparisons_of_credentials(ast.parse(code))) == 1


@pytest.mark.parametrize("code", ['token == ""', "version == stored", "compare(token, stored)"])
def test_other_comparisons_are_none_of_credentials(code: str) -> None:
    assert comparisons_of_credentials(ast.parse(code)) == []


def comparisons_of_credentials(tree: ast.AST) -> list[ast.Compare]:
    """Return the comparisons of a credential with something that is no constant."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, EQUALS) for op in node.ops):
            sides = [node.left, *node.comparators]
            constant = any(isinstance(side, ast.Constant) for side in sides)
            if not constant and any(_name(side).endswith(CREDENTIALS) for side in sides):
                found.append(node)
    return found


def _name(node: ast.expr) -> str:
    """Return the last name of a variable or an attribute; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
