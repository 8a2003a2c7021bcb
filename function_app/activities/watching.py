"""Activities that watch production for drift."""

from function_app import steps
from function_app.domain.drift.watching import DriftAnnouncement, DriftReport, WatchRequest
from function_app.ports import Ports
from function_app.services import watching


@steps.observe_production.activity
def observe_production(ports: Ports, request: WatchRequest) -> DriftReport:
    """Add the new observations to the test and judge; notify people when they must act.

    Idempotent: while an alarm waits for its publication, no observations are added, so that a
    second attempt returns the alarm of the first.
    """
    return watching.observe(ports, request)


@steps.announce_drift.activity
def announce_drift(ports: Ports, announcement: DriftAnnouncement) -> None:
    """Publish the waiting alarm, then begin another test; idempotent by the event's cause."""
    watching.announce(ports, announcement)
