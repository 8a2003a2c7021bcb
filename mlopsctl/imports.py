"""mlopsctl import: makes a model project from a project of another system."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from migration.clone import Clone as SeedClone
from migration.clone import SeedError, read_clone
from migration.metrics import GATE
from migration.parity import Row, as_markdown, compare
from migration.project import (
    compare_figures,
    copied_files,
    model_name,
    must_write,
    write_project,
)
from migration.script import read_script
from mlopsctl import screens
from mlopsctl.reach.connection import ROOT, Json, print_json

imports = typer.Typer(help="Import a project of another system.", no_args_is_help=True)

Clone = Annotated[Path, typer.Argument(help="Folder of the clone; nothing is written to it.")]
Into = Annotated[Path, typer.Option(help="New folder for the project.")]
Name = Annotated[str, typer.Option(help="Name of the model; by default the name of its folder.")]
Folder = Annotated[str, typer.Option(help="Folder of the model, when the clone has several.")]
Data = Annotated[Path | None, typer.Option(help="CSV of the training data, with a column Y.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Write an earlier import again; this overwrites your changes."),
]
TITLES = {"mse": "mean squared error"}
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Train with the clone's code and with the project; compare the metrics."
    ),
]


@imports.callback()
def sources() -> None:
    """Import a project of another system."""


@imports.command()
def mlopspython(
    path: Clone,
    into: Into,
    name: Name = "",
    folder: Folder = "",
    data: Data = None,
    check: Check = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Import a clone of Microsoft's MLOpsPython, with a parity report (PARITY.md).

    The model's own code is kept byte for byte. --check runs it. Run the command again to go on
    after an import or a check that stopped; files that are there stay, unless --force is given.
    """
    clone = read_clone(path, folder)
    chosen = model_name(clone, name)
    script = read_script(clone)
    written = must_write(into, chosen, clone.folder, force=force)
    if written:
        write_project(clone, script, into, chosen, data, ROOT)
    rows = compare(clone, script)
    report: dict[str, Any] = {
        "model": chosen,
        "folder": clone.folder,
        "copied": copied_files(clone, script),
        "moved": script.places,
        "figures": {},
        "rows": [asdict(row) for row in rows],
    }
    # Write the report before the clone's code runs, because that code may fail.
    _write_report(into, clone, rows, [], report)
    lines = []
    if check:
        lines = _compare(into, clone, rows, report)
        _write_report(into, clone, rows, lines, report)
    if as_json:
        return print_json(report)
    return _print_report(into, written, rows, lines, report)


def _compare(into: Path, clone: SeedClone, rows: list[Row], report: dict[str, Any]) -> list[str]:
    """Return a line for each metric of both models, and put the figures into the report."""
    try:
        figures = compare_figures(clone, into)
    except SeedError as error:
        _write_report(into, clone, rows, [f"Not compared: {error}"], report)
        text = f"{error} The project and PARITY.md are in {into}. Correct the code there, and run "
        raise SeedError(f"{text}the command again: it only compares.") from error
    metric = GATE if GATE in figures else next(iter(figures))
    seed, here = figures[metric]
    every = {name: {"seed": one, "here": other} for name, (one, other) in figures.items()}
    report["figures"] = {"metric": metric, "seed": seed, "here": here, "all": every}
    lines = [
        f"Trained on reference.csv: {TITLES.get(name, name)} {one:.6f} by the clone's functions, "
        f"{other:.6f} by this project; difference {abs(one - other):.2g}."
        for name, (one, other) in figures.items()
    ]
    if GATE not in figures:
        lines.append(f"The gate compares {GATE} and ignores {', '.join(figures)}.")
    return lines


def _write_report(
    into: Path, clone: SeedClone, rows: list[Row], lines: list[str], report: dict[str, Any]
) -> None:
    (into / "PARITY.md").write_text(as_markdown(clone, rows, lines), encoding="utf-8")
    (into / "parity.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _print_report(
    into: Path, written: bool, rows: list[Row], lines: list[str], report: dict[str, Any]
) -> None:
    out = screens.console()
    count = len(report["copied"]) + len(report["moved"])
    if written:
        out.print(f"{into}: model {report['model']}, {count} files kept as they are")
    else:
        out.print(f"{into}: imported before, so nothing was written (--force overwrites)")
    for line in lines:
        out.print(line)
    todo = [row for row in rows if row.todo]
    out.print(f"PARITY.md: {len(rows)} items, {len(todo)} of which need work from you:")
    for row in todo:
        out.print(f"  {row.item}: {row.todo}")
    out.print("Then: git init, push it, set its address in mlops.toml.")
    out.print("docs/how-to/from-the-seed.md describes each step.")


__all__ = ["SeedError", "imports"]
