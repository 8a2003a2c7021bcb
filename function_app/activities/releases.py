"""Activities of the release story."""

from functools import partial

from function_app import steps
from function_app.domain.gates import GateResult
from function_app.domain.release.approval import Settlement
from function_app.domain.release.release import Release, ReleaseStatus
from function_app.domain.release.serving import Build, Rollout
from function_app.domain.requests import (
    ApprovalRequest,
    ComparisonPlan,
    Promotion,
    ReleaseEnd,
    ReleaseUpdate,
    SmokeTest,
)
from function_app.errors import AttemptError, ContractError
from function_app.ports import Ports
from function_app.services import judging, releases, smoke_tests
from function_app.services.production import attempt


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
    image = releases.checked_image(ports, promotion.release, promotion.image)
    return attempt(partial(ports.staging.deploy, promotion.release.release_id, image))


@steps.smoke_test.activity
def smoke_test(ports: Ports, test: SmokeTest) -> GateResult:
    """Request the golden rows of the deployment and judge its predictions."""
    return smoke_tests.run(ports, test)


@steps.plan_comparison.activity
def plan_comparison(ports: Ports, release: Release) -> ComparisonPlan:
    """Return the comparison with the present champion that the release needs before it goes on."""
    return judging.plan_comparison(ports, release)


@steps.remove_staging.activity
def remove_staging(ports: Ports, release: Release) -> None:
    """Remove the release's deployment in staging."""
    ports.staging.remove(release.release_id)


@steps.request_approval.activity
def request_approval(ports: Ports, request: ApprovalRequest) -> None:
    """Record that the release waits, and notify its approvers."""
    releases.begin_wait(ports, request)
    ports.notifier.ask_for_approval(request.release, request.evidence)


@steps.settle_approval.activity
def settle_approval(ports: Ports, release: Release) -> Settlement:
    """Return from the ledger, which alone can approve, whether the wait has ended.

    A decision counts for the image and the evidence that it names, by the rules of mlops.toml now.
    While nothing ends the wait, production may change, so that the evidence becomes stale.
    """
    own, stale = ports.ledger.get_release(release.release_id), ""
    decision = releases.decision_on(ports, own) if own else None
    if own is not None and decision is None and release.policy.judged_again:
        stale = judging.find_stale_if_known(ports, own)
        if own.status is ReleaseStatus.IN_PROGRESS:
            # An earlier call of this activity ended the wait, and its answer was lost.
            stale = stale or "The release does not wait any more."
    return ports.ledger.settle(release.release_id, ports.clock.now(), decision, stale)


@steps.update_release.activity
def update_release(ports: Ports, update: ReleaseUpdate) -> None:
    """Record the status of the release; other fields of its record stay."""
    releases.update(ports, update)


@steps.end_release.activity
def end_release(ports: Ports, end: ReleaseEnd) -> None:
    """Record the result of the release with its reasons, and notify people."""
    releases.end(ports, end)
    ports.notifier.report_result(end.release, end.result)
