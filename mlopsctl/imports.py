"""mlopsctl import: a model project from what another system left."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.connection import ROOT, Json, print_json
from mlopsctl.seed.clone import SeedError, read_clone
from mlopsctl.seed.parity import as_markdown, compare
from mlopsctl.seed.project import compare_figures, model_name, write_project
from mlopsctl.seed.script import read_script

imports = typer.Typer(help="Make a model project from another system's.", no_args_is_help=True)

Clone = Annotated[Path, typer.Argument(help="Folder of the clone; only read.")]
Into = Annotated[Path, typer.Option(help="New folder for the project.")]
Name = Annotated[str, typer.Option(help="Name of the model; that of its folder.")]
Folder = Annotated[str, typer.Option(help="Folder of the model, where there are several.")]
Data = Annotated[Path | None, typer.Option(help="CSV of the training data, with a column Y.")]
Check = Annotated[bool, typer.Option("--check", help="Train by both ways and compare the errors.")]


@imports.callback()
def sources() -> None:
    """Make a model project from another system's."""


@imports.command()
def mlopspython(
    path: Clone,
    into: Into,
    name: Name = "",
    folder: Folder = "",
    data: Data = None,
    check: Check = False,
    as_json: Json = False,
) -> None:
    """Import a clone of Microsoft's MLOpsPython, with a parity report (PARITY.md).

    The model's own code is kept byte for byte. --check runs it.
    """
    clone = read_clone(path, folder)
    chosen = model_name(clone, name)
    script = read_script(clone)
    copied = write_project(clone, script, into, chosen, data, ROOT)
    rows = compare(clone, script)
    figures = compare_figures(clone, into) if check else {}
    lines = []
    if figures:
        difference = abs(figures["seed"] - figures["here"])
        lines = [
            f"Trained on reference.csv: mean squared error {figures['seed']:.6f} by the clone's "
            f"functions, {figures['here']:.6f} by this project; difference {difference:.2g}."
        ]
    (into / "PARITY.md").write_text(as_markdown(clone, rows, lines), encoding="utf-8")
    report = {
        "model": chosen,
        "folder": clone.folder,
        "copied": copied,
        "moved": script.places,
        "figures": figures,
        "rows": [asdict(row) for row in rows],
    }
    (into / "parity.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        return print_json(report)
    out = screens.console()
    out.print(f"{into}: model {chosen}, {len(copied) + len(script.places)} files kept as they are")
    for line in lines:
        out.print(line)
    todo = [row for row in rows if row.todo]
    out.print(f"PARITY.md: {len(rows)} items, {len(todo)} of which ask you for something:")
    for row in todo:
        out.print(f"  {row.item}: {row.todo}")
    return out.print(
        "Then: git init, push it, set its address in mlops.toml. docs/from-the-seed.md"
    )


__all__ = ["SeedError", "imports"]
