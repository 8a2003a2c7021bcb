"""Train a model on data that arrived, or on the newest when something else asks for it.

1. Keep the data as a version.  2. Compute its figures and split its rows, in a run of the
platform's own; judge the figures.  3. In the model's training lane, and in the lane of all
trainings, train on the rows that a training may see, unless newer data came while this waited for
its turn.  4. Let challenger and champion answer the held-out rows, in another run of the platform,
and judge.  5. Register the model; its event starts the release.

Each run is awaited by its event, and polled in case none comes. A run that ended otherwise than
completed is outcome `failed`: only data and answers are judged, and only they are `rejected`.
"""

from datetime import timedelta

from function_app.domain.lane import ALL_TRAININGS, LaneRequest, training_lane
from function_app.domain.requests import (
    DatasetCheck,
    DatasetRequest,
    Evaluation,
    EvaluationRequest,
    PreparationRequest,
    Registration,
    RunRequest,
)
from function_app.domain.training import (
    Dataset,
    Run,
    RunStatus,
    TrainingOutcome,
    TrainingRequest,
    TrainingResult,
    preparation_id,
    run_id,
)
from function_app.orchestrators import steps
from function_app.orchestrators.lanes import enter_lane, leave_lanes
from function_app.orchestrators.runs import wait_for_run
from function_app.orchestrators.steps import Story, StoryContext, Trail

LANE_MARGIN = timedelta(minutes=10)
EVALUATION_MARGIN = timedelta(minutes=2)


def train_model(ctx: StoryContext, request: TrainingRequest) -> Story[TrainingResult]:
    trail, begun = Trail(ctx), ctx.current_utc_datetime
    trail.show("keeping data", data=request.data_uri or "the newest", why=request.reason)
    asked = DatasetRequest(model=request.model, uri=request.data_uri, etag=request.etag)
    kept = yield from steps.keep_dataset(ctx, asked)
    if kept.changed:
        return _end(trail, TrainingOutcome.SUPERSEDED, (kept.refused,))
    if kept.dataset is None:
        return _end(trail, TrainingOutcome.REJECTED, (kept.refused,))
    prepared = yield from _prepare(ctx, trail, request, kept.dataset)
    if isinstance(prepared, TrainingResult):
        return prepared

    # Longer than the run may take: the lane is left when the story ends, whatever the end.
    hold = request.policy.timeout + 2 * _evaluation_timeout(request) + LANE_MARGIN
    own = LaneRequest(
        lane=training_lane(request.model), owner=ctx.instance_id, since=begun, hold=hold
    )
    every = LaneRequest(
        lane=ALL_TRAININGS,
        owner=ctx.instance_id,
        since=begun,
        hold=hold,
        capacity=request.policy.max_trainings,
    )
    newer = yield from enter_lane(ctx, trail, own)
    if newer and request.policy.newest_only and request.data_uri:
        yield from leave_lanes(ctx, [own])
        reason = f"{newer} newer came while it waited; the newest is trained on."
        return _end(trail, TrainingOutcome.SUPERSEDED, (reason,))
    try:
        yield from enter_lane(ctx, trail, every)
        result = yield from _train(ctx, trail, request, kept.dataset, prepared)
    except Exception:
        yield from leave_lanes(ctx, [own, every])
        raise
    yield from leave_lanes(ctx, [own, every])
    return result


def _prepare(
    ctx: StoryContext, trail: Trail, request: TrainingRequest, dataset: Dataset
) -> Story[str | TrainingResult]:
    """Return the id of the preparation whose rows may be trained on, or how the story ends."""
    prepared, policy = preparation_id(request.model, request.cause), request.policy
    trail.show("checking data", run_id=prepared)
    asked = PreparationRequest(
        run_id=prepared,
        dataset=dataset,
        target=policy.data.label,
        instance_id=ctx.instance_id,
    )
    yield from steps.submit_preparation(ctx, asked)
    ended = yield from wait_for_run(ctx, prepared, policy.timeout, policy.poll_interval)
    if ended.status is not RunStatus.COMPLETED:
        return _end(trail, TrainingOutcome.FAILED, (_died("preparation", ended),))
    check = DatasetCheck(preparation_id=prepared, dataset=dataset, policy=policy.data)
    verdict = yield from steps.judge_dataset(ctx, check)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons)
    return prepared


def _train(
    ctx: StoryContext, trail: Trail, request: TrainingRequest, dataset: Dataset, prepared: str
) -> Story[TrainingResult]:
    run = RunRequest(
        run_id=run_id(request.model, request.cause),
        dataset=dataset,
        preparation_id=prepared,
        instance_id=ctx.instance_id,
        code_version=request.code_version,
    )
    trail.show("training", run_id=run.run_id)
    yield from steps.submit_training(ctx, run)
    policy = request.policy
    ended = yield from wait_for_run(ctx, run.run_id, policy.timeout, policy.poll_interval)
    if ended.status is not RunStatus.COMPLETED:
        return _end(trail, TrainingOutcome.FAILED, (_died("training", ended),), run=ended)

    trail.show("evaluating", run_id=run.run_id)
    evaluation = yield from _evaluate(ctx, request, ended, prepared)
    if evaluation.status is not RunStatus.COMPLETED:
        return _end(trail, TrainingOutcome.FAILED, (_died("evaluation", evaluation),), run=ended)
    judged = Evaluation(evaluation_id=evaluation.run_id, policy=policy.gate)
    verdict = yield from steps.evaluate_challenger(ctx, judged)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons, run=ended)

    trail.show("registering", run_id=run.run_id)
    registration = Registration(run=ended, evaluation_id=evaluation.run_id)
    version = yield from steps.register_model(ctx, registration)
    return _end(
        trail, TrainingOutcome.REGISTERED, verdict.reasons, run=ended, version=version.version
    )


def _evaluate(
    ctx: StoryContext, request: TrainingRequest, run: Run, prepared: str
) -> Story[Run]:
    """Return the ended evaluation of the run's model against the champion of now."""
    asked = EvaluationRequest(run=run, preparation_id=prepared, instance_id=ctx.instance_id)
    ended, timeout = None, _evaluation_timeout(request)
    while True:
        # The id names the champion: asked again, it tells whether another was promoted meanwhile.
        evaluation = yield from steps.submit_evaluation(ctx, asked)
        if ended is not None and evaluation.run_id == ended.run_id:
            return ended
        ended = yield from wait_for_run(
            ctx, evaluation.run_id, timeout, request.policy.poll_interval
        )
        if ended.status is not RunStatus.COMPLETED:
            return ended


def _evaluation_timeout(request: TrainingRequest) -> timedelta:
    # Each of the two models has the time of a training, so that the run itself can say which was
    # too slow.
    return 2 * request.policy.timeout + EVALUATION_MARGIN


def _died(kind: str, run: Run) -> str:
    return f"The {kind} {run.run_id} is {run.status}. {run.detail}".strip()


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
