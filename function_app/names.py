"""Names of stories and of external events, as Azure shows them; function_app/steps has the rest."""

# Stories
ENSURE_PLATFORM = "ensure_platform"
INTEGRATE_CHANGE = "integrate_change"
TRAIN_MODEL = "train_model"
RELEASE_MODEL = "release_model"
ROLL_BACK = "roll_back"
RECONCILE = "reconcile"
WATCH_PRODUCTION = "watch_production"
REPRODUCE_MODEL = "reproduce_model"

# External events


def decision_event(release_id: str, wait: int = 0) -> str:
    """Return the event that ends a release's wait for a decision; its waits count from 0.

    Each wait has a name of its own. The host starts a wait once, with the race that names it first,
    so that a later race over the same wait would end by its timer only.
    """
    return f"Decision-{release_id}-{wait}" if wait else f"Decision-{release_id}"


def run_completed_event(run_id: str) -> str:
    """Return the event that wakes the one wait for the end of this run."""
    return f"RunCompleted-{run_id}"


def image_pushed_event(release_id: str) -> str:
    """Return the event that wakes the one wait for the image of this release."""
    return f"ImagePushed-{release_id}"


def lane_event(lane: str) -> str:
    """Return the name of the event that wakes a story whose turn in this lane has come."""
    return f"Lane-{lane}"


def cancel_event(instance_id: str) -> str:
    """Return the name of the event that wakes a story which a person cancelled."""
    return f"Cancel-{instance_id}"
