"""Carry out a person's order: roll back to a former champion, or take production down.

The input names the stored order. The activity that changes production reads the person and
the image from that order, so that an input without an order changes nothing.
"""

from dataclasses import replace
from datetime import timedelta

from function_app import steps
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.requests import ReleaseUpdate, RollBack, RollBackResult, RolledBack
from function_app.domain.stories.lane import LaneRequest, rollout_lane
from function_app.domain.stories.outcomes import NOT_RESTORED, ROLL_BACK, StoryEnd
from function_app.orchestrators.shared.lanes import in_lane
from function_app.orchestrators.shared.runs import ask_until
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext

ROLLOUT, RESTORATION = timedelta(hours=2), timedelta(minutes=30)


def roll_back(ctx: StoryContext, request: RollBack) -> Story[RollBackResult]:
    trail = Trail(ctx)
    lane = LaneRequest(
        lane=rollout_lane(request.model),
        owner=ctx.instance_id,
        since=ctx.current_utc_datetime,
        hold=ROLLOUT,
    )

    def work() -> Story[RolledBack]:
        trail.show("rolling back", image=request.former.digest if request.former else "none")
        # `restores` is for releases only: an input of this story must not undo one under way.
        return (yield from restore(ctx, replace(request, restores=None)))

    served = yield from in_lane(ctx, trail, [lane], work)
    restored = served.gave_back(request.former)
    # For an order, the activity has recorded the release that the order took back.
    if restored and request.release is not None and not request.order:
        update = ReleaseUpdate(
            release=request.release,
            status=ReleaseStatus.ROLLED_BACK,
            reasons=(request.reason,),
            rolled_back_by=request.by or None,
        )
        yield from steps.update_release(ctx, update)
    trail.show("rolled back" if restored else "failed")
    end = StoryEnd(
        instance_id=ctx.instance_id,
        story=ROLL_BACK,
        model=request.model,
        outcome="done" if restored else "failed",
        reasons=(request.reason if restored else NOT_RESTORED,),
    )
    yield from steps.record_outcome(ctx, end)
    return RollBackResult(restored=restored, served=served.image)


def restore(ctx: StoryContext, request: RollBack) -> Story[RolledBack]:
    """Return the traffic to the former image; return the image that production serves then."""
    return (
        yield from ask_until(
            ctx,
            "The roll-back",
            lambda: steps.roll_back_production(ctx, request),
            lambda answer: answer.done,
            RESTORATION,
            failure=lambda answer: answer.failure,
        )
    )
