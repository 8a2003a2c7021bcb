"""Reads a mlops.toml as a whole, or reports every problem in it."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configuration.checking import find_problems


class ProjectFileError(ValueError):
    """A mlops.toml is wrong; the text has every problem on a line of its own."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.path, self.problems = path, problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"{path} has {count}:", *(f"  {problem}" for problem in problems)]
        lines.append("docs/reference/mlops-toml.md names every key with its allowed values.")
        super().__init__("\n".join(lines))


def read_project_file(path: Path, root: Path) -> Mapping[str, Any]:
    """Return the checked content of a mlops.toml, or raise ProjectFileError with every problem.

    `root` is the folder of the app, in which the modules of the models must exist.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror}). Set MLOPS_PROJECTS, or restore it."
        raise ProjectFileError(path, [reason]) from error
    except UnicodeDecodeError as error:
        raise ProjectFileError(path, ["it is not UTF-8. Save it as UTF-8."]) from error
    except tomllib.TOMLDecodeError as error:
        raise ProjectFileError(path, [_explain(error, text)]) from error
    except ValueError as error:
        # Python reads no decimal number of more than 4,300 digits.
        raise ProjectFileError(path, ["it has a number of more than 4,300 digits."]) from error
    except RecursionError as error:
        raise ProjectFileError(path, ["its lists or tables are nested too deeply."]) from error
    if problems := find_problems(content, root):
        raise ProjectFileError(path, problems)
    return content


def _explain(error: tomllib.TOMLDecodeError, text: str) -> str:
    """Return why a text is not TOML, with the line at fault when the parser names its number."""
    said = f"it is not TOML: {error}."
    number = re.search(r"at line (\d+)", str(error))
    if number is None:
        return said
    line = text.splitlines()[int(number[1]) - 1 :][:1]
    if line and line[0].strip():
        said += f" The line is `{line[0].strip()[:100]}`."
    if str(error).startswith("Cannot"):
        # The parser says so only of a key or a table that an earlier line defines.
        said += " An earlier line defines the same name: keep one of them."
    return said
