"""Train a model on data that arrived, or on the newest when something else asks for it.

1. Store the data as a version.  2. Compute its figures and split its rows, in a run of
the platform's own code; judge the figures.  3. In the model's training lane, and in the lane of all
trainings, train on the rows that a training may see, unless newer data arrived while this story
waited for its turn.  4. Let challenger and champion predict the held-out rows, in another run of
the platform, and judge.  5. Register the model; its event starts the release.  6. Record the
outcome, and notify people when it is a failure.

Each run is awaited by its event, and polled in case none comes. A run that ended otherwise than
completed is outcome `failed`: only data and answers are judged, and only they are `rejected`.
"""

from function_app import steps
from function_app.domain.lineage.origin import Training
from function_app.domain.requests import (
    DatasetCheck,
    DatasetRequest,
    Evaluation,
    EvaluationRequest,
    PreparationRequest,
    Registration,
    RunRequest,
)
from function_app.domain.stories.lane import ALL_TRAININGS, LaneRequest, training_lane
from function_app.domain.stories.outcomes import TRAIN, StoryEnd
from function_app.domain.text.payload_limits import cap_reasons
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
from function_app.orchestrators.shared.cancellable import CancelledError, cancellable
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


def train_model(ctx: StoryContext, request: TrainingRequest) -> Story[TrainingResult]:
    trail = Trail(ctx)
    try:
        result = yield from cancellable(ctx, lambda waits: _run(waits, trail, request))
    except CancelledError as cancelled:
        result = _end(trail, TrainingOutcome.CANCELLED, (str(cancelled),))
    except Exception as fault:
        result = _end(trail, TrainingOutcome.FAILED, reasons_of(fault))
    yield from steps.record_outcome(ctx, _recorded(ctx, trail, request, result))
    return result


def _run(ctx: StoryContext, trail: Trail, request: TrainingRequest) -> Story[TrainingResult]:
    begun = ctx.current_utc_datetime
    trail.show("keeping data", data=request.data_uri or "the newest", why=request.reason)
    asked = DatasetRequest(model=request.model, uri=request.data_uri, etag=request.etag)
    answer = yield from steps.keep_dataset(ctx, asked)
    if answer.changed:
        return _end(trail, TrainingOutcome.SUPERSEDED, (answer.refused,))
    dataset = answer.dataset
    if dataset is None:
        return _end(trail, TrainingOutcome.REJECTED, (answer.refused,))
    trail.add_facts(data=request.data_uri or dataset.uri, data_version=dataset.version)
    prepared = yield from _prepare(ctx, trail, request, dataset)
    if isinstance(prepared, TrainingResult):
        return prepared

    policy = request.policy
    limit = evaluation_timeout(policy.gate, policy.timeout)
    # The hold is longer than the runs may take, because it only ends the lane of a lost story.
    hold = policy.timeout + 2 * limit + LANE_MARGIN
    own = LaneRequest(
        lane=training_lane(request.model), owner=ctx.instance_id, since=begun, hold=hold
    )
    every = LaneRequest(
        lane=ALL_TRAININGS,
        owner=ctx.instance_id,
        since=begun,
        hold=hold,
        capacity=policy.max_trainings,
    )

    def superseded(newer: int) -> TrainingResult | None:
        if not (newer and policy.newest_only and request.data_uri):
            return None
        reason = f"{newer} newer came while it waited; the newest is trained on."
        return _end(trail, TrainingOutcome.SUPERSEDED, (reason,))

    def train() -> Story[TrainingResult]:
        return (yield from _train(ctx, trail, request, dataset, prepared, [own, every]))

    return (yield from in_lane(ctx, trail, [own, every], train, instead=superseded))


def _prepare(
    ctx: StoryContext, trail: Trail, request: TrainingRequest, dataset: Dataset
) -> Story[str | TrainingResult]:
    """Return the id of the preparation whose rows may be trained on, or the end of the story."""
    policy = request.policy
    asked = PreparationRequest(
        run_id=preparation_id(request.model, request.cause),
        dataset=dataset,
        target=policy.data.target,
        instance_id=ctx.instance_id,
        group=policy.data.group,
        folds=policy.gate.folds,
    )

    ended = yield from prepare_data(
        ctx, trail, "checking data", asked, policy.timeout, policy.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        reason = f"The check of the data did not end. {unfinished(ended)}"
        return _end(trail, TrainingOutcome.FAILED, (reason,))
    check = DatasetCheck(
        preparation_id=ended.run_id,
        dataset=dataset,
        policy=policy.data,
        brought=bool(request.data_uri),
        arrival=request.arrival,
    )
    verdict = yield from steps.judge_dataset(ctx, check)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons)
    return ended.run_id


def _train(
    ctx: StoryContext,
    trail: Trail,
    request: TrainingRequest,
    dataset: Dataset,
    prepared: str,
    lanes: list[LaneRequest],
) -> Story[TrainingResult]:
    run = RunRequest(
        run_id=run_id(request.model, request.cause),
        dataset=dataset,
        preparation_id=prepared,
        instance_id=ctx.instance_id,
        code_version=request.code_version,
        started_by=request.started_by,
        caller=request.caller,
    )
    trail.show("training", run_id=run.run_id)
    policy = request.policy
    yield from steps.submit_training(ctx, run)

    def resubmit() -> Story[Run]:
        yield from extend_lanes(ctx, lanes)
        return (yield from steps.submit_training(ctx, run))

    ended = yield from finish_run(
        ctx, trail, "training", run.run_id, resubmit, policy.timeout, policy.poll_interval
    )
    if ended.status is not RunStatus.COMPLETED:
        return _end(trail, TrainingOutcome.FAILED, (unfinished(ended),), run=ended)

    evaluation = yield from _evaluate(ctx, trail, request, ended, prepared, lanes)
    if isinstance(evaluation, Run):
        # Without predictions there is no verdict.
        reason = f"The evaluation did not end. {unfinished(evaluation)}"
        return _end(trail, TrainingOutcome.FAILED, (reason,), run=ended)
    judged = Evaluation(evaluation_id=evaluation, policy=policy.gate)
    verdict = yield from steps.evaluate_challenger(ctx, judged)
    if not verdict.passed:
        return _end(trail, TrainingOutcome.REJECTED, verdict.reasons, run=ended)

    trail.show("registering", run_id=run.run_id)
    registration = Registration(
        run=ended,
        evaluation_id=evaluation,
        started_by=request.started_by,
        training=Training(
            instance_id=ctx.instance_id,
            began_at=request.arrival.claimed_at if request.arrival else None,
            data_uri=request.data_uri,
            stored_uri=dataset.uri,
            reason=request.reason,
            verdict=cap_reasons(verdict.reasons),
        ),
    )
    version = yield from steps.register_model(ctx, registration)
    return _end(
        trail, TrainingOutcome.REGISTERED, verdict.reasons, run=ended, version=version.version
    )


def _evaluate(
    ctx: StoryContext,
    trail: Trail,
    request: TrainingRequest,
    run: Run,
    prepared: str,
    lanes: list[LaneRequest],
) -> Story[str | Run]:
    """Return the id of the completed evaluation against today's champion, else its ended run."""
    trail.show("evaluating", run_id=run.run_id)
    evaluated, policy = "", request.policy
    asked = EvaluationRequest(
        run=run, preparation_id=prepared, instance_id=ctx.instance_id, policy=policy.gate
    )

    def resubmit() -> Story[Run]:
        nonlocal evaluated
        yield from extend_lanes(ctx, lanes)
        again = yield from steps.submit_evaluation(ctx, asked)
        evaluated = again.run_id
        return again

    while True:
        # The id names the champion, so that a new id shows that another one was promoted.
        evaluation = yield from steps.submit_evaluation(ctx, asked)
        if evaluation.run_id == evaluated:
            return evaluated
        evaluated = evaluation.run_id
        ended = yield from finish_run(
            ctx,
            trail,
            "evaluating",
            evaluated,
            resubmit,
            evaluation_timeout(policy.gate, policy.timeout),
            policy.poll_interval,
        )
        if ended.status is not RunStatus.COMPLETED:
            return ended


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


def _recorded(
    ctx: StoryContext, trail: Trail, request: TrainingRequest, result: TrainingResult
) -> StoryEnd:
    facts = {
        "data": request.data_uri or trail.facts.get("data"),
        "data_version": trail.facts.get("data_version"),
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
