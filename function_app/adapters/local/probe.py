"""Requests to a deployment; the answers are compared with the offline model's predictions."""

import json

from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.registry import evaluation_of
from function_app.adapters.local.staging import STAGING
from function_app.adapters.scoring_service.scoring_probe import answers_without_key, ask
from function_app.domain.release.serving import Deployment, Environment, SmokeReport
from function_app.domain.training import ModelVersion


class LocalProbe:
    """Sends requests to a deployment over HTTP."""

    def __init__(self, keys: LocalKeys) -> None:
        self._keys = keys

    def answers_without_key(self, model: str, endpoint: str) -> bool:
        return answers_without_key(endpoint)

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        golden = json.loads((evaluation_of(version) / "golden.json").read_text(encoding="utf-8"))
        if deployment.environment is Environment.PRODUCTION:
            secret = self._keys.production_secret(deployment.image.model)
        else:
            secret = self._keys.staging_secret(deployment.deployment_id.removeprefix(STAGING))
        return ask(deployment.endpoint, golden, secret)
