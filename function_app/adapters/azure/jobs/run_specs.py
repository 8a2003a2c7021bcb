"""Specifications of runs on Azure ML: the command, the inputs and the outputs.

The code comes as an archive that is checked against its digest, so that a run uses the published
bytes and nothing is uploaded per run.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from function_app.adapters.azure.reach.workspace import (
    CHECKS_DATASTORE,
    EVALUATIONS_DATASTORE,
    RUNS_DATASTORE,
    datastore_path,
)
from function_app.domain.change.change import Bundle, CodeVersion
from function_app.domain.change.program import Program
from function_app.domain.data_quality import DataPolicy
from function_app.domain.lineage.environment import PINNED
from function_app.domain.training import Dataset, Split

KIND, MODEL, DATASET, CODE, COMMIT = "mlops", "model", "dataset", "code", "commit"
# The name of a run's job, when it is not the run's id: that of a later attempt.
JOB = "job"
TRAINING, EVALUATION, CHECKS = "training", "evaluation", "checks"
PREPARATION, SAMPLE, ANSWERS, PAIRS = "preparation", "sample", "answers", "pairs"
# The folder that each kind of run writes, and the name of the run's output.
OUTPUTS = {
    PREPARATION: "prepared",
    TRAINING: "model",
    EVALUATION: "evaluation",
    CHECKS: "report",
    SAMPLE: "sample",
    ANSWERS: "answers",
    PAIRS: "prepared",
}
# The runs of this app's own code, which read the data and judge models; no model's code is in them.
JUDGING = (PREPARATION, EVALUATION, PAIRS)
# Every run has one more output: the folder with its log, which this app can read.
# Code of models may read this folder of a preparation, and of the pairs that a metric is asked for.
ASKED = "asked"
SCHEMA = "model_schema.json"  # an evaluation writes it: the columns of the model
LOG, LOG_FILE, ENVIRONMENT = "log", "run.log", "environment.json"

_UNPACK = (
    'echo "${{inputs.digest}}  ${{inputs.code}}" | sha256sum --check --quiet'
    ' && mkdir -p code && tar -xf "${{inputs.code}}" -C code'
)
# The code of such a run is this app's own package of jobs.
_PLATFORM_JOBS = f"{_UNPACK} && cd code && python -m platform_jobs"
# The commands that run a model's code have fixed threads on every node.
_PINNED = f"export {' '.join(f'{name}={value}' for name, value in PINNED.items())}; "
_UNPACK_TOOLS = 'mkdir -p tools && tar -xf "${{inputs.tools}}" -C tools && cd tools'


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """A run before it is submitted; `files`, `folders` and `models` are inputs by name.

    Azure ML accepts a job's name only once, so each attempt after the first has a name of its own.
    """

    run_id: str
    kind: str
    command: str
    environment: str
    code: Bundle
    timeout_seconds: float
    tags: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    attempt: int = 1


def logged(command: str) -> str:
    """Return a command that also writes its output to the run's log and keeps its exit status.

    A POSIX shell has no pipefail, so the exit status passes through a file.
    """
    log = f'"${{{{outputs.{LOG}}}}}/{LOG_FILE}"'
    return f"{{ ( {command} ) 2>&1; echo $? > exit-status; }} | tee {log}; exit $(cat exit-status)"


def train_command(program: Program) -> str:
    """Return the command of a training with this program of the code."""
    folder = f" && cd {shlex.quote(program.folder)}" if program.words else ""
    return (
        f"{_UNPACK} && cd code{folder}{_found(program)} && {program.text} train"
        ' --data "${{inputs.rows}}" --out "${{outputs.model}}"'
    )


def _found(program: Program) -> str:
    """Return the command that fails with what to do when a node has no such program."""
    if not program.words:
        return ""
    first = program.start[0]
    text = (
        f"There is no program {first} in the image of the environment, the first word of `command` "
        "of the model in mlops.toml. Set MLOPS_AZURE_TRAINING_IMAGE to an image that has it."
    )
    refusal = f"{{ echo {shlex.quote(text)}; exit 127; }}"
    return f" && {{ command -v {shlex.quote(first)} > /dev/null || {refusal}; }}"


def recorded(command: str, jobs: Bundle, environment: str, own_code: str, program: Program) -> str:
    """Return a command of `program` that records the environment of its job before it begins.

    `jobs` is the archive `platform_code` with the recorder, `environment` the name and version of
    the job's environment, `own_code` the digest of this app's own code, "" for a published version.
    The record lies beside the log, because the model folder is the training's alone.
    """
    options = f"--lock {shlex.quote(environment.rpartition(':')[2])}"
    options += f" --command {shlex.quote(program.text)}"
    options += f" --code {shlex.quote(own_code)}" if own_code else ""
    recorder = (
        f"{_unpack_code('platform', jobs)} && python -I platform_code/platform_jobs/"
        f'run_environment.py --rows "${{{{inputs.rows}}}}/rows.csv" {options}'
        f' --out "${{{{outputs.{LOG}}}}}/{ENVIRONMENT}"'
    )
    # A training whose environment is unknown is still a training.
    return f'{_PINNED}( {recorder} ) || echo "The environment was not recorded."; {command}'


def prepare_command(
    target: str, dataset: Dataset, policy: DataPolicy, reference: Dataset | None, split: Split
) -> str:
    """Return the command that checks a version of the data and splits its rows."""
    compared = ""
    if reference is not None:
        compared = (
            ' --reference "${{inputs.reference}}"'
            f" --reference-digest {shlex.quote(reference.version)}"
        )
    words = (*policy.column_words(), *policy.word_options())
    columns = "".join(f" {shlex.quote(word)}" for word in words)
    groups = f" --group {shlex.quote(split.group)}" if split.group else ""
    return (
        f'{_PLATFORM_JOBS} prepare --data "${{{{inputs.rows}}}}" --digest {dataset.version}'
        f" --target {shlex.quote(target)} --key {dataset.model}"
        f' --out "${{{{outputs.prepared}}}}" --folds {split.folds}{groups}{columns}{compared}'
    )


def ask_command(
    program: Program,
    timeout: float,
    name: str,
    code: Bundle,
    *,
    has_model: bool,
    key: str,
    digest: str = "",
    probes: Sequence[str] = (),
) -> str:
    """Return the command that lets a model answer features by its own code, and judges nothing.

    `has_model` is False when the training wrote no file: Azure ML has no such folder then. `key`
    seals the answers; `digest` is that of the model's folder, "" for any. `probes` are the options
    of the measurements.
    """
    digest_words = f" --digest {shlex.quote(digest)}" if digest else ""
    digest_words += "".join(f" {shlex.quote(word)}" for word in probes)
    model = '"${{inputs.model}}"' if has_model else "nothing"
    return (
        f"{_PINNED}{_unpack_code('model', code)} && {_PLATFORM_JOBS} ask"
        f" {shlex.join(program.options())} --timeout {timeout:g}"
        f" --name {shlex.quote(name)} --code ../model_code"
        f' --model {model} --asked "${{{{inputs.asked}}}}" --out "${{{{outputs.answers}}}}"'
        f" --key {key}{digest_words}"
    )


def judge_command(
    words: Sequence[str], trusted_types: Sequence[str], keys: Sequence[str], *, has_model: bool
) -> str:
    """Return the command that computes the figures of answers; it loads and runs no model.

    `words` are the options of the comparison. `keys` has the key that sealed the challenger's
    answers, and the champion's when there is one.
    """
    key, *champion_keys = keys
    model = '"${{inputs.challenger}}"' if has_model else "nothing"
    trusted = "".join(f" --trusted-type {shlex.quote(name)}" for name in trusted_types)
    champion = "".join(
        f' --champion-answers "${{{{inputs.champion_answers}}}}" --champion-key {other}'
        for other in champion_keys
    )
    return (
        f'{_PLATFORM_JOBS} judge --held-out "${{{{inputs.held_out}}}}" --challenger {model}'
        f' --answers "${{{{inputs.answers}}}}"{champion} --out "${{{{outputs.evaluation}}}}"'
        f" --key {key} {shlex.join(words)}{trusted}"
    )


def fold_command(program: Program, timeout: float, name: str, code: Bundle, key: str) -> str:
    """Return the command that trains a model on the rows of a fold's training and asks it."""
    return (
        f"{_PINNED}{_unpack_code('model', code)} && {_PLATFORM_JOBS} ask"
        f" {shlex.join(program.options())} --timeout {timeout:g}"
        f" --name {shlex.quote(name)} --code ../model_code"
        ' --rows "${{inputs.rows}}" --asked "${{inputs.asked}}" --out "${{outputs.answers}}"'
        f" --key {key}"
    )


def with_folds(command: str, keys: Sequence[str]) -> str:
    """Return a command of `judge` that gets the answers of each fold's model, sealed by its key."""
    words = "".join(
        f' --fold-answers "${{{{inputs.{fold_input(fold)}}}}}" --fold-key {key}'
        for fold, key in enumerate(keys, start=1)
    )
    return f"{command}{words}"


def fold_input(fold: int) -> str:
    """Return the name of the input with the answers of a fold, counted from 1."""
    return f"fold_{fold}_answers"


def remembering(command: str) -> str:
    """Return a command of `judge` that knows the rows which the champion was trained on."""
    return f'{command} --champion-evaluation "${{{{inputs.champion_evaluation}}}}"'


def asking_metric(command: str) -> str:
    """Return a command of `judge` that writes the pairs which a metric is asked for, and ends."""
    begin, _, end = command.partition(' --out "${{outputs.evaluation}}"')
    return f'{begin} --out ../unused --pairs "${{{{outputs.prepared}}}}/{ASKED}"{end}'


def with_values(command: str, key: str) -> str:
    """Return a command of `judge` that gets the values of a metric, sealed by the key."""
    return f'{command} --values "${{{{inputs.values}}}}" --values-key {key}'


def metric_command(
    function: str, timeout: float, code: Bundle, champion: Bundle | None, key: str
) -> str:
    """Return the command that lets a metric of a model's code value pairs, and judges nothing.

    `champion` is the champion's code, whose file of the metric is compared; None without one.
    """
    unpack, other = _unpack_code("model", code), ""
    if champion is not None:
        unpack += f" && {_unpack_code('champion', champion)}"
        other = " --champion-code ../champion_code"
    return (
        f"{_PINNED}{unpack} && {_PLATFORM_JOBS} metric {shlex.quote(function)}"
        f" --timeout {timeout:g} --code ../model_code{other}"
        f' --asked "${{{{inputs.asked}}}}" --out "${{{{outputs.answers}}}}" --key {key}'
    )


def sample_command(program: Program, code: Bundle) -> str:
    """Return the command that lets a model's own code write its sample data."""
    return (
        f"{_PINNED}{_unpack_code('model', code)} && {_PLATFORM_JOBS} sample"
        f" {shlex.join(program.options())}"
        ' --code ../model_code --out "${{outputs.sample}}"'
    )


def _unpack_code(name: str, code: Bundle) -> str:
    """Return the command that unpacks the archive input `NAME_code` into the folder NAME_code."""
    archive, folder = f'"${{{{inputs.{name}_code}}}}"', f"{name}_code"
    return (
        f'echo "{code.digest}  ${{{{inputs.{name}_code}}}}" | sha256sum --check --quiet'
        f" && mkdir -p {folder} && tar -xf {archive} -C {folder}"
    )


def checks_command(*, has_data: bool) -> str:
    """Return the command of checks; without reference data a dry run takes the code's sample."""
    given = ' --data "${{inputs.data}}"' if has_data else ""
    return (
        f"{_UNPACK} && {_UNPACK_TOOLS} && python -m checks --code ../code"
        f' --plan "${{{{inputs.plan}}}}" --out "${{{{outputs.report}}}}"{given}'
    )


def output_folder(run_id: str, kind: str) -> str:
    """Return the name of the folder that a run writes, in the container of its kind."""
    return f"runs/{run_id}/{OUTPUTS[kind]}"


def log_folder(run_id: str) -> str:
    """Return the name of the folder that holds a run's log."""
    return f"runs/{run_id}/{LOG}"


def log_uri(run_id: str, kind: str) -> str:
    """Return the folder of a run's log, as Azure ML addresses it."""
    return datastore_path(log_folder(run_id), datastore_of(kind)) + "/"


def output_uri(run_id: str, kind: str, datastore: str = "") -> str:
    """Return the folder that a run writes, as Azure ML addresses it.

    `datastore` names another datastore than that of the kind.
    """
    return datastore_path(output_folder(run_id, kind), datastore or datastore_of(kind)) + "/"


def datastore_of(kind: str) -> str:
    """Return the datastore of the container that runs of a kind write."""
    if kind == CHECKS:
        return CHECKS_DATASTORE
    return EVALUATIONS_DATASTORE if kind in JUDGING else RUNS_DATASTORE


def run_tags(
    kind: str, model: str, dataset: str, code: CodeVersion | None, more: dict[str, str]
) -> dict[str, str]:
    """Return the tags of a run, from which this app can read the run back from Azure ML alone."""
    tags = {**more, KIND: kind, MODEL: model, DATASET: dataset}
    if code is not None:
        tags |= {CODE: code.version, COMMIT: code.commit}
    return tags


def week_tag(moment: datetime) -> str:
    """Return the tag of runs that are submitted in the ISO week of this moment.

    Azure ML can filter by the name of a tag but not by time. Without the tag a search for the
    newest runs would page through all runs of the workspace.
    """
    year, week, _ = moment.isocalendar()
    return f"mlops-{year}-w{week:02}"


def week_tags(begin: datetime, end: datetime) -> list[str]:
    """Return the tags of all weeks that a time has a part of."""
    days = range((end - begin).days + 1)
    return sorted({week_tag(begin + timedelta(days=day)) for day in days} | {week_tag(end)})


def module_folder(module: str) -> str:
    """Return the folder of a Python module in the code."""
    return module.replace(".", "/")
