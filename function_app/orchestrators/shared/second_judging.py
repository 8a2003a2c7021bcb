"""The second judging of a release's version, when production changed after the first one."""

from function_app import steps
from function_app.domain.release.release import Release, ReleaseResult, ReleaseStatus
from function_app.domain.requests import ComparisonPlan, Evaluation
from function_app.domain.stories.lane import ALL_TRAININGS, LaneRequest
from function_app.domain.training import Run, RunStatus, champion_of
from function_app.orchestrators.shared.lanes import LaneEvents, extend_lanes, in_lane
from function_app.orchestrators.shared.runs import finish_run, unfinished
from function_app.orchestrators.shared.trail import Trail
from function_app.orchestrators.shared.trainings import LANE_MARGIN, evaluation_timeout
from function_app.steps.context import Story, StoryContext

JUDGING = "judging again"


def judge_again(
    ctx: StoryContext, trail: Trail, release: Release, plan: ComparisonPlan, events: LaneEvents
) -> Story[ReleaseResult | None]:
    """Judge the version against the present champion; return the end of a release that ends by it.

    None when the release goes on: the version passed, or production changed again. RuntimeError
    when the evaluation does not complete.
    """
    asked = plan.request
    if asked is None:
        return _end_of(plan)
    lane = LaneRequest(
        lane=ALL_TRAININGS,
        owner=ctx.instance_id,
        since=ctx.current_utc_datetime,
        hold=evaluation_timeout(asked.policy, plan.timeout) + LANE_MARGIN,
        capacity=plan.max_trainings,
    )
    return (
        yield from in_lane(
            ctx, trail, [lane], lambda: _judge(ctx, trail, release, lane), events=events
        )
    )


def _judge(
    ctx: StoryContext, trail: Trail, release: Release, lane: LaneRequest
) -> Story[ReleaseResult | None]:
    # A comparison spends error. The release may have been superseded while it waited for the lane.
    plan = yield from steps.plan_comparison(ctx, release)
    asked = plan.request
    if asked is None:
        return _end_of(plan)

    def resubmit() -> Story[Run]:
        yield from extend_lanes(ctx, [lane])
        return (yield from steps.submit_evaluation(ctx, asked))

    submitted = yield from steps.submit_evaluation(ctx, asked)
    trail.show(JUDGING, run_id=submitted.run_id, reason=plan.stale)
    limit = evaluation_timeout(asked.policy, plan.timeout)
    ended = yield from finish_run(
        ctx, trail, JUDGING, submitted.run_id, resubmit, limit, plan.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        text = f"{plan.stale} That evaluation did not end. {unfinished(ended)}"
        raise RuntimeError(f"{text} `mlopsctl retry {release.release_id}` judges it again.")
    judged = Evaluation(evaluation_id=ended.run_id, policy=asked.policy)
    verdict = yield from steps.evaluate_challenger(ctx, judged)
    if verdict.passed:
        return None
    # A verdict about a version that production served during the evaluation rejects nothing.
    present = yield from steps.plan_comparison(ctx, release)
    if present.request is None or present.champion != champion_of(ended.run_id):
        return _end_of(present)
    return ReleaseResult(status=ReleaseStatus.REJECTED, reasons=(present.stale, *verdict.reasons))


def _end_of(plan: ComparisonPlan) -> ReleaseResult | None:
    """Return the end of a release that is superseded or cannot be judged; None when it goes on."""
    if plan.superseded:
        return ReleaseResult(status=ReleaseStatus.SUPERSEDED, reasons=plan.superseded)
    if plan.refused:
        return ReleaseResult(status=ReleaseStatus.REJECTED, reasons=(plan.stale, plan.refused))
    return None
