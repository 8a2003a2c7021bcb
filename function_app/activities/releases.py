"""Activities of the release story."""

from dataclasses import replace

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
from function_app.ports import Ports


def build_image(ports: Ports, release: Release) -> Build:
    """Build the image of the release's model version, or say where its build stands."""
    return ports.images.build(ports.registry.get(release.model, release.version))


def deploy_staging(ports: Ports, promotion: Promotion) -> Rollout:
    """Run the image in staging, or say where the deployment of an earlier attempt stands."""
    return ports.staging.deploy(promotion.release.release_id, promotion.image)


def smoke_test(ports: Ports, test: SmokeTest) -> GateResult:
    """Ask the deployment for the golden rows and judge what it answers."""
    version = ports.registry.get(test.release.model, test.release.version)
    report = ports.probe.smoke_test(test.deployment, version)
    result = judge_smoke(report, test.deployment.image, test.release.policy)
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
    """Record that the release waits, and tell its approvers."""
    ports.ledger.save_release(
        ReleaseRecord(
            release=request.release,
            status=ReleaseStatus.AWAITING_APPROVAL,
            updated_at=ports.clock.now(),
            image=request.image,
            evidence_hash=request.evidence.digest,
            reasons=request.evidence.reasons,
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
    return ports.production.promote(release.release_id, promotion.image, release.policy.replicas)


def roll_back_production(ports: Ports, request: RollBack) -> RolledBack:
    """Give the traffic back and return what production serves then."""
    if not ports.production.roll_back(request.model, request.former).done:
        return RolledBack(done=False)
    served = ports.production.champion(request.model)
    if served is not None:
        ports.registry.mark_champion(ports.registry.get(served.model, served.version))
    return RolledBack(done=True, image=served)


def update_release(ports: Ports, update: ReleaseUpdate) -> None:
    """Record where the release stands; what the ledger knows of it beyond that stays."""
    stored = ports.ledger.get_release(update.release.release_id)
    record = stored or ReleaseRecord(
        release=update.release, status=update.status, updated_at=ports.clock.now()
    )
    ports.ledger.save_release(
        replace(
            record,
            status=update.status,
            image=update.image or record.image,
            updated_at=ports.clock.now(),
        )
    )


def end_release(ports: Ports, end: ReleaseEnd) -> None:
    """Record how the release ended and tell the people."""
    update = ReleaseUpdate(release=end.release, status=end.result.status)
    update_release(ports, update)
    if end.result.status is ReleaseStatus.PROMOTED:
        ports.registry.mark_champion(ports.registry.get(end.release.model, end.release.version))
    ports.notifier.tell_result(end.release, end.result)
