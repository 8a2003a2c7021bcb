"""Activities at the end of a story: its record, the notification, the cancellation."""

from function_app import steps
from function_app.domain.stories.cancellation import SettledCancellation, StoryId
from function_app.domain.stories.outcomes import StoryEnd
from function_app.ports import Ports
from function_app.services import story_ends


@steps.record_outcome.activity
def record_outcome(ports: Ports, end: StoryEnd) -> None:
    """Store the newest end of each kind of story and model; notify people when it is alarming."""
    story_ends.record(ports, end)


@steps.settle_cancellation.activity
def settle_cancellation(ports: Ports, story: StoryId) -> SettledCancellation:
    """Stop the runs of a cancelled story; return its cancellation, an empty one without any."""
    return SettledCancellation(cancellation=story_ends.settle_cancellation(ports, story))
