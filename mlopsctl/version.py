"""The version of this project, as pyproject.toml has it."""

import tomllib

import typer

from mlopsctl.reach.connection import ROOT


def version() -> str:
    """Return the version that pyproject.toml declares."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(content["project"]["version"])


def show_version(asked: bool) -> None:
    """Print the version and end, when --version was given."""
    if asked:
        print(f"mlopsctl {version()}")
        raise typer.Exit
