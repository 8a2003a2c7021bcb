"""Names of functions, as Azure shows them; the one place where they are spelled."""

# Stories
ENSURE_PLATFORM = "ensure_platform"
TRAIN_MODEL = "train_model"
RELEASE_MODEL = "release_model"

# Activities
PREPARE_PLATFORM = "prepare_platform"
VALIDATE_DATASET = "validate_dataset"
SUBMIT_TRAINING = "submit_training"
GET_RUN = "get_run"
EVALUATE_CHALLENGER = "evaluate_challenger"
REGISTER_MODEL = "register_model"
RECORD_OUTCOME = "record_outcome"
BUILD_IMAGE = "build_image"
DEPLOY_STAGING = "deploy_staging"
SMOKE_TEST_STAGING = "smoke_test_staging"
REMOVE_STAGING = "remove_staging"
REQUEST_APPROVAL = "request_approval"
READ_DECISION = "read_decision"
EXPIRE_APPROVAL = "expire_approval"
GET_CHAMPION = "get_champion"
PROMOTE_CHALLENGER = "promote_challenger"
VERIFY_PRODUCTION = "verify_production"
ROLL_BACK_PRODUCTION = "roll_back_production"

# External events
RUN_COMPLETED_EVENT = "RunCompleted"


def decision_event(release_id: str) -> str:
    """Return the event that wakes the one wait for a decision on this release."""
    return f"Decision-{release_id}"
