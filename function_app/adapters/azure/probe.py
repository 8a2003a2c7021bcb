"""Requests to a deployment, compared with what the offline model said of the same rows."""

import json

from function_app.adapters.azure import run_specs as specs
from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.scoring_probe import ask
from function_app.domain.serving import Deployment, SmokeReport
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError

GOLDEN = "golden.json"


class AzureProbe:
    """Asks a deployment over HTTP; the golden rows are those that the model's run wrote."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        name = f"{specs.output_folder(version.run_id, specs.TRAINING)}/{GOLDEN}"
        content = self._blobs.read(name)
        if content is None:
            raise NotFoundError(f"{name} is missing. Train again.")
        return ask(deployment.endpoint, json.loads(content))
