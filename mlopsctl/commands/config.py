"""mlopsctl config: checks mlops.toml and the names of the MLOPS_... variables; needs no app."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from configuration.project_file import ProjectFileError, read_project_file
from configuration.variables import find_misspelt
from mlopsctl.reach.connection import ROOT, Json, print_json

config = typer.Typer(help="Check mlops.toml; no app needs to run.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(envvar="MLOPS_PROJECTS", help="The file; mlops.toml of this app by default."),
]


@config.callback()
def configuration() -> None:
    """Check mlops.toml; no app needs to run."""


@config.command()
def check(file: File = None, as_json: Json = False) -> None:
    """Print every problem of a mlops.toml with its key; exit 1 when there is one."""
    path, problems, models = file or ROOT / "mlops.toml", [], []
    try:
        models = list(read_project_file(path, ROOT)["models"])
    except ProjectFileError as error:
        if not as_json:
            raise
        problems = error.problems
    warnings = find_misspelt(os.environ)
    if as_json:
        content = {"file": str(path), "problems": problems, "warnings": warnings, "models": models}
        print_json(content)
    else:
        _print_warnings(warnings)
        print(f"{path} is valid. Models: {', '.join(models)}.")
    if problems:
        raise typer.Exit(1)


def check_before_start() -> None:
    """Raise ProjectFileError when the app would refuse to start; print warnings to stderr."""
    read_project_file(own_file(), ROOT)
    _print_warnings(find_misspelt(os.environ))


def inbox_folders(state: Path) -> list[Path]:
    """Return the folders of this machine's inbox, one for each model of mlops.toml."""
    models = read_project_file(own_file(), ROOT)["models"].values()
    return [state / "inbox" / model["container"] / model["prefix"] for model in models]


def own_file() -> Path:
    """Return the mlops.toml that the app reads: MLOPS_PROJECTS, else the app's own."""
    return Path(os.environ.get("MLOPS_PROJECTS") or ROOT / "mlops.toml")


def _print_warnings(warnings: list[str]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
