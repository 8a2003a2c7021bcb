"""Steps that the training and the reproduction of a model share: the preparation, and limits."""

from datetime import timedelta

from function_app import steps
from function_app.domain.gates import GatePolicy
from function_app.domain.requests import PreparationRequest
from function_app.domain.training import Run
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


def evaluation_timeout(policy: GatePolicy, timeout: timedelta) -> timedelta:
    """Return the time limit of an evaluation; `timeout` is that of a training.

    Each command of the evaluation has the time of a training, so that the run itself can say which
    command was too slow.
    """
    return policy.evaluation_share() * timeout + EVALUATION_MARGIN
