"""Activities of the story that integrates a change of code."""

from dataclasses import replace

from function_app import steps, telemetry
from function_app.domain import data_quality
from function_app.domain.change.change import Bundle, Change, CheckReport
from function_app.domain.change.integration import (
    ChangeStatus,
    ChecksRequest,
    FetchedChange,
    Publication,
    Published,
    ReferenceCheck,
    TrainingOrder,
)
from function_app.domain.event_types import TRAINING_REQUESTED
from function_app.domain.gates import GateResult
from function_app.domain.people.authorship import Authors, Role, join_authors, make_authors
from function_app.domain.project import ModelProject
from function_app.domain.requests import RunId
from function_app.domain.training import Run
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports
from function_app.services import lineage


@steps.fetch_change.activity
def fetch_change(ports: Ports, change: Change) -> FetchedChange:
    """Store the files of the commit; refuse a commit that is missing or not acceptable."""
    if not any(_is_code_of(project, change) for project in ports.projects.values()):
        return FetchedChange(refused=_foreign(change))
    try:
        newer = ports.sources.supersedes(change)
        if newer:
            return FetchedChange(newer=newer)
        bundle = ports.sources.fetch(change)
        return FetchedChange(bundle=replace(bundle, authors=_authors(change, bundle)))
    except (ContractError, NotFoundError) as error:
        return FetchedChange(refused=error.message)


def _is_code_of(project: ModelProject, change: Change) -> bool:
    """Return whether mlops.toml has the model's code in this repository and tracks the branch."""
    rules = project.code
    return (
        rules is not None
        and rules.repository == change.repository
        and rules.takes_branch(change.branch)
    )


def _foreign(change: Change) -> str:
    return (
        f"mlops.toml names no model whose code is on {change.branch[:100]} of "
        f"{change.repository[:200]}."
    )


def _authors(change: Change, bundle: Bundle) -> Authors:
    """Return the authors of a change: of the push, of its commits and of its retries."""
    named = [(Role.STARTED, person) for person in change.started_by]
    named += [(Role.PUSHED, change.author)]
    named += [(Role.WROTE, contributor) for contributor in change.contributors]
    return join_authors(make_authors(named), bundle.authors)


@steps.submit_checks.activity
def submit_checks(ports: Ports, request: ChecksRequest) -> Run:
    """Start the checks, or return the run of an earlier attempt."""
    tags = telemetry.tags(instance_id=request.instance_id, model=request.model)
    return ports.jobs.submit_checks(
        request.run_id, request.model, request.bundle, request.plan, tags
    )


@steps.read_checks.activity
def read_checks(ports: Ports, run: RunId) -> CheckReport:
    """Return the report of the checks."""
    return ports.jobs.checks(run.run_id)


@steps.check_reference_data.activity
def check_reference_data(ports: Ports, check: ReferenceCheck) -> GateResult:
    """Judge the reference data, because code with other columns needs other data first."""
    reference = ports.datasets.reference(check.model)
    if reference is None:
        return GateResult(passed=True, reasons=("There is no reference data yet.",))
    result = data_quality.judge(reference.profile, reference.profile, check.policy)
    if result.passed:
        return result
    reasons = tuple(f"Reference data: {reason}" for reason in result.reasons)
    return GateResult(passed=False, reasons=reasons)


@steps.publish_code.activity
def publish_code(ports: Ports, publication: Publication) -> Published:
    """Publish the code, unless the branch has a newer commit by now that contains this one.

    ContractError when mlops.toml has the model's code elsewhere, because the caller that starts a
    story names both.
    """
    project = ports.projects.get(publication.model)
    if project is None or not _is_code_of(project, publication.change):
        text = f"{_foreign(publication.change)} It cannot be code of {publication.model[:60]}."
        raise ContractError(text, code="UNKNOWN_REPOSITORY")
    newer = ports.sources.supersedes(publication.change)
    if newer:
        return Published(newer=newer)
    code = ports.jobs.publish(publication.model, publication.bundle)
    lineage.keep_code(ports, code, publication.change)
    return Published(code=code)


@steps.request_training.activity
def request_training(ports: Ports, order: TrainingOrder) -> None:
    """Publish the event that starts a training; idempotent, because the cause is claimed once."""
    content: dict[str, object] = {
        "model": order.code.model,
        "requestId": order.cause,
        "codeVersion": order.code.version,
    }
    ports.events.publish(TRAINING_REQUESTED, f"models/{order.code.model}", content)


@steps.tell_change.activity
def tell_change(ports: Ports, status: ChangeStatus) -> None:
    """Post a commit status where the host takes one."""
    ports.sources.post_status(status.change, status.model, status.state, status.detail, status.link)
