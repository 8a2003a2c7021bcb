"""The host's documentation names every command and every setting."""

import re
from pathlib import Path

import pytest

from funchost.__main__ import _parser

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "funchost.md").read_text()
CODE = "\n".join(path.read_text() for path in (ROOT / "funchost").glob("*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"FUNCHOST_[A-Z_]+[A-Z]", CODE))))
def test_every_setting_is_documented(name: str) -> None:
    assert name in DOCS


def test_every_command_is_documented() -> None:
    [commands] = re.findall(r"\{([a-z,-]+)\}", _parser().format_usage())

    for command in commands.split(","):
        assert f"`{command}" in DOCS
