"""Finds code that would make a story or a rule depend on more than its arguments.

Stories are replayed and rules are pure, so neither may read a clock, a file, a socket, a setting or
a random number. import-linter does not see the standard library's functions; this module does.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

_COMMON = frozenset({"collections", "dataclasses", "datetime", "enum", "function_app", "typing"})
# The imports from outside of this repository that each package may have.
ALLOWED = {
    "function_app/orchestrators": _COMMON,
    "function_app/steps": _COMMON | {"azure"},
    "function_app/domain": _COMMON
    | {"base64", "binascii", "bisect", "decimal", "difflib", "functools", "hashlib", "hmac"}
    | {"ipaddress", "itertools", "json", "math", "re", "shlex", "threading", "types", "unicodedata"}
    | {"urllib"},
    "function_app/activities": _COMMON | {"asyncio", "functools"},
    "function_app/services": _COMMON | {"functools", "json", "logging"},
}
# Modules of which a part reads or writes.
_PARTS = {"urllib": "urllib.parse", "azure": "azure.durable_functions"}
_BUILTINS = frozenset(
    {"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"}
)
_CLOCKS = frozenset({"now", "utcnow", "today"})
# Rooms that may read and write through ports, because no story replays them.
_ACTS = ("function_app/activities", "function_app/services")


def complaints(root: Path) -> list[str]:
    """Return a sentence for each forbidden import and call below `root`."""
    return [
        f"{path.relative_to(root)}:{line}: {problem}"
        for room, allowed in ALLOWED.items()
        for path in sorted((root / room).rglob("*.py"))
        for line, problem in _problems(ast.parse(path.read_text()), allowed, room not in _ACTS)
    ]


def _problems(tree: ast.Module, allowed: frozenset[str], pure: bool) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _imported(node):
                package = name.partition(".")[0]
                part = _PARTS.get(package, package)
                if package not in allowed or not f"{name}.".startswith(f"{part}."):
                    yield node.lineno, f"may not import {name}"
        if pure and isinstance(node, ast.Call) and (call := _forbidden(node)):
            yield node.lineno, call


def _forbidden(call: ast.Call) -> str:
    """Return why a pure room may not call this function, "" when it may."""
    called = call.func
    if isinstance(called, ast.Name) and called.id in _BUILTINS:
        return f"may not call {called.id}()"
    if not isinstance(called, ast.Attribute) or called.attr not in _CLOCKS or call.args:
        return ""
    is_clock = ast.unparse(called.value).rpartition(".")[2] in ("datetime", "date")
    return f"may not read the clock by {ast.unparse(called)}()" if is_clock else ""


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
