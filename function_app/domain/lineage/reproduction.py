"""The reproduction of a version: a second training from its recorded inputs, and its comparison."""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from function_app.domain.change.change import CodeVersion
from function_app.domain.gates import GatePolicy
from function_app.domain.lineage.environment import (
    RunEnvironment,
    differences,
    unknown_inputs,
)
from function_app.domain.text import identifiers as ids
from function_app.domain.text.figures import figure
from function_app.domain.training import Dataset, ModelVersion, Run


class ReproductionOutcome(StrEnum):
    """The outcome of a reproduction; none of them is an error."""

    SAME = "same"
    DIFFERENT = "different"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRequest:
    """Train a version again; `cause` distinguishes the runs of one request from those of another.

    At most `max_trainings` of all models run at a time.
    """

    model: ids.ModelName
    version: ids.Version
    cause: ids.CauseKey
    target: str
    gate: GatePolicy
    timeout: timedelta = timedelta(minutes=30)
    poll_interval: timedelta = timedelta(seconds=30)
    max_trainings: int = 2
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionPlan:
    """The recorded inputs of a version; `refused` is why it cannot be trained again, else "".

    Without `code` the app's own code trained the version.
    """

    refused: str = ""
    version: ModelVersion | None = None
    dataset: Dataset | None = None
    code: CodeVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRun:
    """Train on the seen rows of a preparation by exactly this code, None for the app's own."""

    run_id: ids.RunId
    version: ModelVersion
    dataset: Dataset
    preparation_id: ids.RunId
    instance_id: ids.InstanceId
    code: CodeVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionEvaluation:
    """Let the new model and the version predict the held-out rows of a preparation."""

    run: Run
    version: ModelVersion
    preparation_id: ids.RunId
    instance_id: ids.InstanceId
    policy: GatePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionCheck:
    """Compare a version with the model of a run that an evaluation judged."""

    version: ModelVersion
    run_id: ids.RunId
    evaluation_id: ids.RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionResult:
    """The result of a reproduction with its reasons.

    `digest` is that of the new model folder, `largest_difference` the largest distance of two
    predictions for a held-out row, in units of the target; None when nothing was compared.
    """

    outcome: ReproductionOutcome
    reasons: tuple[str, ...]
    run_id: ids.RunId | None = None
    digest: ids.Sha256 | None = None
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two digests, two environments and the predictions of two models."""

    version: ModelVersion
    digest: str
    before: RunEnvironment | None
    now: RunEnvironment | None
    rows: int
    largest_difference: float | None


def reproduction_id(model: str, version: str) -> str:
    """Return the id of the story that reproduces a version; one runs at a time."""
    return f"reproduce-{model}-{version}"


def reproduction_run(request: ReproductionRequest) -> str:
    """Return the id of the training of a reproduction."""
    return f"reproduce-{request.model}-{request.version}-{request.cause}"


def impossible(*reasons: str, run_id: str | None = None) -> ReproductionResult:
    """Return the result of a version that cannot be trained again."""
    outcome = ReproductionOutcome.IMPOSSIBLE
    return ReproductionResult(outcome=outcome, reasons=reasons, run_id=run_id)


def judged_reproduction(both: Compared, run_id: str) -> ReproductionResult:
    """Return whether the bytes are the same, else how far the predictions differ and why."""
    version, name = both.version, f"{both.version.model}:{both.version.version}"
    before, now = both.before or RunEnvironment(), both.now or RunEnvironment()
    causes = differences(before, now)
    same = both.digest == version.digest
    reasons: list[str] = []
    if same:
        reasons.append(f"{name} has the same bytes after a second training: {both.digest}.")
        reasons += [f"{cause} The bytes do not depend on it." for cause in causes]
    else:
        reasons.append(
            f"{name} has other bytes after a second training: the digest is {both.digest[:12]} "
            f"now and {version.digest[:12]} in the registry."
        )
        reasons.append(_predictions(both))
        reasons += causes
        if not causes:
            reasons.append(_no_cause(unknown_inputs(before, now)))
    outcome = ReproductionOutcome.SAME if same else ReproductionOutcome.DIFFERENT
    return ReproductionResult(
        outcome=outcome,
        reasons=tuple(reasons),
        run_id=run_id,
        digest=both.digest,
        largest_difference=both.largest_difference,
    )


def _predictions(both: Compared) -> str:
    largest, rows = both.largest_difference, both.rows
    if largest is None or not math.isfinite(largest):
        return "The predictions could not be compared."
    if largest == 0:
        return f"Both models predict the same for all {rows} held-out rows."
    return f"The predictions for {rows} held-out rows differ by at most {figure(largest)}."


def _no_cause(unknown: tuple[str, ...]) -> str:
    if unknown:
        return f"No recorded input differs. Not recorded for both: {', '.join(unknown)}."
    return (
        "Every recorded input is the same, so that the training itself gives other bytes each "
        "time. Set its seeds, and write no time and no path into the model folder."
    )
