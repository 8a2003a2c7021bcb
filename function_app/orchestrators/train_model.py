"""Train a model on data that arrived.

1. Check the data.  2. In the model's training lane, submit the run, unless
newer data came while this waited for its turn.  3. Wait for its event, and
poll in case none comes.  4. Judge the challenger against the champion.  5. Register it; its event
starts the release.
"""

from datetime import timedelta

from function_app import names
from function_app.domain.lane import LaneRequest, training_lane
from function_app.domain.requests import DatasetCheck, Evaluation, RunRequest
from function_app.domain.training import (
    Dataset,
    Run,
    RunStatus,
    TrainingOutcome,
    TrainingRequest,
    TrainingResult,
    run_id,
)
from function_app.orchestrators import steps
from function_app.orchestrators.lanes import enter_lane
from function_app.orchestrators.steps import Story, StoryContext, Trail

LANE_MARGIN = timedelta(minutes=10)


def train_model(ctx: StoryContext, request: TrainingRequest) -> Story[TrainingResult]:
    trail, begun = Trail(ctx), ctx.current_utc_datetime
    trail.show("validating data", data=request.data_uri)
    check = DatasetCheck(model=request.model, uri=request.data_uri, policy=request.policy.data)
    checked = yield from steps.validate_dataset(ctx, check)
    if not checked.result.passed or checked.dataset is None:
        return _end(trail, TrainingOutcome.REJECTED, checked.result.reasons)

    # Longer than the run may take: the lane is left when the story ends, whatever the end.
    hold = 2 * request.policy.timeout + LANE_MARGIN
    lane = LaneRequest(
        lane=training_lane(request.model), owner=ctx.instance_id, since=begun, hold=hold
    )
    newer = yield from enter_lane(ctx, trail, lane)
    if newer and request.policy.newest_only:
        yield from steps.leave_lane(ctx, lane)
        reason = f"{newer} newer came while it waited; the newest is trained on."
        return _end(trail, TrainingOutcome.SUPERSEDED, (reason,))
    try:
        result = yield from _train(ctx, trail, request, checked.dataset)
    except Exception:
        yield from steps.leave_lane(ctx, lane)
        raise
    yield from steps.leave_lane(ctx, lane)
    return result


def _train(
    ctx: StoryContext, trail: Trail, request: TrainingRequest, dataset: Dataset
) -> Story[TrainingResult]:
    run = RunRequest(
        run_id=run_id(request.model, request.cause),
        dataset=dataset,
        instance_id=ctx.instance_id,
    )
    trail.show("training", run_id=run.run_id)
    yield from steps.submit_training(ctx, run)
    ended = yield from _wait_for_run(ctx, run.run_id, request)
    if ended.status is not RunStatus.COMPLETED:
        reason = f"Run {ended.run_id} is {ended.status}. {ended.detail}".strip()
        return _end(trail, TrainingOutcome.FAILED, (reason,), run=ended)

    trail.show("evaluating", run_id=run.run_id)
    evaluation = Evaluation(run=ended, policy=request.policy.gate)
    verdict = yield from steps.evaluate_challenger(ctx, evaluation)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons, run=ended)

    trail.show("registering", run_id=run.run_id)
    version = yield from steps.register_model(ctx, ended)
    return _end(
        trail, TrainingOutcome.REGISTERED, verdict.reasons, run=ended, version=version.version
    )


def _wait_for_run(ctx: StoryContext, run_id: str, request: TrainingRequest) -> Story[Run]:
    deadline = ctx.current_utc_datetime + request.policy.timeout
    # One wait for the whole loop: the SDK hands an event to the latest wait of its name, the host
    # to the first.
    event = ctx.wait_for_external_event(names.run_completed_event(run_id))
    heard = False
    while True:
        run = yield from steps.get_run(ctx, run_id)
        if run.status.ended:
            return run
        if ctx.current_utc_datetime >= deadline:
            return (yield from steps.cancel_run(ctx, run_id))
        wait = min(request.policy.poll_interval, deadline - ctx.current_utc_datetime)
        timer = ctx.create_timer(ctx.current_utc_datetime + wait)
        if heard:
            yield timer
        elif (yield ctx.task_any([event, timer])) is event:
            heard = True
            timer.cancel()


def _end(
    trail: Trail,
    outcome: TrainingOutcome,
    reasons: tuple[str, ...],
    *,
    run: Run | None = None,
    version: str | None = None,
) -> TrainingResult:
    trail.show(outcome.value, reason=" ".join(reasons))
    return TrainingResult(
        outcome=outcome, reasons=reasons, run_id=run.run_id if run else None, version=version
    )
