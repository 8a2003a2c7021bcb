"""Train a model on data that arrived, or on the newest when something else asks for it.

1. Check the data.  2. In the model's training lane, and in the lane of all trainings, submit the
run, unless newer data came while this waited for its turn.  3. Wait for its event, and poll in case
none comes.  4. Let challenger and champion predict the same rows, and judge.  5. Register it; its
event starts the release.  6. Record the outcome, and notify people when it is a failure.
"""

from datetime import timedelta

from function_app.domain.gates import GateResult
from function_app.domain.lane import ALL_TRAININGS, LaneRequest, training_lane
from function_app.domain.outcomes import TRAIN, StoryEnd
from function_app.domain.payload_limits import cap_reasons
from function_app.domain.requests import DatasetCheck, Evaluation, EvaluationRequest, RunRequest
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
from function_app.orchestrators.cancellable import CancelledError, cancellable
from function_app.orchestrators.clean_up import reasons_of
from function_app.orchestrators.lanes import enter_lane, keep_lanes, leave_lanes
from function_app.orchestrators.runs import finish_run, unfinished
from function_app.orchestrators.steps import Story, StoryContext, Trail

LANE_MARGIN = timedelta(minutes=10)


def train_model(ctx: StoryContext, request: TrainingRequest) -> Story[TrainingResult]:
    trail = Trail(ctx)
    try:
        result = yield from cancellable(ctx, lambda waits: _validate(waits, trail, request))
    except CancelledError as cancelled:
        result = _end(trail, TrainingOutcome.CANCELLED, (str(cancelled),))
    except Exception as fault:
        result = _end(trail, TrainingOutcome.FAILED, reasons_of(fault))
    yield from steps.record_outcome(ctx, _recorded(ctx, request, result))
    return result


def _validate(ctx: StoryContext, trail: Trail, request: TrainingRequest) -> Story[TrainingResult]:
    begun = ctx.current_utc_datetime
    trail.show("validating data", data=request.data_uri or "the newest", why=request.reason)
    check = DatasetCheck(
        model=request.model,
        uri=request.data_uri,
        policy=request.policy.data,
        etag=request.etag,
        arrival=request.arrival,
    )
    checked = yield from steps.validate_dataset(ctx, check)
    if checked.changed:
        return _end(trail, TrainingOutcome.SUPERSEDED, checked.result.reasons)
    if not checked.result.passed or checked.dataset is None:
        return _end(trail, TrainingOutcome.REJECTED, checked.result.reasons)

    # Longer than the run may take: the lane is left when the story ends, whatever the end.
    hold = 2 * request.policy.timeout + LANE_MARGIN
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
    try:
        newer = yield from enter_lane(ctx, trail, own)
        if newer and request.policy.newest_only and request.data_uri:
            reason = f"{newer} newer came while it waited; the newest is trained on."
            result = _end(trail, TrainingOutcome.SUPERSEDED, (reason,))
        else:
            yield from enter_lane(ctx, trail, every)
            result = yield from _train(ctx, trail, request, checked.dataset, [own, every])
    except Exception:
        yield from leave_lanes(ctx, [own, every])
        raise
    yield from leave_lanes(ctx, [own, every])
    return result


def _train(
    ctx: StoryContext,
    trail: Trail,
    request: TrainingRequest,
    dataset: Dataset,
    lanes: list[LaneRequest],
) -> Story[TrainingResult]:
    run = RunRequest(
        run_id=run_id(request.model, request.cause),
        dataset=dataset,
        instance_id=ctx.instance_id,
        code_version=request.code_version,
    )
    trail.show("training", run_id=run.run_id)
    policy = request.policy
    yield from steps.submit_training(ctx, run)

    def resubmit() -> Story[Run]:
        yield from keep_lanes(ctx, lanes)
        return (yield from steps.submit_training(ctx, run))

    ended = yield from finish_run(
        ctx, trail, "training", run.run_id, resubmit, policy.timeout, policy.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        return _end(trail, TrainingOutcome.FAILED, (unfinished(ended),), run=ended)

    verdict = yield from _evaluate(ctx, trail, request, ended, lanes)
    if isinstance(verdict, str):
        return _end(trail, TrainingOutcome.FAILED, (verdict,), run=ended)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons, run=ended)

    trail.show("registering", run_id=run.run_id)
    version = yield from steps.register_model(ctx, ended)
    return _end(
        trail, TrainingOutcome.REGISTERED, verdict.reasons, run=ended, version=version.version
    )


def _evaluate(
    ctx: StoryContext,
    trail: Trail,
    request: TrainingRequest,
    run: Run,
    lanes: list[LaneRequest],
) -> Story[GateResult | str]:
    """Judge the run's model against the present champion, in a run of its own.

    Returns a text when the evaluation did not complete: without predictions there is no verdict.
    """
    trail.show("evaluating", run_id=run.run_id)
    asked = EvaluationRequest(run=run, instance_id=ctx.instance_id)
    evaluated, policy = "", request.policy

    def resubmit() -> Story[Run]:
        nonlocal evaluated
        yield from keep_lanes(ctx, lanes)
        again = yield from steps.submit_evaluation(ctx, asked)
        evaluated = again.run_id
        return again

    while True:
        # The id names the champion: asked again, it tells whether another was promoted meanwhile.
        evaluation = yield from steps.submit_evaluation(ctx, asked)
        if evaluation.run_id == evaluated:
            break
        evaluated = evaluation.run_id
        ended = yield from finish_run(
            ctx, trail, "evaluating", evaluated, resubmit, policy.timeout, policy.poll_interval
        )
        if ended.status is not RunStatus.COMPLETED:
            return f"The evaluation did not end. {unfinished(ended)}"
    judged = Evaluation(evaluation_id=evaluated, policy=policy.gate)
    return (yield from steps.evaluate_challenger(ctx, judged))


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
        outcome=outcome,
        reasons=cap_reasons(reasons),
        run_id=run.run_id if run else None,
        version=version,
        data_version=run.dataset_version if run else None,
        commit=run.code.commit if run and run.code else None,
    )


def _recorded(ctx: StoryContext, request: TrainingRequest, result: TrainingResult) -> StoryEnd:
    facts = {
        "data": request.data_uri,
        "version": result.version,
        "commit": result.commit,
        "run": result.run_id,
    }
    return StoryEnd(
        instance_id=ctx.instance_id,
        story=TRAIN,
        model=request.model,
        outcome=result.outcome.value,
        reasons=result.reasons,
        facts={name: fact for name, fact in facts.items() if fact},
    )
