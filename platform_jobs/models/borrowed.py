"""Finds imports by which a copied model project runs the project that it was copied from."""

import ast
from collections.abc import Iterator
from pathlib import Path

from platform_jobs.errors import ContractError


def check_imports(code: Path, module: str) -> None:
    """Raise ContractError when a file imports another project's module instead of its own.

    Another project is a folder of `code` with a `__main__.py`. Its module counts when this project
    has one of the same name: a copy with absolute imports would run the original's code.
    """
    project = code.joinpath(*module.split("."))
    if not project.is_dir():
        return
    for path in sorted(project.rglob("*.py")):
        for other, name in _imports(path):
            if _is_borrowed(code, project, other, name):
                raise ContractError(
                    f"{path.relative_to(code).as_posix()} imports {other}.{name}, which is another "
                    f"project's module, although {module} has its own {name}. Import it "
                    f"relatively: `from .{name} import …`."
                )


def _is_borrowed(code: Path, project: Path, other: str, name: str) -> bool:
    folder = code / other
    if folder == project or not (folder / "__main__.py").is_file():
        return False
    return _has_module(folder, name) and _has_module(project, name)


def _has_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    """Return package and module of each absolute import, such as ("training", "data")."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the command itself reports the fault; deep nesting breaks the parser
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for dotted in names:
            words = dotted.split(".")
            if len(words) > 1:
                yield words[0], words[1]
