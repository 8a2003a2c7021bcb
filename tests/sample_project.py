"""The sample model of mlops.toml alone: a model that a user adds changes no test."""

import re
from pathlib import Path

from function_app.domain.project import ModelProject
from function_app.settings.settings import read_projects

ROOT = Path(__file__).parents[1]
SAMPLE = "diabetes"
_TABLE = re.compile(r"^\[(?:models\.([\w-]+))?")


def sample_text() -> str:
    """Return the text of mlops.toml without the tables of other models."""
    return only_sample((ROOT / "mlops.toml").read_text(encoding="utf-8"))


def only_sample(text: str) -> str:
    """Return the text without the tables of models other than the sample."""
    lines, other = [], False
    for line in text.splitlines(keepends=True):
        if table := _TABLE.match(line):
            other = table[1] not in (None, SAMPLE)
        if not other:
            lines.append(line)
    return "".join(lines)


def sample_projects() -> dict[str, ModelProject]:
    """Return the sample model by its name, as the app reads it."""
    return {SAMPLE: read_projects(ROOT / "mlops.toml")[SAMPLE]}
