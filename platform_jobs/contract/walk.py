"""Checks a model project against the contract, step by step, and reports each fault."""

import json
import math
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from platform_jobs.contract.promises import REPEAT, Trained, check_answers, check_training
from platform_jobs.errors import ContractError
from platform_jobs.files import folder_digest
from platform_jobs.judging.comparison import ComparisonRules, call_metric
from platform_jobs.judging.evaluate import METRICS, Contender, evaluate
from platform_jobs.models.answers import Prediction
from platform_jobs.models.asking import check_written
from platform_jobs.models.models import KilledError, Project
from platform_jobs.models.programs import find_module, find_program
from platform_jobs.own_metric.measure import function_of
from platform_jobs.prepare import HELD_OUT, SEEN, prepare
from platform_jobs.scratch import scratch_folder
from platform_jobs.splitting.held_out import HeldOut, read_held_out
from platform_jobs.splitting.unseen import PREDICTIONS, to_prediction
from platform_jobs.tables.tables import Table, read_table
from platform_jobs.tables.words import Words

# The files that the app's own service reads from a model folder, beside model_schema.json.
SERVED_FILES = ("model.skops",)
# A metric that every target with labels has.
LABEL_METRIC = "log_loss"

PROMISED = {
    REPEAT: "the same rows get the same answers",
    "order of rows": "an answer does not depend on the order of the rows",
    "other rows": "an answer does not depend on other rows",
    "order of columns": "columns are found by name",
    "answers": "they are the same in every form of the rows",
    "repeated training": "the same rows make the same files",
}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows to check with, and the rules of mlops.toml about them.

    `data` is a CSV file, None the project's own sample; `target` its label, "" the last column;
    `group` its column of groups, "" for none; `columns` are the columns that it must have, () for
    any; the cells of `words` may be words. `trusted_types` are types that the skops file may hold.
    `metric` is a function of the project's code by which its models are judged, "" for a built-in
    metric, and `direction` says which of its values are better.
    """

    data: Path | None = None
    target: str = ""
    group: str = ""
    columns: tuple[str, ...] = ()
    words: Words = field(default_factory=Words)
    trusted_types: tuple[str, ...] = ()
    metric: str = ""
    direction: str = ""


def check_contract(project: Project, rows: Rows, say: Say, *, again: bool = True) -> bool:
    """Return whether the project keeps the contract; `say` gets a line for each step.

    `again` compares the files of a second training. The first fault of a file ends the check; of
    the promises (promises.py) each fault is reported.
    """
    with scratch_folder() as folder:
        try:
            return _check_promises(_walk(project, rows, folder, say), say, again=again)
        except (ContractError, KilledError) as error:
            say(f"FAILED  {error}")
            return False


def _check_promises(trained: Trained, say: Say, *, again: bool) -> bool:
    before, whole = folder_digest(trained.model), True
    results = [*check_answers(trained), *([check_training(trained)] if again else [])]
    for name in (name for name, fault in results if not fault):
        say(f"ok      {name}: {PROMISED[name]}")
    if missing := [name for name in SERVED_FILES if not (trained.model / name).is_file()]:
        say(
            f"note    serve: there is no {' and no '.join(missing)}, so that the app's own service "
            "cannot serve this model. Bring a service: docs/reference/model-contract.md, Serving."
        )
    # Faults come last, where a person sees them.
    for fault in (fault for _, fault in results if fault):
        say(f"FAILED  {fault}")
        whole = False
    if folder_digest(trained.model) != before:
        text = "changed the model folder. Write below --out and the temporary folder only."
        raise ContractError(f"{trained.project.name}: a command {text}")
    return whole


def _walk(project: Project, given: Rows, work: Path, say: Say) -> Trained:
    """Run sample, split, train and predict as the platform does; ContractError at a fault."""
    say(f"ok      {_find(project)}")
    data = given.data or _write_sample(project, work / "sample.csv")
    table = read_table(data)
    target = given.target or table.columns[-1]
    _check_columns(table, data.name, target, given)
    say(f"ok      data: {len(table.rows)} rows, target {target}")

    rows = work / "rows"
    seen = _split(project, data, target, rows, given)
    judging = read_held_out(rows / HELD_OUT)
    say(f"ok      split: {seen} rows to train on, {len(judging.actual)} held out")

    model = _train(project, rows / SEEN, work / "model")
    files = sum(path.is_file() for path in model.rglob("*"))
    say(f"ok      train: {files} file{'s' if files > 1 else ''}")

    # The folder is moved, so that a model that needs files elsewhere fails here already.
    moved = work / "moved"
    shutil.move(model, moved)
    contender = Contender(project=project, model=moved)
    rules = ComparisonRules(metric=LABEL_METRIC) if given.words.labels else None
    result = evaluate(rows / HELD_OUT, contender, None, work, rules, given.trusted_types)
    if result["refused"]:
        raise ContractError(result["refused"])
    answers = json.loads((work / PREDICTIONS).read_text(encoding="utf-8"))
    figures = json.loads((work / METRICS).read_text(encoding="utf-8"))
    text = ", ".join(f"{name} {value:.6g}" for name, value in figures.items())
    say(f"ok      predict: {len(answers['predicted'])} answers; {text}")
    if given.metric:
        predicted = [to_prediction(answer) for answer in answers["predicted"]]
        _check_metric(project, given, judging, predicted, work, say)
    return Trained(
        project=project,
        seen=rows / SEEN,
        model=moved,
        features=judging.features,
        predicted=[to_prediction(answer) for answer in answers["predicted"]],
        labels=given.words.labels,
        work=work,
    )


def _write_sample(project: Project, path: Path) -> Path:
    """Let the project write its sample data; return the path."""
    try:
        project.sample(path)
    except ContractError as error:
        raise ContractError(f"{error} Give data instead: --data FILE.") from error
    return path


def _check_columns(table: Table, name: str, target: str, given: Rows) -> None:
    """Raise ContractError unless a file of this name has the target, the group and the columns."""
    if target not in table.columns:
        raise ContractError(f"{name} has no column {target}. Name the label: --target NAME.")
    if given.group and (given.group not in table.columns or given.group == target):
        raise ContractError(f"{name} has no column {given.group} beside the label: --group NAME.")
    if given.columns and table.columns != given.columns:
        raise ContractError(
            f"{name} has the columns {', '.join(table.columns)}, and mlops.toml declares "
            f"{', '.join(given.columns)}. Make them the same, in the same order."
        )


def _split(project: Project, data: Path, target: str, out: Path, given: Rows) -> int:
    """Write the folders of rows below `out`; return the number of rows to train on."""
    key = project.module
    prepared = prepare(data, target, key, out, words=given.words, group=given.group)
    if prepared["refused"] or prepared["profile"]["faults"]:
        raise ContractError(prepared["refused"] or " ".join(prepared["profile"]["faults"]))
    if not prepared["seen"]:
        raise ContractError("All rows are held out. Send more rows.")
    return int(prepared["seen"])


def _train(project: Project, rows: Path, model: Path) -> Path:
    """Let the project train into the new folder `model`; return the folder."""
    before = folder_digest(rows)
    model.mkdir()
    project.train(rows, model)
    check_written(model, project.name)
    if folder_digest(rows) != before:
        raise ContractError(f"{project.name}: train changed the folder of its rows (--data).")
    return model


def _check_metric(
    project: Project,
    given: Rows,
    judging: HeldOut,
    predicted: Sequence[Prediction],
    work: Path,
    say: Say,
) -> None:
    """Call the project's own metric as an evaluation does; ContractError at a fault."""
    function = function_of(project, None, given.metric, given.direction, work)
    metric = call_metric(function, judging.actual, [predicted], len(judging.labels))
    loss, trivial = (
        math.fsum(metric.losses(judging.actual, answers)) / len(judging.actual)
        for answers in (predicted, [metric.constant(judging.actual)] * len(judging.actual))
    )
    say(
        f"ok      metric: {given.metric} gives the mean loss {loss:.6g}, and {trivial:.6g} for the "
        "best constant prediction"
    )


def _find(project: Project) -> str:
    """Return the program of the commands and its place in the code; ContractError without one."""
    if project.command:
        folder, _ = find_program(project.code, project.module, project.command)
        place = folder.relative_to(project.code).as_posix()
        return f"command {shlex.join(project.command)}: it starts in {place}"
    file = find_module(project.code, project.module)
    if file is None:
        raise ContractError(
            f"There is no module {project.module} in {project.code}. It needs "
            f"{project.module.replace('.', '/')}/__main__.py, or name another one: --module."
        )
    return f"module {project.module}: {file.relative_to(project.code)}"
