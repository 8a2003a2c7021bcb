"""Waiting for a lane: ask, and ask again after longer and longer pauses."""

from datetime import timedelta

from function_app.domain.lane import LaneRequest
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext, Trail

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


def enter_lane(ctx: StoryContext, trail: Trail, request: LaneRequest) -> Story[int]:
    """Return once the lane is ours; the place in it is by when a story began.

    What returns is how many that began later wait behind us, when we had to wait.
    """
    pause, waited = FIRST_PAUSE, False
    while True:
        holder = yield from steps.take_lane(ctx, request)
        if holder.owner == request.owner:
            return holder.behind if waited else 0
        waited = True
        trail.wait("waiting for its turn", behind=holder.owner, ahead=str(holder.ahead))
        yield ctx.create_timer(ctx.current_utc_datetime + pause)
        pause = min(2 * pause, LONGEST_PAUSE)
