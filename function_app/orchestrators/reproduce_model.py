"""Train a version again from its recorded commit, data and parameters, and compare both models.

1. Read the recorded inputs of the version.  2. Compute the figures of the data and split its rows.
3. In the lane of all trainings, train by the recorded code.  4. Let both models predict the
held-out rows.  5. Compare digests, predictions and environments. Nothing is registered, and no
release follows.
"""

from function_app import steps
from function_app.domain.lineage.reproduction import (
    ReproductionCheck,
    ReproductionEvaluation,
    ReproductionRequest,
    ReproductionResult,
    ReproductionRun,
    impossible,
    reproduction_run,
)
from function_app.domain.requests import PreparationRequest
from function_app.domain.stories.lane import ALL_TRAININGS, LaneRequest
from function_app.domain.training import Run, RunStatus
from function_app.orchestrators.shared.clean_up import reasons_of
from function_app.orchestrators.shared.lanes import extend_lanes, in_lane
from function_app.orchestrators.shared.runs import finish_run, unfinished
from function_app.orchestrators.shared.trail import Trail
from function_app.orchestrators.shared.trainings import (
    LANE_MARGIN,
    evaluation_timeout,
    prepare_data,
)
from function_app.steps.context import Story, StoryContext


def reproduce_model(ctx: StoryContext, request: ReproductionRequest) -> Story[ReproductionResult]:
    trail = Trail(ctx)
    try:
        result = yield from _run(ctx, trail, request)
    except Exception as fault:
        result = impossible(*reasons_of(fault))
    trail.show(result.outcome.value, reason=" ".join(result.reasons))
    return result


def _run(
    ctx: StoryContext, trail: Trail, request: ReproductionRequest
) -> Story[ReproductionResult]:
    trail.show("reading the recorded inputs", model=request.model, version=request.version)
    plan = yield from steps.plan_reproduction(ctx, request)
    version, dataset = plan.version, plan.dataset
    if version is None or dataset is None:
        return impossible(plan.refused)
    prepared = f"prepare-{reproduction_run(request)}"
    asked = PreparationRequest(
        run_id=prepared,
        dataset=dataset,
        target=request.target,
        instance_id=ctx.instance_id,
        group=request.group,
        folds=request.gate.folds,
    )

    ended = yield from prepare_data(
        ctx, trail, "splitting the rows", asked, request.timeout, request.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        reason = f"The rows could not be split. {unfinished(ended)}"
        return impossible(reason, run_id=prepared)
    lane = LaneRequest(
        lane=ALL_TRAININGS,
        owner=ctx.instance_id,
        since=ctx.current_utc_datetime,
        hold=request.timeout + evaluation_timeout(request.gate, request.timeout) + LANE_MARGIN,
        capacity=request.max_trainings,
    )
    run = ReproductionRun(
        run_id=reproduction_run(request),
        version=version,
        dataset=dataset,
        preparation_id=prepared,
        instance_id=ctx.instance_id,
        code=plan.code,
    )

    def train() -> Story[ReproductionResult]:
        return (yield from _train(ctx, trail, request, run, lane))

    return (yield from in_lane(ctx, trail, [lane], train))


def _train(
    ctx: StoryContext,
    trail: Trail,
    request: ReproductionRequest,
    run: ReproductionRun,
    lane: LaneRequest,
) -> Story[ReproductionResult]:
    trail.show("training", run_id=run.run_id)

    def submit() -> Story[Run]:
        yield from extend_lanes(ctx, [lane])
        return (yield from steps.submit_reproduction(ctx, run))

    yield from steps.submit_reproduction(ctx, run)
    ended = yield from finish_run(
        ctx, trail, "training", run.run_id, submit, request.timeout, request.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        reason = f"The second training did not end. {unfinished(ended)}"
        return impossible(reason, run_id=run.run_id)
    evaluation = ReproductionEvaluation(
        run=ended,
        version=run.version,
        preparation_id=run.preparation_id,
        instance_id=ctx.instance_id,
        policy=request.gate,
    )

    def evaluate() -> Story[Run]:
        yield from extend_lanes(ctx, [lane])
        return (yield from steps.evaluate_reproduction(ctx, evaluation))

    trail.show("comparing", run_id=run.run_id)
    asked = yield from steps.evaluate_reproduction(ctx, evaluation)
    judged = yield from finish_run(
        ctx,
        trail,
        "comparing",
        asked.run_id,
        evaluate,
        evaluation_timeout(request.gate, request.timeout),
        request.poll_interval,
    )
    if judged.status is not RunStatus.COMPLETED:
        reason = f"The models could not be compared. {unfinished(judged)}"
        return impossible(reason, run_id=run.run_id)
    check = ReproductionCheck(version=run.version, run_id=run.run_id, evaluation_id=judged.run_id)
    return (yield from steps.judge_reproduction(ctx, check))
