"""Names of functions, as Azure shows them; the one place where they are spelled."""

# Stories
ENSURE_PLATFORM = "ensure_platform"
INTEGRATE_CHANGE = "integrate_change"
TRAIN_MODEL = "train_model"
RELEASE_MODEL = "release_model"
ROLL_BACK = "roll_back"
RECONCILE = "reconcile"
WATCH_PRODUCTION = "watch_production"

# Activities
ENSURE_PART = "ensure_part"
KEEP_DATASET = "keep_dataset"
SUBMIT_PREPARATION = "submit_preparation"
JUDGE_DATASET = "judge_dataset"
SUBMIT_TRAINING = "submit_training"
SUBMIT_EVALUATION = "submit_evaluation"
GET_RUN = "get_run"
CANCEL_RUN = "cancel_run"
EVALUATE_CHALLENGER = "evaluate_challenger"
REGISTER_MODEL = "register_model"
RECORD_OUTCOME = "record_outcome"
SETTLE_CANCELLATION = "settle_cancellation"
TAKE_LANE = "take_lane"
LEAVE_LANE = "leave_lane"
BUILD_IMAGE = "build_image"
DEPLOY_STAGING = "deploy_staging"
SMOKE_TEST = "smoke_test"
REMOVE_STAGING = "remove_staging"
REQUEST_APPROVAL = "request_approval"
SETTLE_APPROVAL = "settle_approval"
GET_CHAMPION = "get_champion"
PROMOTE_CHALLENGER = "promote_challenger"
ROLL_BACK_PRODUCTION = "roll_back_production"
UPDATE_RELEASE = "update_release"
END_RELEASE = "end_release"
FETCH_CHANGE = "fetch_change"
SUBMIT_CHECKS = "submit_checks"
READ_CHECKS = "read_checks"
CHECK_REFERENCE_DATA = "check_reference_data"
PUBLISH_CODE = "publish_code"
REQUEST_TRAINING = "request_training"
TELL_CHANGE = "tell_change"
COMPARE_RECORDS = "compare_records"
COMPARE_PLATFORM = "compare_platform"
KEEP_FINDINGS = "keep_findings"
OBSERVE_PRODUCTION = "observe_production"
ANNOUNCE_DRIFT = "announce_drift"

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
    """Return the event that wakes a story which waits for this lane, because it is its turn."""
    return f"Lane-{lane}"


def cancel_event(instance_id: str) -> str:
    """Return the event that wakes a story which a person cancelled."""
    return f"Cancel-{instance_id}"
