"""The integration of a change of code: it ends with a published version, or with reasons."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from function_app.domain.change.change import Bundle, Change, CheckPlan, CodeVersion
from function_app.domain.data_quality import DataPolicy
from function_app.domain.text import identifiers as ids


class IntegrationOutcome(StrEnum):
    """The outcome of a change's integration; none of them is an error.

    A pull request whose checks pass is `checked`; a push is `published`. `stale` is a commit whose
    branch has a newer one that contains it.
    """

    PUBLISHED = "published"
    CHECKED = "checked"
    REJECTED = "rejected"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePolicy:
    """The rules of a change's integration, frozen when it starts.

    `min_coverage` is in percent of the lines.
    """

    plan: CheckPlan
    data: DataPolicy
    min_coverage: float
    auto_train: bool
    timeout: timedelta
    poll_interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """Check this change of a model's code, because of the event `cause`."""

    model: ids.ModelName
    cause: ids.CauseKey
    change: Change
    policy: ChangePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationResult:
    """The outcome of a change; `reports` are links to the reports of its checks."""

    outcome: IntegrationOutcome
    reasons: tuple[str, ...]
    commit: ids.CommitId
    code: CodeVersion | None = None
    reports: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedChange:
    """The files of a change, or the newer commit that contains it, or the reason of a refusal."""

    bundle: Bundle | None = None
    newer: ids.OrEmpty[ids.CommitId] = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksRequest:
    """Check a bundle of a model's code and wake `instance_id` when done."""

    run_id: ids.RunId
    model: ids.ModelName
    bundle: Bundle
    plan: CheckPlan
    instance_id: ids.InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """Judge a model's reference data by the policy that arriving data is judged by."""

    model: ids.ModelName
    policy: DataPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Publish the files of a change as the code of the model's new runs."""

    model: ids.ModelName
    change: Change
    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The published version, or the newer commit that makes it pointless."""

    code: CodeVersion | None = None
    newer: ids.OrEmpty[ids.CommitId] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """Request a training with this version of the code, once per cause."""

    code: CodeVersion
    cause: ids.CauseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus:
    """The commit status of a change: pending, success, failure or error."""

    model: ids.ModelName
    change: Change
    state: ids.Line
    detail: str
    link: str


def report_link(run_id: str, name: str) -> str:
    """Return the path at which the app serves a report of a run."""
    return f"/api/runs/{run_id}/reports/{name}"


def checks_id(model: str, cause: str) -> str:
    """Return the id of a change's run of checks, which is the same in every attempt."""
    return f"checks-{model}-{cause[:12]}"


def integration_id(model: str, cause: str) -> str:
    """Return the id of the orchestration instance that integrates a change."""
    return f"integrate-{model}-{cause[:12]}"
