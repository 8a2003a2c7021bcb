"""The import path of a metric: a module, a colon and a function, such as `churn.metrics:cost`."""

import re
from pathlib import Path

from platform_jobs.files import file_digest

LOWER, HIGHER = "lower", "higher"
DIRECTIONS = (LOWER, HIGHER)
_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_function(metric: str) -> bool:
    """Return whether a metric is an own function; any other text is the name of a built-in one."""
    return _FUNCTION.fullmatch(metric) is not None


def source_digest(code: Path, function: str) -> str | None:
    """Return the SHA-256 of the file that defines a function, as hex digits.

    None when the folder `code` has no such file.
    """
    module = code.joinpath(*function.partition(":")[0].split("."))
    for file in (module / "__init__.py", module.with_name(f"{module.name}.py")):
        if file.is_file():
            return file_digest(file)
    return None
