"""Smoke tests: the golden rows of a deployment, and the evidence that approvers decide by."""

from collections.abc import Iterator
from dataclasses import replace

from function_app.domain.gates import GateResult
from function_app.domain.lineage.evidence_files import describe_files
from function_app.domain.people.authorship import describe_authors
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.release import judge_smoke
from function_app.domain.release.serving import Environment
from function_app.domain.requests import SmokeTest
from function_app.domain.training import (
    ModelVersion,
    describe_metrics,
    describe_reported,
    not_compared,
)
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.records.pushers import authors_of
from function_app.services import judging, lineage


def run(ports: Ports, test: SmokeTest) -> GateResult:
    """Request the golden rows of the deployment and judge its predictions.

    The limits come from the current mlops.toml, because the policy of the request must not decide
    on a change of production.
    """
    project = ports.projects.get(test.release.model)
    policy = project.release_policy() if project else test.release.policy
    version = ports.registry.get(test.release.model, test.release.version)
    report = ports.probe.smoke_test(test.deployment, version)
    result = judge_smoke(report, test.deployment.image, policy)
    # Read once, so that all evidence is about one evaluation when production changes meanwhile.
    in_staging = test.deployment.environment is Environment.STAGING
    evaluation = judging.shown_evaluation(ports, version) if in_staging else ""
    reasons = (*result.reasons, *_evidence(ports, test, version, evaluation))
    return replace(result, reasons=reasons, evaluation_id=evaluation)


def _evidence(
    ports: Ports, test: SmokeTest, version: ModelVersion, evaluation: str
) -> Iterator[str]:
    """Yield the facts about the version that an approver decides by, beside the smoke test's."""
    yield from _missing_champion(ports, test.release.model)
    yield from describe_metrics(version)
    if test.deployment.environment is Environment.STAGING:
        yield from judging.evidence(ports, version, evaluation)
    project = ports.projects.get(test.release.model)
    if project and test.deployment.environment is Environment.STAGING:
        if version.run_id:
            # The training itself reported these figures; they stand apart from the platform's own.
            yield from describe_reported(ports.jobs.get(version.run_id))
            # The event of a registration may arrive before the registration attached the files.
            attached = lineage.keep_files(ports, version, evaluation)
            yield from describe_files(version, attached)
        named = replace(version, authors=authors_of(ports, version))
        yield from _authorship(named, project.approval_rules())


def _authorship(version: ModelVersion, rules: ApprovalRules) -> tuple[str, ...]:
    """Return the evidence about the authors of a version and its possible approvers."""
    commit = version.code.commit if version.code else ""
    people = describe_authors(version.authors, commit, rules.people, rules.approvers)
    return (*people, *rules.outlook(version.authors))


def _missing_champion(ports: Ports, model: str) -> tuple[str, ...]:
    """Return the reason that approvers must know when the served version was deleted."""
    served = ports.production.champion(model)
    try:
        if served is not None:
            ports.registry.get(model, served.version)
    except NotFoundError:
        return (not_compared(served.version),) if served else ()
    return ()
