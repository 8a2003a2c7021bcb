"""Give production back to the champion before the present one, and read back that it serves.

A person asked for it; the image to return to comes from the ledger, so that the request can only
name a release that was promoted before.
"""

from function_app.domain.requests import RollBack, RollBackResult
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext, Trail


def roll_back(ctx: StoryContext, request: RollBack) -> Story[RollBackResult]:
    trail = Trail(ctx)
    trail.show("rolling back", image=request.former.digest if request.former else "none")
    served = yield from steps.roll_back_production(ctx, request)
    restored = served.image == request.former
    trail.show("rolled back" if restored else "failed")
    return RollBackResult(restored=restored, served=served.image)
