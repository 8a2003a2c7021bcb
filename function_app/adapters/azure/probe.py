"""Requests to a deployment, compared with what the offline model said of the same rows."""

import json
from collections.abc import Mapping

from function_app.adapters.azure import run_specs as specs
from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.connection import Connection
from function_app.adapters.azure.online_endpoint import RUNTIME
from function_app.adapters.scoring_probe import ask
from function_app.domain.serving import Deployment, SmokeReport
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError

GOLDEN = "golden.json"
# An online endpoint says by this header which deployment answered.
_SERVED_BY = "azureml-model-deployment"


class AzureProbe:
    """Asks a deployment over HTTP; the golden rows are those that its evaluation wrote."""

    def __init__(self, connection: Connection, blobs: Blobs) -> None:
        self._connection, self._blobs = connection, blobs

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        name = f"{specs.output_folder(version.evaluation_id, specs.EVALUATION)}/{GOLDEN}"
        content = self._blobs.read(name)
        if content is None:
            raise NotFoundError(f"{name} is missing. Train again.")
        golden, settings = json.loads(content), self._connection.settings
        if deployment.runtime != RUNTIME:
            return ask(deployment.endpoint, golden, ca_file=settings.ca_file)

        def digest_of(headers: Mapping[str, str]) -> str:
            served = headers.get(_SERVED_BY, "")
            return deployment.image.digest if served == deployment.deployment_id else served

        scope = f"{settings.aml_resource_id.rstrip('/')}/.default"
        token = self._connection.credential.get_token(scope).token
        return ask(
            deployment.endpoint,
            golden,
            headers={"Authorization": f"Bearer {token}"},
            ca_file=settings.ca_file,
            digest_of=digest_of,
        )
