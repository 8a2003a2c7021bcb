"""Definitions of a managed online endpoint that runs the app's own image, for Azure ML."""

from typing import TYPE_CHECKING

from function_app.adapters.azure.production.replicas import Replicas
from function_app.adapters.scoring_service.scoring_keys import FRONT, KEYS
from function_app.domain.release.serving import Image
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.ai.ml.entities import (
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
    )

ENVIRONMENT, PORT = "mlops-scoring", 8080
OWNER, VERSION, DIGEST, URI, RELEASE, FORMER = (
    "mlops",
    "version",
    "digest",
    "image",
    "release",
    "former",
)
PRODUCTION = "production"
_HEALTH = {"port": PORT, "path": "/healthz"}


def endpoint_of(name: str, model: str, replicas: Replicas) -> "ManagedOnlineEndpoint":
    """Return an endpoint that takes Entra tokens only.

    Its identity is its own, or the replicas' when these send something under it.
    """
    with importing():
        from azure.ai.ml.entities import (
            IdentityConfiguration,
            ManagedIdentityConfiguration,
            ManagedOnlineEndpoint,
        )

    endpoint = ManagedOnlineEndpoint(
        name=name, auth_mode="aad_token", tags={OWNER: PRODUCTION, "model": model}
    )
    if replicas.uses_identity(model) and replicas.identity:
        given = ManagedIdentityConfiguration(resource_id=replicas.identity)
        endpoint.identity = IdentityConfiguration(
            type="user_assigned", user_assigned_identities=[given]
        )
    return endpoint


def environment_of(image: Image) -> "Environment":
    """Return the image as an environment, with its port and its health and scoring paths."""
    with importing():
        from azure.ai.ml.entities import Environment

    return Environment(
        name=ENVIRONMENT,
        version=image.digest.removeprefix("sha256:")[:32],
        image=image.uri,
        inference_config={
            "liveness_route": _HEALTH,
            "readiness_route": _HEALTH,
            "scoring_route": {"port": PORT, "path": "/score"},
        },
        tags={OWNER: "scoring"},
    )


def deployment_of(
    name: str,
    endpoint: str,
    image: Image,
    *,
    environment: str,
    size: str,
    number: int,
    release_id: str,
    replicas: Replicas,
    keys: str,
) -> "ManagedOnlineDeployment":
    """Return the deployment of an image; its tags name the image.

    `keys` is the digest of the platform's own secret. Azure ML checks the callers, and the
    container has no other entrance.
    """
    with importing():
        from azure.ai.ml.entities import ManagedOnlineDeployment, ProbeSettings

    probe = ProbeSettings(period=10, initial_delay=5, failure_threshold=30, timeout=3)
    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint,
        environment=environment,
        environment_variables={
            **_environ(image, replicas),
            KEYS: keys,
            FRONT: "azure-ml",
        },
        instance_type=size,
        instance_count=number,
        liveness_probe=probe,
        readiness_probe=probe,
        tags={
            OWNER: PRODUCTION,
            VERSION: image.version,
            DIGEST: image.digest,
            URI: image.uri,
            RELEASE: release_id,
        },
    )


def _environ(image: Image, replicas: Replicas) -> dict[str, str]:
    environ = replicas.environ(image)
    if replicas.uses_identity(image.model):
        # An endpoint may have several identities; on a cluster the pods know theirs.
        environ["AZURE_CLIENT_ID"] = replicas.client_id
    return environ
