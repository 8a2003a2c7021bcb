"""Activities of lanes."""

from function_app.domain.lane import LaneHolder, LaneRequest
from function_app.ports import Ports


def take_lane(ports: Ports, request: LaneRequest) -> LaneHolder:
    """Take a place in the lane, or find the one that an earlier attempt took."""
    return ports.ledger.take_lane(request, ports.clock.now())


def leave_lane(ports: Ports, request: LaneRequest) -> None:
    """Give the place up; nothing happens when it is gone already."""
    ports.ledger.leave_lane(request.lane, request.owner)
