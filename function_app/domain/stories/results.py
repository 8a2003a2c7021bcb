"""The results of the stories, which the API shows as the output of an ended story."""

import json
from typing import Any

from function_app.domain.change.integration import IntegrationResult
from function_app.domain.codec import load
from function_app.domain.drift.watching import DriftReport
from function_app.domain.lineage.reproduction import ReproductionResult
from function_app.domain.platform import PlatformReport
from function_app.domain.reconciliation import ReconcileReport
from function_app.domain.release.release import ReleaseResult
from function_app.domain.requests import RollBackResult
from function_app.domain.training import TrainingResult
from function_app.errors import ContractError

StoryResult = (
    DriftReport
    | IntegrationResult
    | PlatformReport
    | ReconcileReport
    | ReleaseResult
    | ReproductionResult
    | RollBackResult
    | TrainingResult
)
RESULTS: dict[str, type[StoryResult]] = {
    "ensure_platform": PlatformReport,
    "integrate_change": IntegrationResult,
    "reconcile": ReconcileReport,
    "release_model": ReleaseResult,
    "reproduce_model": ReproductionResult,
    "roll_back": RollBackResult,
    "train_model": TrainingResult,
    "watch_production": DriftReport,
}


def result_of(story: str, output: Any) -> StoryResult | str | None:
    """Return the output of a story as the type of its results; None when there is no output.

    The text of an error is returned unchanged. Output of another form, such as that of an old
    version of a story, is returned as its JSON text.
    """
    if output is None or isinstance(output, str):
        return output
    if story in RESULTS:
        try:
            return load(RESULTS[story], output)
        except ContractError:
            pass
    return json.dumps(output)
