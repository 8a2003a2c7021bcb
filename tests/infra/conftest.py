import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.check.evaluate import Resource, instantiate
from infra.check.program import load
from infra.check.report import run
from tests.azure_servers.storage import identity, tls

__all__ = ["identity", "tls"]

ROOT = Path(__file__).parents[2]

Break = Callable[[str, str, str], list[str]]


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of infra/ that a test may break."""
    ignored = shutil.ignore_patterns("check", "__pycache__", "*.py")
    return Path(shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=ignored))


@pytest.fixture
def broken(templates: Path) -> Break:
    """Replace a text of one file and return what the check then says."""

    def replace(name: str, old: str, new: str) -> list[str]:
        path = templates / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r} any more"
        path.write_text(text.replace(old, new, 1))
        return [str(problem) for problem in run(templates, ROOT).problems]

    return replace


def read_variables(parameters: str) -> dict[str, str]:
    """Return the variables that a parameter file reads, with their defaults."""
    text = (ROOT / "infra" / f"{parameters}.bicepparam").read_text()
    return dict(re.findall(r"readEnvironmentVariable\('(\w+)', '([^']*)'\)", text))


def resources_of(parameters: str, environ: dict[str, str]) -> list[Resource]:
    program, problems = load(ROOT / "infra")
    assert problems == []
    return list(instantiate(program, program.files[parameters], environ).resources())
