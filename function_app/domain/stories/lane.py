"""Lanes: how many may be in at a time is the policy's; the others wait in order.

Per model there is one training and one rollout at a time; all trainings together share a lane.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRequest:
    """Let `owner`, a story that began at `since`, into a lane, for at most `hold` once it is in.

    At most `capacity` are in at a time.

    Who waits asks again within `patience`; one that asks no more has lost its place, so that a
    story that was terminated blocks nobody for good.
    """

    lane: ids.LaneName
    owner: ids.InstanceId
    since: datetime
    hold: timedelta
    patience: timedelta = timedelta(minutes=5)
    capacity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneHolder:
    """Who is first in the lane, and how many are before and behind the one who asked.

    Who has fewer before it than the lane holds is `inside`.
    """

    owner: ids.InstanceId
    ahead: int
    behind: int = 0
    inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlace:
    """A place in a lane: who has it, since when, and whether it is in or waits."""

    lane: ids.LaneName
    owner: ids.InstanceId
    since: datetime
    inside: bool


def admissible(places: tuple[LanePlace, ...], request: LaneRequest) -> tuple[str, ...]:
    """Return the owners that wait for the request's lane and for which it has room now.

    `places` holds each lane's places in their order: inside first, then by their turn.
    """
    first = [place for place in places if place.lane == request.lane][: request.capacity]
    return tuple(place.owner for place in first if not place.inside)


ALL_TRAININGS = "all-trainings"


def training_lane(model: str) -> str:
    """Return the lane of a model's trainings."""
    return f"train-{model}"


def rollout_lane(model: str) -> str:
    """Return the lane of what changes a model's production."""
    return f"rollout-{model}"
