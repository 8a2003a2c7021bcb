"""Lanes: wait for them, hold them during work, and leave them also after an error."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from function_app import names, steps
from function_app.domain.stories.lane import LaneHolder, LaneRequest
from function_app.orchestrators.shared.clean_up import tolerate
from function_app.orchestrators.shared.trail import Trail
from function_app.orchestrators.shared.waits import OneEvent, doubling, wait_until
from function_app.steps.context import Story, StoryContext

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


class LaneEvents:
    """The listeners of a story for its turns: one for each lane, also when it enters it again."""

    def __init__(self, ctx: StoryContext) -> None:
        self._ctx = ctx
        self._by_lane: dict[str, OneEvent] = {}

    def of(self, lane: str) -> OneEvent:
        """Return the story's one listener for its turns in this lane."""
        if lane not in self._by_lane:
            self._by_lane[lane] = OneEvent(self._ctx, names.lane_event(lane))
        return self._by_lane[lane]


def in_lane(
    ctx: StoryContext,
    trail: Trail,
    lanes: Sequence[LaneRequest],
    work: Callable[[], Story[T]],
    *,
    instead: Callable[[int], T | None] = lambda behind: None,
    events: LaneEvents | None = None,
) -> Story[T]:
    """Enter the lanes in their order, do the work, leave the lanes, and return the work's result.

    `instead` gets the number of stories that wait behind this one in the first lane, 0 when this
    story did not have to wait. A result of `instead` replaces the work and the entry of the other
    lanes. The lanes are left after an error, too. A story that enters a lane more than once passes
    its `events`.
    """
    first, *others = lanes
    events = events or LaneEvents(ctx)
    try:
        result = instead((yield from enter_lane(ctx, trail, first, events)))
        if result is None:
            for lane in others:
                yield from enter_lane(ctx, trail, lane, events)
            result = yield from work()
    except Exception:
        yield from _leave_lanes(ctx, lanes)
        raise
    yield from _leave_lanes(ctx, lanes)
    return result


def enter_lane(
    ctx: StoryContext, trail: Trail, request: LaneRequest, events: LaneEvents
) -> Story[int]:
    """Enter the lane when it is this story's turn, which is by the time when it began.

    Return how many stories that began later wait behind this one; 0 when it did not have to wait.
    The story that leaves the lane raises an event, which ends a pause. The timer ends it when that
    event is lost, when a holder's `hold` has ended, or when an older story took the turn.
    """
    waited = False

    def take() -> Story[LaneHolder]:
        nonlocal waited
        holder = yield from steps.take_lane(ctx, request)
        if not holder.inside:
            waited = True
            ahead = str(holder.ahead)
            trail.wait("waiting for its turn", lane=request.lane, behind=holder.owner, ahead=ahead)
        return holder

    holder = yield from wait_until(
        ctx,
        take,
        lambda holder: holder.inside,
        doubling(FIRST_PAUSE, LONGEST_PAUSE),
        wakes=events.of(request.lane),
        pauses_when_woken=doubling(FIRST_PAUSE, LONGEST_PAUSE),
    )
    return holder.behind if waited else 0


def extend_lanes(ctx: StoryContext, lanes: Sequence[LaneRequest]) -> Story[None]:
    """Extend the hold of the lanes that this story is in, because its work begins again."""
    for lane in lanes:
        yield from steps.take_lane(ctx, lane)


def _leave_lanes(ctx: StoryContext, lanes: Sequence[LaneRequest]) -> Story[None]:
    """Leave the lanes, the last one first.

    An error here does not fail the story, because its work has ended already, and the hold of a
    lane that is not left ends with its `hold`.
    """
    for lane in reversed(lanes):
        yield from tolerate("A lane could not be left.", steps.leave_lane(ctx, lane))
