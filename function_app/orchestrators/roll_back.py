"""Give production back to the champion before the present one, and read back that it serves.

A person asked for it; the image to return to comes from the ledger, so that the request can only
name a release that was promoted before.
"""

from datetime import timedelta

from function_app.domain.lane import LaneRequest, rollout_lane
from function_app.domain.outcomes import NOT_RESTORED, ROLL_BACK, StoryEnd
from function_app.domain.release import ReleaseStatus
from function_app.domain.requests import ReleaseUpdate, RollBack, RollBackResult, RolledBack
from function_app.orchestrators import steps
from function_app.orchestrators.lanes import enter_lane, leave_lanes
from function_app.orchestrators.runs import ask_until
from function_app.orchestrators.steps import Story, StoryContext, Trail

ROLLOUT, RESTORATION = timedelta(hours=2), timedelta(minutes=30)


def roll_back(ctx: StoryContext, request: RollBack) -> Story[RollBackResult]:
    trail = Trail(ctx)
    lane = LaneRequest(
        lane=rollout_lane(request.model),
        owner=ctx.instance_id,
        since=ctx.current_utc_datetime,
        hold=ROLLOUT,
    )
    yield from enter_lane(ctx, trail, lane)
    trail.show("rolling back", image=request.former.digest if request.former else "none")
    try:
        served = yield from restore(ctx, request)
    except Exception:
        yield from leave_lanes(ctx, [lane])
        raise
    yield from leave_lanes(ctx, [lane])
    restored = served.image == request.former
    if restored and request.release is not None:
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
    """Give the traffic back and return what production serves once that is done."""
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
