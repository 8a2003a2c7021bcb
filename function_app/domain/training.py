"""The training of a model: from arrived data to a registered version, or to reasons."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from function_app.domain.change.change import CodeVersion
from function_app.domain.data_quality import DataPolicy, DataProfile
from function_app.domain.events.arrivals import Arrival
from function_app.domain.events.caller import Caller
from function_app.domain.gates import GatePolicy
from function_app.domain.people.authorship import Authors
from function_app.domain.text import identifiers as ids
from function_app.domain.text.figures import figure


class RunStatus(StrEnum):
    """The status of a run on its platform.

    `interrupted` means that the platform ended the run before its code did: the machine was
    restarted, its processes were killed, or its node is gone. Such a run is submitted again.
    `timed_out` means that this app stopped the run at its deadline, `cancelled` that a person
    cancelled its story or that its story has ended.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        return self is not RunStatus.RUNNING


OUT_OF_TIME = (
    "This app stopped it because its time was over. Raise timeout_seconds, or train on less."
)
# A run that kills its own machine must not do so for ever.
MAX_RESUBMISSIONS = 5
_ATTEMPT = "-attempt-"
# Signs that are escaped in the name of a job, with a `_` that would begin an escape itself.
_NOT_IN_JOBS = re.compile(r"[^a-z0-9_-]|_(?=x[0-9a-f]{2}(?:_|[^a-z0-9_-]))")
_ESCAPED = re.compile(r"_x([0-9a-f]{2})_")
_ASK = "-asks-"
_AGAINST, _NOTHING, _AGAIN = "-vs-", "nothing", "-again-"
_WORDS = re.compile("|".join((_ATTEMPT, _ASK, _AGAINST, _AGAIN, "_x")))
# Figures of a training that one sentence shows.
SHOWN_FIGURES = 8
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")


class TrainingOutcome(StrEnum):
    """The outcome of a training story; none of them is an error."""

    REGISTERED = "registered"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPolicy:
    """The rules of a training story, frozen when it starts.

    With `newest_only`, data that waits for its turn is skipped when newer data waits too. At most
    `max_trainings` of all models run at a time.
    """

    data: DataPolicy
    gate: GatePolicy
    timeout: timedelta = timedelta(minutes=30)
    poll_interval: timedelta = timedelta(seconds=30)
    newest_only: bool = True
    max_trainings: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """Train `model` on the data behind `data_uri`, because of the event `cause`.

    Without a uri the data that was accepted last is used; with an `etag` the bytes must still be
    those of the event. Without a `code_version` the model's current code is used. `arrival`
    prevents a slow story from replacing newer data by its own. `started_by` are the people of
    mlops.toml who requested the training or retried it, () when an event started it. `caller` is
    the build that requested it.
    """

    model: ids.ModelName
    cause: ids.CauseKey
    data_uri: ids.OrEmpty[ids.Address]
    policy: TrainingPolicy
    etag: ids.OrEmpty[ids.Opaque] = ""
    code_version: ids.OrEmpty[ids.CodeDigest] = ""
    reason: str = ""
    arrival: Arrival | None = None
    started_by: tuple[ids.Person, ...] = ()
    caller: Caller = field(default_factory=Caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A version of a model's data; the version is the SHA-256 of its bytes."""

    model: ids.ModelName
    version: ids.OrEmpty[ids.DataDigest]
    uri: ids.OrEmpty[ids.Address]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The rule by which a preparation splits rows.

    Rows with an equal cell in the column `group`, "" for none, stay together. With more than one of
    the `folds` all rows train the final model, and all judge.
    """

    group: str = ""
    folds: int = 1


ONE = Split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The data that a model's later data is compared with, and its figures."""

    dataset: Dataset
    profile: DataProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run on the platform: a preparation, a training, an evaluation or checks.

    `owner` is a person who submitted it without this app, "" when this app did. `metrics` are the
    platform's figures, unless they are `reported`: then the training itself wrote them.
    """

    run_id: ids.RunId
    model: ids.OrEmpty[ids.ModelName]
    status: RunStatus
    dataset_version: ids.OrEmpty[ids.DataDigest]
    output_uri: ids.OrEmpty[ids.Address]
    detail: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    code: CodeVersion | None = None
    owner: str = ""
    reported: bool = False


def unknown_run(run_id: str, detail: str) -> Run:
    """Return a run that the platform does not know; `detail` is the sentence that says so."""
    status = RunStatus.UNKNOWN
    return Run(
        run_id=run_id, model="", status=status, dataset_version="", output_uri="", detail=detail
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a model in the registry; `digest` is the digest of its model folder.

    `metrics` are the platform's figures of it on held-out rows, computed by the run
    `evaluation_id`; `code` is the code that trained it, `authors` are the people behind code and
    run. `schema_digest` is the SHA-256 of the schema that this evaluation wrote, "" for a version
    that 0.1.0 registered.
    """

    model: ids.ModelName
    version: ids.Version
    run_id: ids.OrEmpty[ids.RunId]
    uri: ids.Address
    digest: ids.OrEmpty[ids.Sha256]
    metrics: dict[str, float] = field(default_factory=dict)
    code: CodeVersion | None = None
    evaluation_id: ids.OrEmpty[ids.RunId] = ""
    schema_digest: ids.OrEmpty[ids.Sha256] = ""
    authors: Authors = ()


def is_own(version: ModelVersion) -> bool:
    """Return whether this app registered the version: only then it has a model folder's digest."""
    return bool(version.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judged model: the digest of its folder, its figures and its types.

    `largest_difference` is the largest distance between its prediction and the champion's for a
    row, in units of the target; None without a champion.

    `types` are the classes that the service must trust to load the model, beyond those of skops.
    """

    evaluation_id: str
    digest: str
    metrics: dict[str, float]
    types: tuple[str, ...] = ()
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """The result of a training."""

    outcome: TrainingOutcome
    reasons: tuple[str, ...]
    run_id: ids.RunId | None = None
    version: ids.Version | None = None
    data_version: ids.DataDigest | None = None
    commit: ids.CommitId | None = None


def is_run_id(text: str) -> bool:
    """Return whether a text from outside can be the id of a run: it is never a path."""
    return bool(ids.RUN_ID.accepts(text))


def figure_tags(figures: Mapping[str, float], prefix: str) -> dict[str, str]:
    """Return figures as tags, exactly: a text that shows a figure rounds it, and rounds it once."""
    return {f"{prefix}{name}": repr(value) for name, value in figures.items()}


def tagged_figures(tags: Mapping[str, str], prefix: str) -> dict[str, float]:
    """Return the finite figures among tags of this prefix; other tags may be forged."""
    figures = {}
    for name, text in tags.items():
        if name.startswith(prefix):
            try:
                figures[name.removeprefix(prefix)] = float(text)
            except ValueError:
                continue
    return finite_figures(figures)


def finite_figures(content: Any) -> dict[str, float]:
    """Return the finite numbers among the figures of a run; other values are left out."""
    figures = content if isinstance(content, Mapping) else {}
    return {
        str(name): float(value)
        for name, value in figures.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def finite(value: object) -> float | None:
    """Return a finite number of a record, None for anything else."""
    return finite_figures({"value": value}).get("value")


def describe_metrics(version: ModelVersion) -> tuple[str, ...]:
    """Return the sentence with the quality of a version, () when it has no figures.

    An approver decides by the reasons of a release, so these include the quality of its model.
    """
    if not version.metrics:
        return ()
    shown = (f"{name} {figure(value)}" for name, value in sorted(version.metrics.items()))
    return (f"On held-out rows: {', '.join(shown)}.",)


def describe_reported(run: Run) -> tuple[str, ...]:
    """Return the sentence with the figures that a training reported, () when there are none.

    The training chose the names as well, so only plain names are shown: no name can imitate the
    words of the platform.
    """
    plain = [name for name in sorted(run.metrics) if _PLAIN_NAME.fullmatch(name)]
    if not run.reported or not plain:
        return ()
    shown = ", ".join(f"{name} {figure(run.metrics[name])}" for name in plain[:SHOWN_FIGURES])
    more = f" and {len(plain) - SHOWN_FIGURES} more" if len(plain) > SHOWN_FIGURES else ""
    return (f"Reported by the training itself, and judged by no gate: {shown}{more}.",)


def run_id(model: str, cause: str) -> str:
    """Return the id of a training's run, which is the same in every attempt."""
    return f"train-{model}-{cause[:12]}"


def preparation_id(model: str, cause: str) -> str:
    """Return the id of a training's preparation, which is the same in every attempt."""
    return f"prepare-{model}-{cause[:12]}"


def attempt_id(run: str, attempt: int) -> str:
    """Return the name of an attempt for Azure ML, which takes each name only once.

    The service allows no `.` in the name of a job, and its SDK writes capital letters in lower
    case. Such characters come from versions that another tool registered: `_x2e_` is a `.`.
    """
    name = _NOT_IN_JOBS.sub(_escape, run)
    return name if attempt == 1 else f"{name}{_ATTEMPT}{attempt}"


def run_of_attempt(name: str) -> tuple[str, int]:
    """Return the run and the attempt, counted from 1, that `attempt_id` named."""
    run, separator, attempt = name.rpartition(_ATTEMPT)
    if not (separator and attempt.isdecimal()):
        run, attempt = name, "1"
    return _unescaped(run), int(attempt)


def _escape(sign: re.Match[str]) -> str:
    return f"_x{ord(sign[0]):x}_"


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def ask_id(evaluation: str, name: str) -> str:
    """Return the id of the run in which a model predicts for an evaluation.

    `name` is challenger or champion.
    """
    return f"{evaluation}{_ASK}{name}"


def awaited_run(run: str) -> str:
    """Return the run that a story waits for when this run ends: of an ask its evaluation."""
    return run.partition(_ASK)[0]


def not_compared(version: str) -> str:
    """Return the reason that a challenger is judged alone although production serves a version."""
    return (
        f"Not compared with production: version {version}, which it serves, is no longer in the "
        "registry. Compare them yourself before you approve."
    )


def training_advice(model: str) -> str:
    """Return the advice for a training whose version of the data is gone."""
    return f"POST /api/models/{model}/train with a data_uri names the file to train on."


def evaluation_id(run: str, champion: ModelVersion | None, attempt: int = 1) -> str:
    """Return the id of the evaluation of a run against this champion.

    Each attempt has an id of its own; `attempt` counts from 1. A version of another tool whose name
    holds words of the id is escaped, so that `champion_of` reads it back.
    """
    version = champion.version if champion else _NOTHING
    if champion and (version == _NOTHING or _WORDS.search(version)):
        version = re.sub("[-_]|^n", _escape, version)
    again = f"{_AGAIN}{attempt}" if attempt > 1 else ""
    return f"{run}{_AGAINST}{version}{again}"


def is_attempt_of(evaluation: str, first: str) -> bool:
    """Return whether an id is that of an evaluation, or of a later attempt at it."""
    attempt = evaluation.removeprefix(f"{first}{_AGAIN}")
    return evaluation == first or (attempt != evaluation and attempt.isdecimal())


def champion_of(evaluation: str) -> str:
    """Return the version that an evaluation compared with, "" for none."""
    _, separator, rest = evaluation.rpartition(_AGAINST)
    version, again, attempt = rest.rpartition(_AGAIN)
    version = version if again and attempt.isdecimal() else rest
    return _unescaped(version) if separator and version != _NOTHING else ""


def judged_against(version: str) -> str:
    """Return the words for the champion of an evaluation, "" for none: `against version 3`."""
    return f"against version {version}" if version else "without a champion"


def run_of_evaluation(evaluation: str) -> str:
    """Return the training whose model an evaluation judged, "" when the id is none of ours."""
    return evaluation.rpartition(_AGAINST)[0]


def preparation_of(training: str) -> str:
    """Return the id of the preparation of a training, "" when the id is none of ours."""
    prefix, separator, rest = training.partition("-")
    return f"prepare-{rest}" if (prefix, separator) == ("train", "-") else ""


def folder_digest(digests: Mapping[str, str]) -> str:
    """Return the digest of a model folder from the SHA-256 of each file by its path in the folder.

    The evaluation computes the same digest (platform_jobs/files.py) from the judged files.
    """
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
