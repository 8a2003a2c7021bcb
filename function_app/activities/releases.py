"""Activities of the release story."""

from dataclasses import replace
from functools import partial

from function_app import steps
from function_app.activities.production import attempt, end_promotion, mark_champion, own_image
from function_app.domain.gates import GateResult
from function_app.domain.people.authorship import describe_authors
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import (
    OTHER_RELEASE,
    Release,
    ReleaseRecord,
    ReleaseStatus,
    is_release_of,
    judge_smoke,
)
from function_app.domain.release.serving import Build, Environment, Image, Rollout
from function_app.domain.requests import (
    ApprovalRequest,
    Promotion,
    ReleaseEnd,
    ReleaseUpdate,
    SmokeTest,
)
from function_app.domain.text.figures import figure
from function_app.domain.training import ModelVersion, describe_reported, not_compared
from function_app.errors import AttemptError, ContractError, NotFoundError
from function_app.ports import Ports
from function_app.records.decisions import Decisions
from function_app.records.pushers import authors_of


@steps.build_image.activity
def build_image(ports: Ports, release: Release) -> Build:
    """Build the image of the release's model version, or return the state of its build."""
    version = ports.registry.get(release.model, release.version)
    if not version.digest:
        text = f"{release.model}:{release.version} was not registered by this app. Train it here."
        raise ContractError(text, code="FOREIGN_VERSION")
    try:
        return ports.images.build(version)
    except AttemptError as error:
        return Build(failure=str(error))


@steps.deploy_staging.activity
def deploy_staging(ports: Ports, promotion: Promotion) -> Rollout:
    """Deploy the image to staging, or return the state of an earlier attempt's deployment."""
    image = _checked(ports, promotion.release, promotion.image)
    return attempt(partial(ports.staging.deploy, promotion.release.release_id, image))


@steps.smoke_test.activity
def smoke_test(ports: Ports, test: SmokeTest) -> GateResult:
    """Request the golden rows of the deployment and judge its predictions.

    The limits come from the current mlops.toml, because the policy of the request must not decide
    on a change of production.
    """
    project = ports.projects.get(test.release.model)
    policy = project.release_policy() if project else test.release.policy
    version = ports.registry.get(test.release.model, test.release.version)
    report = ports.probe.smoke_test(test.deployment, version)
    result = judge_smoke(report, test.deployment.image, policy)
    reasons = [*result.reasons, *_missing_champion(ports, test.release.model)]
    if version.metrics:
        # An approver decides by the reasons, so they include the quality of the model.
        metrics = sorted(version.metrics.items())
        figures = ", ".join(f"{name} {figure(value)}" for name, value in metrics)
        reasons.append(f"On held-out rows: {figures}.")
    if project and test.deployment.environment is Environment.STAGING:
        reasons += _reported(ports, version)
        authors = authors_of(ports, version)
        reasons += _authorship(replace(version, authors=authors), project.approval_rules())
    return replace(result, reasons=tuple(reasons))


def _reported(ports: Ports, version: ModelVersion) -> tuple[str, ...]:
    """Return the figures that the training itself reported, apart from the platform's own."""
    return describe_reported(ports.jobs.get(version.run_id)) if version.run_id else ()


def _authorship(version: ModelVersion, rules: ApprovalRules) -> tuple[str, ...]:
    """Return the evidence about the authors of a version and its possible approvers."""
    commit = version.code.commit if version.code else ""
    people = describe_authors(version.authors, commit, rules.people, rules.approvers)
    return (*people, *rules.outlook(version.authors))


@steps.remove_staging.activity
def remove_staging(ports: Ports, release: Release) -> None:
    """Remove the release's deployment in staging."""
    ports.staging.remove(release.release_id)


@steps.request_approval.activity
def request_approval(ports: Ports, request: ApprovalRequest) -> None:
    """Record that the release waits, and notify its approvers."""
    now, image = ports.clock.now(), _checked(ports, request.release, request.image)
    named = (request.evidence.release_id, request.evidence.image_digest)
    if named != (request.release.release_id, image.digest):
        raise ContractError("The evidence is of another release or image.", code="OTHER_EVIDENCE")
    stored = ports.ledger.get_release(request.release.release_id)
    ports.ledger.save_release(
        ReleaseRecord(
            release=request.release,
            status=ReleaseStatus.AWAITING_APPROVAL,
            updated_at=now,
            image=image,
            evidence_hash=request.evidence.digest,
            evidence=request.evidence.reasons,
            reasons=request.evidence.reasons,
            begun_at=stored.begun_at if stored else now,
            authors=authors_of(ports, ports.registry.get(image.model, image.version)),
        )
    )
    ports.notifier.ask_for_approval(request.release, request.evidence)


@steps.settle_approval.activity
def settle_approval(ports: Ports, release: Release) -> Settlement:
    """Return from the ledger, which alone can approve, whether the wait has ended.

    A decision counts for the image and the evidence that it names, by the rules of mlops.toml now.
    """
    own = ports.ledger.get_release(release.release_id)
    rules = _rules(ports, release.model)
    decision = Decisions(ports.rows, ports.ledger).on(own, rules) if own else None
    return ports.ledger.settle(release.release_id, ports.clock.now(), decision)


@steps.update_release.activity
def update_release(ports: Ports, update: ReleaseUpdate) -> None:
    """Record the status of the release; other fields of its record stay."""
    check_release(update.release)
    now, release_id = ports.clock.now(), update.release.release_id
    record = ports.ledger.get_release(release_id) or ReleaseRecord(
        release=update.release, status=update.status, updated_at=now, begun_at=now
    )
    rules = _rules(ports, record.release.model)
    decision = Decisions(ports.rows, ports.ledger).on(record, rules)
    ports.ledger.save_release(
        replace(
            record,
            status=update.status,
            image=update.image or record.image,
            reasons=update.reasons or record.reasons,
            endpoint=update.endpoint or record.endpoint,
            decided_by=decision.decided_by if decision else record.decided_by,
            rolled_back_by=update.rolled_back_by or record.rolled_back_by,
            cancelled_by=update.cancelled_by or record.cancelled_by,
            updated_at=now,
        )
    )


@steps.end_release.activity
def end_release(ports: Ports, end: ReleaseEnd) -> None:
    """Record the result of the release with its reasons, and notify people."""
    result = end.result
    update = ReleaseUpdate(
        release=end.release,
        status=result.status,
        reasons=(*result.reasons, *_remarks(ports, end)),
        endpoint=result.endpoint,
        rolled_back_by=result.rolled_back_by,
        cancelled_by=result.cancelled_by,
    )
    if result.status is ReleaseStatus.PROMOTED:
        end_promotion(ports, end.release)
    update_release(ports, update)
    if result.status is ReleaseStatus.PROMOTED:
        mark_champion(ports, end.release.model, end.release.version)
    ports.notifier.report_result(end.release, end.result)


def _remarks(ports: Ports, end: ReleaseEnd) -> tuple[str, ...]:
    """Return the remark about the approval of a promoted release, () without one."""
    record = ports.ledger.get_release(end.release.release_id)
    if record is None or end.result.status is not ReleaseStatus.PROMOTED:
        return ()
    rules = _rules(ports, end.release.model)
    decision = Decisions(ports.rows, ports.ledger).on(record, rules)
    remark = decision.remark if decision else ""
    return (f"It was {remark}.",) if remark else ()


def _rules(ports: Ports, model: str) -> ApprovalRules | None:
    """Return the rules for approvals of now, None for a model that mlops.toml does not name."""
    project = ports.projects.get(model)
    return project.approval_rules() if project else None


def check_release(release: Release) -> None:
    """Raise ContractError when the id is not that of a release of this model and version."""
    if not is_release_of(release.release_id, release.model, release.version):
        text = (
            f"{release.release_id[:100]!r} is no id of a release of {release.model[:60]} "
            f"{release.version[:60]}."
        )
        raise ContractError(text, code=OTHER_RELEASE)


def _checked(ports: Ports, release: Release, image: Image) -> Image:
    """Return the release's image in the app's own store; ContractError when it is another's."""
    check_release(release)
    if (image.model, image.version) != (release.model, release.version):
        text = f"{image.model[:60]} {image.version[:60]} is not the image of {release.release_id}."
        raise ContractError(text, code="OTHER_IMAGE")
    return own_image(ports, image)


def _missing_champion(ports: Ports, model: str) -> tuple[str, ...]:
    """Return the reason that approvers must know when the served version was deleted."""
    served = ports.production.champion(model)
    try:
        if served is not None:
            ports.registry.get(model, served.version)
    except NotFoundError:
        return (not_compared(served.version),) if served else ()
    return ()
