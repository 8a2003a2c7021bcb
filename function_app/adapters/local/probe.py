"""Requests to a deployment, compared with what the offline model said of the same rows."""

import json

from function_app.adapters.local.registry import evaluation_of
from function_app.adapters.scoring_probe import ask
from function_app.domain.serving import Deployment, SmokeReport
from function_app.domain.training import ModelVersion


class LocalProbe:
    """Asks a deployment over HTTP."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        golden = json.loads((evaluation_of(version) / "golden.json").read_text(encoding="utf-8"))
        return ask(deployment.endpoint, golden)
