"""The places of one lane as a list, and what it becomes when somebody asks for one."""

from dataclasses import dataclass, replace
from datetime import datetime

from function_app.domain.stories.lane import LaneHolder, LaneRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place, kept until a time at which its owner must have asked again."""

    owner: str
    since: datetime
    until: datetime
    inside: bool = False


def take(
    places: tuple[Place, ...], request: LaneRequest, now: datetime
) -> tuple[tuple[Place, ...], LaneHolder]:
    """Return the places after a request, in their order, and who is in."""
    others = [p for p in places if p.owner != request.owner and p.until >= now]
    own = next((p for p in places if p.owner == request.owner), None)
    waits = now + request.patience
    mine = (
        replace(own, until=waits)
        if own
        else Place(owner=request.owner, since=request.since, until=waits)
    )
    # Who is in stays in, even when an older story asks late.
    queue = sorted([*others, mine], key=turn)
    ahead = queue.index(mine)
    inside = ahead < request.capacity
    if inside:
        queue[ahead] = replace(mine, inside=True, until=now + request.hold)
    holder = LaneHolder(
        owner=queue[0].owner, ahead=ahead, behind=len(queue) - ahead - 1, inside=inside
    )
    return tuple(queue), holder


def turn(place: Place) -> tuple[bool, datetime, str]:
    """Return what the places of a lane are sorted by."""
    return (not place.inside, place.since, place.owner)
