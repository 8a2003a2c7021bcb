"""Waiting for a lane: ask, and ask again after longer and longer pauses."""

from datetime import timedelta

from function_app.domain.lane import LaneRequest
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext, Trail

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


def enter_lane(ctx: StoryContext, trail: Trail, request: LaneRequest) -> Story[int]:
    """Return once we are in the lane; the place in it is by when a story began.

    What returns is how many that began later wait behind us, when we had to wait.
    """
    pause, waited = FIRST_PAUSE, False
    while True:
        holder = yield from steps.take_lane(ctx, request)
        if holder.inside:
            return holder.behind if waited else 0
        waited = True
        trail.wait(
            "waiting for its turn", lane=request.lane, behind=holder.owner, ahead=str(holder.ahead)
        )
        yield ctx.create_timer(ctx.current_utc_datetime + pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def keep_lanes(ctx: StoryContext, lanes: list[LaneRequest]) -> Story[None]:
    """Extend the hold of lanes that this story is in, because its work begins again."""
    for lane in lanes:
        yield from steps.take_lane(ctx, lane)


def leave_lanes(ctx: StoryContext, lanes: list[LaneRequest]) -> Story[None]:
    """Give up the places, the last one first."""
    for lane in reversed(lanes):
        yield from steps.leave_lane(ctx, lane)
