"""Steps that stories share: the preparation of data, the evaluation of a model, and limits."""

from collections.abc import Sequence
from datetime import timedelta

from function_app import steps
from function_app.domain.gates import GatePolicy
from function_app.domain.requests import EvaluationRequest, PreparationRequest
from function_app.domain.stories.lane import LaneRequest
from function_app.domain.training import Run, RunStatus
from function_app.orchestrators.shared.lanes import extend_lanes
from function_app.orchestrators.shared.runs import finish_run
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext

# A lane is held for longer than its runs may take, so that its end never lets a second run in.
LANE_MARGIN = timedelta(minutes=10)
EVALUATION_MARGIN = timedelta(minutes=2)


def prepare_data(
    ctx: StoryContext,
    trail: Trail,
    step: str,
    request: PreparationRequest,
    timeout: timedelta,
    poll_interval: timedelta,
) -> Story[Run]:
    """Return the run that computes the figures of the data and splits its rows, once it ended.

    The trail shows it as `step`.
    """

    def submit() -> Story[Run]:
        return (yield from steps.submit_preparation(ctx, request))

    trail.show(step, run_id=request.run_id)
    yield from submit()
    return (yield from finish_run(ctx, trail, step, request.run_id, submit, timeout, poll_interval))


def evaluate(
    ctx: StoryContext,
    trail: Trail,
    step: str,
    asked: EvaluationRequest,
    lanes: Sequence[LaneRequest],
    timeout: timedelta,
    poll_interval: timedelta,
) -> Story[str | Run]:
    """Return the id of the completed evaluation against the present champion, else its ended run.

    The trail shows it as `step`; `timeout` is the time limit of a training.
    """
    trail.show(step, run_id=asked.run.run_id)
    evaluated, limit = "", evaluation_timeout(asked.policy, timeout)

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
        ended = yield from finish_run(ctx, trail, step, evaluated, resubmit, limit, poll_interval)
        if ended.status is not RunStatus.COMPLETED:
            return ended


def evaluation_timeout(policy: GatePolicy, timeout: timedelta) -> timedelta:
    """Return the time limit of an evaluation; `timeout` is that of a training.

    Each command of the evaluation has the time of a training, so that the run itself can say which
    command was too slow.
    """
    return policy.evaluation_share() * timeout + EVALUATION_MARGIN
