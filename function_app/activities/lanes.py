"""Activities of lanes."""

import asyncio

from function_app import names, steps
from function_app.domain.stories.lane import LaneHolder, LaneRequest, admissible
from function_app.ports import Ports, Stories


@steps.take_lane.activity
def take_lane(ports: Ports, request: LaneRequest) -> LaneHolder:
    """Enter the lane or its queue; idempotent."""
    return ports.ledger.take_lane(request, ports.clock.now())


@steps.leave_lane.story_activity
async def leave_lane(ports: Ports, request: LaneRequest, stories: Stories) -> None:
    """Leave the lane and wake the stories whose turn it is, so that they need not poll.

    Idempotent: a second attempt changes nothing, and an event has no effect when no story waits for
    it. When the event is lost, a waiting story enters at its next poll.
    """
    for owner in await asyncio.to_thread(_leave, ports, request):
        await stories.wake(owner, names.lane_event(request.lane))


def _leave(ports: Ports, request: LaneRequest) -> tuple[str, ...]:
    """Leave the lane; return the owners that may enter now."""
    ports.ledger.leave_lane(request.lane, request.owner)
    return admissible(ports.ledger.list_lanes(), request)
