"""A lane is a durable semaphore: `capacity` stories hold it, others queue in the order of start.

Per model there is one training and one rollout at a time; all trainings together share a lane.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRequest:
    """Let `owner`, a story that began at `since`, into a lane, for at most `hold` once it is in.

    At most `capacity` stories are in at a time. A waiting story repeats the request within
    `patience`; otherwise its entry expires, so that a terminated story does not block the lane.
    """

    lane: ids.LaneName
    owner: ids.InstanceId
    since: datetime
    hold: timedelta
    patience: timedelta = timedelta(minutes=5)
    capacity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneHolder:
    """The first owner in the lane, and the numbers of entries before and behind the caller.

    The caller is `inside` when fewer entries are before it than the lane holds.
    """

    owner: ids.InstanceId
    ahead: int
    behind: int = 0
    inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntry:
    """A story in the queue of a lane; the entry expires at `until` unless its owner asks again."""

    owner: ids.InstanceId
    since: datetime
    until: datetime
    inside: bool = False

    @property
    def turn(self) -> tuple[bool, datetime, str]:
        """Return the sort key of the queue. An entry inside stays first, so that it keeps the lane
        when an older story asks late."""
        return (not self.inside, self.since, self.owner)


def enter(
    entries: Iterable[LaneEntry], request: LaneRequest, now: datetime
) -> tuple[LaneEntry, LaneHolder]:
    """Return the new entry of the request's owner, and the holder of the lane.

    Entries of other owners that expired before `now` do not count.
    """
    given = tuple(entries)
    others = [entry for entry in given if entry.owner != request.owner and entry.until >= now]
    own = next((entry for entry in given if entry.owner == request.owner), None)
    waits_until = now + request.patience
    own = (
        replace(own, until=waits_until)
        if own
        else LaneEntry(owner=request.owner, since=request.since, until=waits_until)
    )
    queue = sorted([*others, own], key=lambda entry: entry.turn)
    ahead = queue.index(own)
    inside = ahead < request.capacity
    if inside:
        own = replace(own, inside=True, until=now + request.hold)
    behind = len(queue) - ahead - 1
    return own, LaneHolder(owner=queue[0].owner, ahead=ahead, behind=behind, inside=inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePosition:
    """An entry of a lane: its owner, its beginning, and whether it is inside or waits."""

    lane: ids.LaneName
    owner: ids.InstanceId
    since: datetime
    inside: bool


def admissible(positions: tuple[LanePosition, ...], request: LaneRequest) -> tuple[str, ...]:
    """Return the waiting owners for which the request's lane has room now.

    `positions` holds each lane's entries in their order: inside first, then by their turn.
    """
    first = [entry for entry in positions if entry.lane == request.lane][: request.capacity]
    return tuple(entry.owner for entry in first if not entry.inside)


ALL_TRAININGS = "all-trainings"


def training_lane(model: str) -> str:
    """Return the lane of a model's trainings."""
    return f"train-{model}"


def rollout_lane(model: str) -> str:
    """Return the lane of all changes of a model's production."""
    return f"rollout-{model}"
