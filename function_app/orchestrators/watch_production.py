"""Watch the inputs and labels of production, and request a retraining when they have drifted.

1. Read the new observations, add them to the test, and judge: one activity, because state and
cursor must change together.  2. When a retraining is due, publish its event, which comes
back through the inbox like any other.

Each check is one instance: the timer starts `watch-<model>` again after each interval, when the
last check has ended. The state between checks is in the ledger, not in the input of an eternal
story. Therefore a history has two activities, a check takes the policy of the current mlops.toml,
and a failed check delays the next one and loses nothing. A new champion begins a new test in the
activity, because only production knows the champion.
"""

from function_app import steps
from function_app.domain.drift.watching import DriftAnnouncement, DriftReport, WatchRequest
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext


def watch_production(ctx: StoryContext, request: WatchRequest) -> Story[DriftReport]:
    trail = Trail(ctx)
    trail.show("reading the requests of production", model=request.model)
    report = yield from steps.observe_production(ctx, request)
    if report.report_id:
        trail.show("announcing drift", report_id=report.report_id, reason=report.reason)
        announcement = DriftAnnouncement(model=request.model, report_id=report.report_id)
        yield from steps.announce_drift(ctx, announcement)
    trail.show(report.verdict.value, version=report.version, reason=report.reason)
    return report
