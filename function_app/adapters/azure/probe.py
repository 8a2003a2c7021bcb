"""Requests to a deployment; the answers are compared with the offline model's predictions."""

import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.production.kubernetes.cluster_api import ServiceProxy
from function_app.adapters.azure.production.online_endpoint.online_endpoint import RUNTIME
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.staging.staging import AzureStaging
from function_app.adapters.azure.staging.tls_proxy import trust
from function_app.adapters.scoring_service.scoring_probe import answers_without_key, ask
from function_app.domain.release.serving import Deployment, Environment, SmokeReport
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError

GOLDEN = "golden.json"
# An online endpoint says by this header which deployment answered.
_SERVED_BY = "azureml-model-deployment"


class AzureProbe:
    """Sends requests to a deployment over HTTP; its evaluation wrote the golden rows."""

    def __init__(
        self,
        connection: Connection,
        blobs: Blobs,
        keys: VaultKeys,
        staging: AzureStaging,
        proxy_of: Callable[[str], ServiceProxy] | None,
    ) -> None:
        """`keys` has the secrets, `staging` the container groups.

        `proxy_of` returns the proxy of a model on a cluster, None without a cluster. The app may be
        outside of the network of the cluster, so that it sends requests through the cluster's API.
        """
        self._connection, self._containers = connection, RunContainers(blobs)
        self._keys, self._staging, self._proxy_of = keys, staging, proxy_of

    def answers_without_key(self, model: str, endpoint: str) -> bool:
        if self._proxy_of is None:
            return answers_without_key(endpoint, verify=self._trusted())
        proxy = self._proxy_of(model)
        return answers_without_key(proxy.url, proxy_headers=proxy.headers, verify=proxy.verify)

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        content = self._containers.read(version.evaluation_id, specs.EVALUATION, GOLDEN)
        if content is None:
            text = f"{GOLDEN} of the evaluation {version.evaluation_id} is missing. Train again."
            raise NotFoundError(text)
        golden = json.loads(content)
        if deployment.environment is Environment.STAGING:
            return self._ask_staging(deployment, golden)
        secret = self._keys.production_secret(deployment.image.model)
        if deployment.runtime != RUNTIME:
            assert self._proxy_of is not None
            proxy = self._proxy_of(deployment.image.model)
            return ask(proxy.url, golden, secret, proxy_headers=proxy.headers, verify=proxy.verify)

        def digest_of(headers: Mapping[str, str]) -> str:
            served = headers.get(_SERVED_BY, "")
            return deployment.image.digest if served == deployment.deployment_id else served

        settings = self._connection.settings
        scope = f"{settings.aml_resource_id.rstrip('/')}/.default"
        token = self._connection.credential.get_token(scope).token
        return ask(
            deployment.endpoint,
            golden,
            secret,
            headers={"Authorization": f"Bearer {token}"},
            verify=self._trusted(),
            digest_of=digest_of,
        )

    def _ask_staging(self, deployment: Deployment, golden: dict[str, Any]) -> SmokeReport:
        release_id, certificate = self._staging.identity(deployment.deployment_id)
        secret, endpoint = self._keys.staging_secret(release_id), deployment.endpoint
        verify = trust(endpoint, certificate) if certificate else self._trusted()
        return ask(endpoint, golden, secret, verify=verify)

    def _trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._connection.settings.ca_file or None)
