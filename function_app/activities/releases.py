"""Activities of the release story."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from function_app.domain.approval import Settlement
from function_app.domain.figures import figure
from function_app.domain.gates import GateResult
from function_app.domain.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    judge_smoke,
    version_key,
)
from function_app.domain.requests import (
    ApprovalRequest,
    Champion,
    Promotion,
    ReleaseEnd,
    ReleaseUpdate,
    RollBack,
    RolledBack,
    SmokeTest,
)
from function_app.domain.serving import Build, Rollout
from function_app.domain.training import not_compared
from function_app.errors import AttemptError, ContractError, NotFoundError
from function_app.ports import Ports

LOG = logging.getLogger("mlops.releases")


def build_image(ports: Ports, release: Release) -> Build:
    """Build the image of the release's model version, or say where its build stands."""
    version = ports.registry.get(release.model, release.version)
    if not version.digest:
        text = f"{release.model}:{release.version} was not registered by this app. Train it here."
        raise ContractError(text, code="FOREIGN_VERSION")
    try:
        return ports.images.build(version)
    except AttemptError as error:
        return Build(failure=str(error))


def deploy_staging(ports: Ports, promotion: Promotion) -> Rollout:
    """Run the image in staging, or say where the deployment of an earlier attempt stands."""
    deploy = partial(ports.staging.deploy, promotion.release.release_id, promotion.image)
    return _attempt(deploy)


def smoke_test(ports: Ports, test: SmokeTest) -> GateResult:
    """Ask the deployment for the golden rows and judge what it answers."""
    version = ports.registry.get(test.release.model, test.release.version)
    report = ports.probe.smoke_test(test.deployment, version)
    result = judge_smoke(report, test.deployment.image, test.release.policy)
    missing = _missing_champion(ports, test.release.model)
    result = replace(result, reasons=(*result.reasons, *missing))
    if not version.metrics:
        return result
    # An approver decides by the reasons: they say how good the model is, too.
    metrics = sorted(version.metrics.items())
    figures = ", ".join(f"{name} {figure(value)}" for name, value in metrics)
    return replace(result, reasons=(*result.reasons, f"On held-out rows: {figures}."))


def remove_staging(ports: Ports, release: Release) -> None:
    """Remove what the release left in staging."""
    ports.staging.remove(release.release_id)


def request_approval(ports: Ports, request: ApprovalRequest) -> None:
    """Record that the release waits, and notify its approvers."""
    now = ports.clock.now()
    stored = ports.ledger.get_release(request.release.release_id)
    ports.ledger.save_release(
        ReleaseRecord(
            release=request.release,
            status=ReleaseStatus.AWAITING_APPROVAL,
            updated_at=now,
            image=request.image,
            evidence_hash=request.evidence.digest,
            evidence=request.evidence.reasons,
            reasons=request.evidence.reasons,
            begun_at=stored.begun_at if stored else now,
        )
    )
    ports.notifier.ask_for_approval(request.release, request.evidence)


def settle_approval(ports: Ports, release: Release) -> Settlement:
    """Read from the ledger, the one place that can approve, whether the waiting is over."""
    now = ports.clock.now()
    for record in ports.ledger.list_releases():
        # One that came later but is newer; events may arrive in any order.
        other = record.release
        takes_over = record.status in (ReleaseStatus.AWAITING_APPROVAL, ReleaseStatus.PROMOTED)
        is_newer = version_key(other.version) > version_key(release.version)
        if other.model == release.model and takes_over and is_newer:
            ports.ledger.supersede(other, now)
    return ports.ledger.settle(release.release_id, now)


def get_champion(ports: Ports, release: Release) -> Champion:
    """Read back what production serves."""
    return Champion(image=ports.production.champion(release.model))


def promote_challenger(ports: Ports, promotion: Promotion) -> Rollout:
    """Give production's traffic to the image, or say where that stands."""
    release = promotion.release
    promote = partial(ports.production.promote, release.release_id, promotion.image)
    return _attempt(partial(promote, release.policy.replicas))


def roll_back_production(ports: Ports, request: RollBack) -> RolledBack:
    """Give the traffic back and return what production serves then."""
    rollout = _attempt(partial(ports.production.roll_back, request.model, request.former))
    if not rollout.done:
        return RolledBack(done=False, failure=rollout.failure)
    served = ports.production.champion(request.model)
    if served is not None:
        _mark_champion(ports, served.model, served.version)
    return RolledBack(done=True, image=served)


def update_release(ports: Ports, update: ReleaseUpdate) -> None:
    """Record where the release stands; what the ledger knows of it beyond that stays."""
    now, release_id = ports.clock.now(), update.release.release_id
    record = ports.ledger.get_release(release_id) or ReleaseRecord(
        release=update.release, status=update.status, updated_at=now, begun_at=now
    )
    decision = ports.ledger.get_decision(release_id)
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


def end_release(ports: Ports, end: ReleaseEnd) -> None:
    """Record how and why the release ended, and notify the people."""
    result = end.result
    update = ReleaseUpdate(
        release=end.release,
        status=result.status,
        reasons=result.reasons,
        endpoint=result.endpoint,
        rolled_back_by=result.rolled_back_by,
        cancelled_by=result.cancelled_by,
    )
    update_release(ports, update)
    if end.result.status is ReleaseStatus.PROMOTED:
        _mark_champion(ports, end.release.model, end.release.version)
    ports.notifier.tell_result(end.release, end.result)


def _attempt(ask: Callable[[], Rollout]) -> Rollout:
    """Return the rollout; a failed attempt is an answer, so that the story decides on a retry."""
    try:
        return ask()
    except AttemptError as error:
        return Rollout(done=False, failure=str(error))


def _mark_champion(ports: Ports, model: str, version: str) -> None:
    """Move the alias for people. It decides nothing, so a version that is gone is passed over."""
    try:
        ports.registry.mark_champion(ports.registry.get(model, version))
    except NotFoundError:
        LOG.warning("%s:%s is served and no longer in the registry", model, version)


def _missing_champion(ports: Ports, model: str) -> tuple[str, ...]:
    """Return the reason that approvers must know when the served version was deleted."""
    served = ports.production.champion(model)
    try:
        if served is not None:
            ports.registry.get(model, served.version)
    except NotFoundError:
        return (not_compared(served.version),) if served else ()
    return ()
