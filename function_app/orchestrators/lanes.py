"""Waiting for a lane: ask again when its last holder leaves, and after longer and longer pauses."""

from datetime import timedelta

from function_app import names, steps
from function_app.domain.lane import LaneRequest
from function_app.orchestrators.clean_up import tolerate
from function_app.orchestrators.trail import Trail
from function_app.steps.context import Story, StoryContext

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


def enter_lane(ctx: StoryContext, trail: Trail, request: LaneRequest) -> Story[int]:
    """Return once we are in the lane; the place in it is by when a story began.

    What returns is how many that began later wait behind us, when we had to wait.

    The story that leaves the lane raises an event, which ends a pause. The timer is for an event
    that is lost, for a holder whose `hold` ends, and for a turn that an older story took.
    """
    pause, waited = FIRST_PAUSE, False
    # One wait for the whole loop: the SDK hands an event to the latest wait of its name, the host
    # to the first.
    event = ctx.wait_for_external_event(names.lane_event(request.lane))
    heard = False
    while True:
        holder = yield from steps.take_lane(ctx, request)
        if holder.inside:
            return holder.behind if waited else 0
        waited = True
        trail.wait(
            "waiting for its turn", lane=request.lane, behind=holder.owner, ahead=str(holder.ahead)
        )
        timer = ctx.create_timer(ctx.current_utc_datetime + pause)
        if heard:
            yield timer
        elif (yield ctx.task_any([event, timer])) is event:
            heard = True
            timer.cancel()
            pause = FIRST_PAUSE
            continue
        pause = min(2 * pause, LONGEST_PAUSE)


def keep_lanes(ctx: StoryContext, lanes: list[LaneRequest]) -> Story[None]:
    """Extend the hold of lanes that this story is in, because its work begins again."""
    for lane in lanes:
        yield from steps.take_lane(ctx, lane)


def leave_lanes(ctx: StoryContext, lanes: list[LaneRequest]) -> Story[None]:
    """Leave the lanes, the last one first.

    A failure is no fault of the story: its work is done or has failed by itself, and a lane that is
    not left ends with its `hold`.
    """
    for lane in reversed(lanes):
        yield from tolerate("A lane could not be left.", steps.leave_lane(ctx, lane))
