"""Finds the libraries that a model project imports, so that one process imports them for many."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

# A process that has imported these starts no thread when its environment allows one thread only.
FORKABLE = frozenset({"joblib", "numpy", "pandas", "scipy", "skops", "sklearn"})


def find_libraries(code: Path, module: str) -> tuple[str, ...]:
    """Return the sorted modules of FORKABLE libraries that the files of a project import at once.

    A library of the same name in `code` hides the installed one, so that it is left out. Imports in
    functions are left out, because the command may never call them.
    """
    project = code.joinpath(*module.split("."))
    files = sorted(project.rglob("*.py")) if project.is_dir() else [project.with_suffix(".py")]
    names = {name for path in files for name in _imports(path)}
    return tuple(sorted(name for name in names if not _is_hidden(code, name.partition(".")[0])))


def _is_hidden(code: Path, library: str) -> bool:
    return (code / library).exists() or (code / f"{library}.py").exists()


def _imports(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the command itself reports the fault
    for statement in _statements(tree.body):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            names = [statement.module] if statement.module and not statement.level else []
        yield from (name for name in names if name.partition(".")[0] in FORKABLE)


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.With | ast.Try | ast.If):
            yield from _statements(statement.body)
