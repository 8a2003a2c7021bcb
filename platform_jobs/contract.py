"""Checks a model project against the contract, step by step, and reports each fault."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.files import folder_digest, has_files
from platform_jobs.judging.evaluate import Contender, evaluate, read_held_out
from platform_jobs.judging.figures import regression_figures
from platform_jobs.models.models import KilledError, Project, find_module
from platform_jobs.prepare import HELD_OUT, SEEN, prepare
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table, read_table, write_table

# The files that the app's own service reads from a model folder, beside model_schema.json.
SERVED_FILES = ("model.skops",)

Say = Callable[[str], None]


def check_contract(project: Project, data: Path | None, target: str, say: Say) -> bool:
    """Return whether the project keeps the contract; `say` gets a line for each step.

    `data` is a CSV file, None the project's own sample; `target` its label, "" the last column.
    """
    with scratch_folder() as folder:
        try:
            _walk(project, data, target, folder, say)
        except (ContractError, KilledError) as error:
            say(f"FAILED  {error}")
            return False
    return True


def _walk(project: Project, data: Path | None, target: str, work: Path, say: Say) -> None:
    say(f"ok      module {project.module}: {_find(project)}")
    if data is None:
        data = work / "sample.csv"
        try:
            project.sample(data)
        except ContractError as error:
            raise ContractError(f"{error} Give data instead: --data FILE.") from error
    table = read_table(data)
    target = target or table.columns[-1]
    if target not in table.columns:
        raise ContractError(f"{data.name} has no column {target}. Name the label: --target NAME.")
    say(f"ok      data: {len(table.rows)} rows, target {target}")

    rows = work / "rows"
    prepare(data, target, project.module, rows)
    judging = read_held_out(rows / HELD_OUT)
    seen = len(table.rows) - len(judging.actual)
    if not seen:
        raise ContractError("All rows are held out. Send more rows.")
    say(f"ok      split: {seen} rows to train on, {len(judging.actual)} held out")

    given, model = folder_digest(rows / SEEN), work / "model"
    model.mkdir()
    project.train(rows / SEEN, model)
    if not has_files(model):
        raise ContractError(f"{project.name}: train wrote no file into its model folder (--out).")
    if folder_digest(rows / SEEN) != given:
        raise ContractError(f"{project.name}: train changed the folder of its rows (--data).")
    files = sum(path.is_file() for path in model.rglob("*"))
    say(f"ok      train: {files} file{'s' if files > 1 else ''}")

    # The folder is moved, so that a model that needs files elsewhere fails here already.
    moved = work / "moved"
    shutil.move(model, moved)
    result = evaluate(rows / HELD_OUT, Contender(project=project, model=moved), None, work)
    if result["refused"]:
        raise ContractError(result["refused"])
    answers = json.loads((work / "predictions.json").read_text(encoding="utf-8"))
    _check_rows_alone(project, moved, judging.features, answers["predicted"], work)
    figures = regression_figures(answers["actual"], answers["predicted"])
    text = ", ".join(f"{name} {value:.6g}" for name, value in figures.items())
    say(f"ok      predict: {len(answers['predicted'])} answers; {text}")
    if missing := [name for name in SERVED_FILES if not (moved / name).is_file()]:
        say(
            f"note    serve: there is no {' and no '.join(missing)}, so that the app's own service "
            "cannot serve this model. Bring a service: docs/reference/model-contract.md, Serving."
        )


def _check_rows_alone(
    project: Project, model: Path, features: Table, predicted: list[float], work: Path
) -> None:
    """Ask for the rows in the reverse order: each answer must depend on its own row alone."""
    data = work / "reversed.csv"
    write_table(data, Table(columns=features.columns, rows=features.rows[::-1]))
    again = project.predict(model, data, len(predicted), work / "reversed-answer.csv")[::-1]
    for row, (first, second) in enumerate(zip(predicted, again, strict=True), start=1):
        if abs(first - second) > 1e-9 * max(1.0, abs(first)):
            raise ContractError(
                f"{project.name}: predict answers row {row} by {first:g}, and by {second:g} when "
                "the rows come in another order. Each answer may depend on its own row alone."
            )


def _find(project: Project) -> Path:
    file = find_module(project.code, project.module)
    if file is None:
        raise ContractError(
            f"There is no module {project.module} in {project.code}. It needs "
            f"{project.module.replace('.', '/')}/__main__.py, or name another one: --module."
        )
    return file.relative_to(project.code)
