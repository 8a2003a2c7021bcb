"""Give production back to the champion before the present one, and read back that it serves.

A person asked for it; the image to return to comes from the ledger, so that the request can only
name a release that was promoted before.
"""

from function_app.domain.release import ReleaseStatus
from function_app.domain.requests import ReleaseUpdate, RollBack, RollBackResult
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext, Trail


def roll_back(ctx: StoryContext, request: RollBack) -> Story[RollBackResult]:
    trail = Trail(ctx)
    trail.show("rolling back", image=request.former.digest if request.former else "none")
    served = yield from steps.roll_back_production(ctx, request)
    restored = served.image == request.former
    if restored and request.release is not None:
        update = ReleaseUpdate(release=request.release, status=ReleaseStatus.ROLLED_BACK)
        yield from steps.update_release(ctx, update)
    trail.show("rolled back" if restored else "failed")
    return RollBackResult(restored=restored, served=served.image)
