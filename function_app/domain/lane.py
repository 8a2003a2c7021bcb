"""Lanes: per model one training and one rollout at a time, the others wait in order."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRequest:
    """Let `owner`, a story that began at `since`, into a lane, for at most `hold` once it is in.

    Who waits asks again within `patience`; one that asks no more has lost its place, so that a
    story that was terminated blocks nobody for good.
    """

    lane: str
    owner: str
    since: datetime
    hold: timedelta
    patience: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneHolder:
    """Who is in the lane, and how many wait before and behind the one who asked."""

    owner: str
    ahead: int
    behind: int = 0


def training_lane(model: str) -> str:
    """Return the lane of a model's trainings."""
    return f"train-{model}"


def rollout_lane(model: str) -> str:
    """Return the lane of what changes a model's production."""
    return f"rollout-{model}"
