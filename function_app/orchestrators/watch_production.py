"""Look at what production saw, and ask for a retraining when it has drifted.

1. Read what was logged since the last look, add it to the test, and judge: one activity, because
state and cursor must move together.  2. When a retraining is due, publish its event, which comes
back through the inbox like any other.

One look is one instance: the timer starts `watch-<model>` again after each interval, when the last
look has ended. What is known between looks lies in the ledger, not in the input of an eternal
story: so a history holds two activities, never changes under a running instance, takes the policy
of today's mlops.toml, and a look that failed delays the next one and loses nothing. A new champion
begins a new test in the activity, since only production knows who it is.
"""

from function_app import steps
from function_app.domain.drift.watching import DriftAnnouncement, DriftReport, WatchRequest
from function_app.orchestrators.trail import Trail
from function_app.steps.context import Story, StoryContext


def watch_production(ctx: StoryContext, request: WatchRequest) -> Story[DriftReport]:
    trail = Trail(ctx)
    trail.show("reading what production saw", model=request.model)
    report = yield from steps.observe_production(ctx, request)
    if report.report_id:
        trail.show("announcing drift", report_id=report.report_id, reason=report.reason)
        announcement = DriftAnnouncement(model=request.model, report_id=report.report_id)
        yield from steps.announce_drift(ctx, announcement)
    trail.show(report.verdict.value, version=report.version, reason=report.reason)
    return report
