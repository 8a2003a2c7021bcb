"""The program that runs a model's commands: a Python module, or the words of mlops.toml."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.models.borrowed import check_imports

# This Python, wherever its program is installed.
PYTHON = ("python", "python3")


def find_program(code: Path, module: str, words: Sequence[str]) -> tuple[Path, list[str]]:
    """Return the folder in which a model's commands start, and the words before their options.

    Without `words` the commands are `python -m MODULE` in the folder `code`; else they are `words`
    in the folder of the module's name. ContractError when the module, the folder or the program
    does not exist, or when the module would run another project's code.
    """
    if words:
        return _find_folder(code, module, words), _find_words(words)
    if not find_module(code, module):
        raise ContractError(
            f"there is no module {module} in {code}. "
            "Correct `training` in mlops.toml, or add the folder."
        )
    check_imports(code, module)
    return code, [sys.executable, "-m", module]


def find_module(code: Path, module: str) -> Path | None:
    """Return the file that `python -m MODULE` runs in a folder of code; None without one."""
    path = code.joinpath(*module.split("."))
    for file in (path / "__main__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _find_folder(code: Path, module: str, words: Sequence[str]) -> Path:
    folder = code.joinpath(*module.split("."))
    if not folder.is_dir():
        raise ContractError(
            f"there is no folder {module.replace('.', '/')} in {code}, in which `command` = "
            f"{' '.join(words)} starts. Correct `training` in mlops.toml, or add the folder."
        )
    return folder


def _find_words(words: Sequence[str]) -> list[str]:
    first, *rest = words
    if first in PYTHON:
        return [sys.executable, *rest]
    if os.sep in first or shutil.which(first) is None:
        raise ContractError(
            f"there is no program {first} in PATH, the first word of `command` = "
            f"{' '.join(words)}. Install it where the commands run, or correct `command` in "
            "mlops.toml."
        )
    return list(words)
