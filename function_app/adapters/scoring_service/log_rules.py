"""Variables that let a scoring service log predictions (read by scoring/prediction_log.py)."""

from function_app.domain.drift.retraining import DriftPolicy

LOG_FOLDER = "PREDICTION_LOG"


def log_rules(policy: DriftPolicy, folder: str) -> dict[str, str]:
    """Return the variables of a service whose model is watched with this policy."""
    inputs = ",".join(policy.columns) if policy.columns else "all"
    return {
        LOG_FOLDER: folder,
        "PREDICTION_LOG_SAMPLE": str(policy.sample),
        "PREDICTION_LOG_INPUTS": inputs if policy.log_inputs else "none",
    }
