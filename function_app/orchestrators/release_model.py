"""Release a registered model version to production.

1. Build the image.  2. Deploy it to staging and smoke-test it.  3. When the version was judged
against a former champion, judge it again against the present one.  4. Ask for approval and wait; a
newer challenger supersedes one that waits. When production changes meanwhile, go back to 2, so that
the approvers see a verdict about the present champion.  5. In the model's rollout lane, promote and
verify; on failure give the traffic back to the former champion and read it back.  6. Remove staging
after any outcome.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from function_app import names, steps
from function_app.domain.release.approval import Decision, Evidence, Settlement, Verdict
from function_app.domain.release.authorization import (
    APPROVAL_LOST,
    NOT_AUTHORISED,
    STALE_VERDICT,
)
from function_app.domain.release.release import (
    AUTOMATIC,
    CANNOT_BECOME,
    OTHER_RELEASE,
    Release,
    ReleaseResult,
    ReleaseStatus,
)
from function_app.domain.release.serving import Deployment, Image, Rollout
from function_app.domain.requests import (
    ApprovalRequest,
    ComparisonPlan,
    Promotion,
    ReleaseEnd,
    ReleaseUpdate,
    RollBack,
    SmokeTest,
)
from function_app.domain.stories.cancellation import STORY_CANCELLED, StoryId
from function_app.domain.stories.lane import LaneRequest, rollout_lane
from function_app.domain.text.payload_limits import cap_reasons
from function_app.orchestrators.roll_back import restore
from function_app.orchestrators.shared.cancellable import CancelledError, cancellable
from function_app.orchestrators.shared.clean_up import clean_up, reasons_of, tolerate
from function_app.orchestrators.shared.lanes import LaneEvents, in_lane
from function_app.orchestrators.shared.runs import FIRST_BACKOFF, ask_until
from function_app.orchestrators.shared.second_judging import judge_again
from function_app.orchestrators.shared.trail import Trail, first_line
from function_app.orchestrators.shared.waits import NumberedEvents, constant, wait_until
from function_app.steps.context import Story, StoryContext

AWAITING = "awaiting approval"
# An event may be lost, so the ledger is polled, too.
POLL, POLL_WHEN_WOKEN = timedelta(hours=1), timedelta(minutes=1)
# Refusals of the ledger that no later attempt changes.
FINAL = (CANNOT_BECOME, OTHER_RELEASE, NOT_AUTHORISED)
END_ATTEMPTS = 6  # of recording the end, in a minute
BUILD_ATTEMPTS = 2  # a build that fails twice fails by its content
BUILD, DEPLOYMENT = timedelta(hours=1), timedelta(minutes=30)
ROLLOUT = timedelta(hours=2)  # longer than promotion, verification and roll-back take


def release_model(ctx: StoryContext, release: Release) -> Story[ReleaseResult]:
    trail = Trail(ctx)
    try:
        result = yield from cancellable(ctx, lambda waits: _release(waits, trail, release))
    except CancelledError as cancelled:
        result = ReleaseResult(
            status=ReleaseStatus.CANCELLED,
            reasons=(str(cancelled),),
            cancelled_by=cancelled.cancellation.by,
        )
    except Exception as fault:
        if STORY_CANCELLED in first_line(fault):
            result = yield from _cancelled(ctx, fault)
        else:
            # An approval was withdrawn, its person may not approve any more, or the verdict is
            # about a former champion: nothing has failed.
            refused = any(code in first_line(fault) for code in (APPROVAL_LOST, STALE_VERDICT))
            status = ReleaseStatus.REJECTED if refused else ReleaseStatus.FAILED
            result = ReleaseResult(status=status, reasons=reasons_of(fault))
    trail.show("removing staging")
    remove = steps.remove_staging(ctx, release)
    trouble = yield from tolerate("Staging could not be removed; reconciliation does it.", remove)
    result = replace(result, reasons=cap_reasons((*result.reasons, *trouble)))
    yield from _end(ctx, release, result)
    trail.show(result.status.value, reason=" ".join(result.reasons))
    return result


def _cancelled(ctx: StoryContext, fault: Exception) -> Story[ReleaseResult]:
    """Return the result of a release whose promotion was refused, because a person cancelled it."""
    settled = yield from steps.settle_cancellation(ctx, StoryId(instance_id=ctx.instance_id))
    cancellation = settled.cancellation
    return ReleaseResult(
        status=ReleaseStatus.CANCELLED,
        reasons=(cancellation.reason,) if cancellation else reasons_of(fault),
        cancelled_by=cancellation.by if cancellation else None,
    )


def _end(ctx: StoryContext, release: Release, result: ReleaseResult) -> Story[None]:
    """Record the result of the release, with backoff while that fails.

    RuntimeError with the release's own reasons first after END_ATTEMPTS; reconciliation ends the
    release then.
    """
    pause = FIRST_BACKOFF
    for attempt in range(1, END_ATTEMPTS + 1):
        try:
            yield from steps.end_release(ctx, ReleaseEnd(release=release, result=result))
            return
        except Exception as fault:
            is_final = any(reason in first_line(fault) for reason in FINAL)
            if attempt == END_ATTEMPTS or is_final:
                reasons = " ".join(result.reasons)
                text = f"It is {result.status}: {reasons} The end could not be recorded."
                raise RuntimeError(f"{text} {first_line(fault)}") from fault
        yield ctx.create_timer(ctx.current_utc_datetime + pause)
        pause = 2 * pause


def _release(ctx: StoryContext, trail: Trail, release: Release) -> Story[ReleaseResult]:
    trail.show("building image")
    in_progress = ReleaseUpdate(release=release, status=ReleaseStatus.IN_PROGRESS)
    yield from steps.update_release(ctx, in_progress)
    image = yield from _build(ctx, release)

    trail.show("deploying to staging", image=image.digest)
    promotion = Promotion(release=release, image=image)
    deployment = yield from _deploy(
        ctx, "The deployment to staging", lambda: steps.deploy_staging(ctx, promotion)
    )
    wakes = NumberedEvents(ctx, lambda number: names.decision_event(release.release_id, number))
    turns = LaneEvents(ctx)
    while True:
        trail.show(
            "smoke-testing staging", endpoint=deployment.endpoint, runtime=deployment.runtime
        )
        smoke = yield from steps.smoke_test(ctx, SmokeTest(release=release, deployment=deployment))
        if not smoke.passed:
            return _result(ReleaseStatus.REJECTED, smoke.reasons, image)
        plan = yield from _plan(ctx, release)
        if plan.must_judge:
            ended = yield from judge_again(ctx, trail, release, plan, turns)
            if ended is not None:
                return replace(ended, image_digest=image.digest)
            continue  # the reasons of the next smoke test have the new verdict
        evidence = Evidence(
            release_id=release.release_id,
            image_digest=image.digest,
            reasons=smoke.reasons,
            evaluation_id=smoke.evaluation_id,
        )
        decided = yield from _await_approval(ctx, trail, release, image, evidence, wakes)
        if isinstance(decided, ReleaseResult):
            return decided
        if decided is None:
            continue
        lane = LaneRequest(
            lane=rollout_lane(release.model),
            owner=ctx.instance_id,
            since=ctx.current_utc_datetime,
            hold=ROLLOUT,
        )
        result = yield from in_lane(
            ctx, trail, [lane], lambda: _promote_judged(ctx, trail, release, image), events=turns
        )
        if result is not None:
            return replace(result, decided_by=decided.decided_by)


def _build(ctx: StoryContext, release: Release) -> Story[Image]:
    built = yield from ask_until(
        ctx,
        "The image",
        lambda: steps.build_image(ctx, release),
        lambda build: build.image is not None,
        BUILD,
        event_name=names.image_pushed_event(release.release_id),
        failure=lambda build: build.failure,
        attempts=BUILD_ATTEMPTS,
    )
    assert built.image is not None
    return built.image


def _deploy(
    ctx: StoryContext, subject: str, ask: Callable[[], Story[Rollout]]
) -> Story[Deployment]:
    rollout = yield from ask_until(
        ctx,
        subject,
        ask,
        lambda rollout: rollout.deployment is not None,
        DEPLOYMENT,
        failure=lambda rollout: rollout.failure,
    )
    assert rollout.deployment is not None
    return rollout.deployment


def _await_approval(
    ctx: StoryContext,
    trail: Trail,
    release: Release,
    image: Image,
    evidence: Evidence,
    wakes: NumberedEvents,
) -> Story[Decision | ReleaseResult | None]:
    """Return the decision that approved the release, else the result with which it ended.

    None when production changed, so that its evidence is about a former champion.
    """
    request = ApprovalRequest(release=release, image=image, evidence=evidence)
    yield from steps.request_approval(ctx, request)
    # The first pause ends early also when an event ended the wait before this one.
    wakes.woken = False

    def ask() -> Story[Settlement]:
        number = str(wakes.number)
        trail.wait(AWAITING, evidence=evidence.digest, image=image.digest, wait=number)
        # The ledger decides, not the event: raising one with a management key approves nothing.
        return (yield from steps.settle_approval(ctx, release))

    settled = yield from wait_until(
        ctx,
        ask,
        lambda settled: bool(settled.superseded or settled.stale) or settled.decision is not None,
        constant(POLL),
        wakes=wakes,
        pauses_when_woken=constant(POLL_WHEN_WOKEN),
        deadline=ctx.current_utc_datetime + release.policy.approval_timeout,
    )
    if settled.superseded:
        return _result(ReleaseStatus.SUPERSEDED, settled.superseded, image)
    decision = settled.decision
    if decision is None and settled.stale:
        return None
    if decision is None:
        reason = f"Nobody decided within {release.policy.approval_timeout}."
        return _result(ReleaseStatus.EXPIRED, (reason,), image)
    if decision.verdict is Verdict.APPROVE:
        return decision
    reason = f"{decision.decided_by} rejected it: {decision.comment}"
    rejected = _result(ReleaseStatus.REJECTED, (reason,), image)
    return replace(rejected, decided_by=decision.decided_by)


def _promote_judged(
    ctx: StoryContext, trail: Trail, release: Release, image: Image
) -> Story[ReleaseResult | None]:
    """Promote the image; None when its evidence is about a former champion."""
    plan = yield from _plan(ctx, release)
    if plan.stale:
        return None
    return (yield from _promote(ctx, trail, release, image))


def _plan(ctx: StoryContext, release: Release) -> Story[ComparisonPlan]:
    """Return the comparison that the release needs; none for one of an earlier version."""
    if not release.policy.judged_again:
        return ComparisonPlan()
    return (yield from steps.plan_comparison(ctx, release))


def _promote(
    ctx: StoryContext, trail: Trail, release: Release, image: Image
) -> Story[ReleaseResult]:
    former = yield from steps.get_champion(ctx, release)
    former_champion = RollBack(model=release.model, former=former.image, restores=release)
    trail.show("promoting", image=image.digest)
    promotion = Promotion(release=release, image=image)
    try:
        deployment = yield from _deploy(
            ctx, "The promotion", lambda: steps.promote_challenger(ctx, promotion)
        )
        trail.show("verifying production", endpoint=deployment.endpoint, runtime=deployment.runtime)
        test = SmokeTest(release=release, deployment=deployment)
        verdict = yield from steps.smoke_test(ctx, test)
    except Exception as fault:
        back = restore(ctx, former_champion)
        yield from clean_up(fault, "The roll-back failed, too.", back)
        raise
    if verdict.passed:
        return ReleaseResult(
            status=ReleaseStatus.PROMOTED,
            reasons=verdict.reasons,
            image_digest=image.digest,
            endpoint=deployment.endpoint,
        )
    trail.show("rolling back", reason=" ".join(verdict.reasons))
    lost = "The former champion could not be restored."
    try:
        served = yield from restore(ctx, former_champion)
    except Exception as fault:
        reasons = (*verdict.reasons, f"{lost} {first_line(fault)}")
        return _result(ReleaseStatus.FAILED, reasons, image)
    if not served.gave_back(former.image):
        return _result(ReleaseStatus.FAILED, (*verdict.reasons, lost), image)
    rolled_back = _result(ReleaseStatus.ROLLED_BACK, verdict.reasons, image)
    return replace(rolled_back, rolled_back_by=AUTOMATIC)


def _result(status: ReleaseStatus, reasons: tuple[str, ...], image: Image) -> ReleaseResult:
    return ReleaseResult(status=status, reasons=reasons, image_digest=image.digest)
