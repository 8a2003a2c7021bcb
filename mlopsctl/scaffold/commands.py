"""mlopsctl init and contract: make a model project, and check it; no app needs to run."""

import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from configuration.project_file import read_project_file
from configuration.values import TARGET, is_function
from mlopsctl.commands.config import own_file
from mlopsctl.reach.connection import ROOT, Json, print_json
from mlopsctl.scaffold.project import TAKEN, ScaffoldError, create_project

Name = Annotated[str, typer.Argument(help="Name of the model and of its folder.")]
Template = Annotated[str, typer.Option(help=f"Its form: {', '.join(TAKEN)}.")]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A label of a classification, once for each; no and yes without."),
]
Data = Annotated[
    Path | None, typer.Option(help="A CSV file; without it the project's own sample is used.")
]
Code = Annotated[
    Path | None, typer.Option(help="Folder that holds the module; this app by default.")
]


def init(name: Name, template: Template, label: Labels = None, as_json: Json = False) -> None:
    """Make a model project: a folder with training, tests and sample data, and its tables.

    The folder is NAME/ in this app, the tables are added to mlops.toml, and
    .github/workflows/model-NAME.yml checks the project in GitHub. With a fault nothing is written.
    """
    created = create_project(name, template, ROOT, own_file(), label or ())
    if as_json:
        return print_json({"model": name, "template": template, **asdict(created)})
    for file in (*created.files, created.workflow):
        print(f"wrote {file}")
    print(f"added [models.{name}] to {own_file()}; approvers: {', '.join(created.approvers)}")
    python = Path(sys.executable)
    shown = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    print(
        f"Check it:  {shown} -m mlopsctl contract {name}\n"
        f"Test it:   {shown} -m pytest {name}\n"
        f"Run it:    make up, then put a CSV file into .mlops/inbox/data/{name}/\n"
        f"{name}/README.md says which files to change."
    )
    return None


def contract(name: Name, data: Data = None, code: Code = None) -> None:
    """Check that a model's commands keep the contract of a model project, step by step.

    docs/reference/model-contract.md describes it. Exit code 1 after a fault.
    """
    models = read_project_file(own_file(), ROOT)["models"]
    if name not in models:
        known = ", ".join(models)
        raise ScaffoldError(f"mlops.toml has no model {name!r}; it has {known}.")
    model = models[name]
    if "code" in model and code is None:
        raise ScaffoldError(
            f"The code of {name} is in a repository. Give the folder of a clone of it: --code."
        )
    words = ["--module", model["training"], "--code", str((code or ROOT).resolve())]
    if program := model.get("command"):
        words += ["--command", shlex.join(program)]
    data_rules = model["data"]
    words += ["--target", data_rules.get("target", TARGET)]
    for key, option in (
        ("columns", "column"),
        ("labels", "label"),
        ("categories", "category"),
        ("texts", "text"),
        ("dates", "date"),
        ("future_dates", "future-date"),
    ):
        words += [f"--{option}={value}" for value in data_rules.get(key, ())]
    if group := data_rules.get("group"):
        words += [f"--group={group}"]
    words += [f"--trusted-type={t}" for t in model.get("model", {}).get("trusted_types", ())]
    gate = model["gate"]
    if is_function(metric := gate.get("metric", "")):
        words += ["--metric", metric, "--direction", gate["direction"]]
    if timeout := model.get("training_run", {}).get("timeout_seconds"):
        words += ["--timeout", str(timeout)]
    if data is not None:
        words += ["--data", str(data.resolve())]
    command = [sys.executable, "-m", "platform_jobs", "contract", *words]
    ended = subprocess.run(command, cwd=ROOT, check=False)
    raise typer.Exit(ended.returncode)


__all__ = ["ScaffoldError", "contract", "init"]
