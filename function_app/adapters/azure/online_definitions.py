"""What is asked of Azure ML for a managed online endpoint that runs our own image."""

from typing import Any

from function_app.domain.serving import Image
from function_app.telemetry import OTLP_ENDPOINT

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


def endpoint_of(name: str, model: str) -> Any:
    """Return an endpoint that takes Entra tokens only."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    tags = {OWNER: PRODUCTION, "model": model}
    return ManagedOnlineEndpoint(name=name, auth_mode="aad_token", tags=tags)


def environment_of(image: Image) -> Any:
    """Return the image as an environment, which tells where it serves."""
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
    replicas: int,
    release_id: str,
    collector: str = "",
) -> Any:
    """Return the deployment of an image; its tags say what it runs."""
    from azure.ai.ml.entities import ManagedOnlineDeployment, ProbeSettings

    probe = ProbeSettings(period=10, initial_delay=5, failure_threshold=30, timeout=3)
    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint,
        environment=environment,
        environment_variables={
            "IMAGE_DIGEST": image.digest,
            **({OTLP_ENDPOINT: collector} if collector else {}),
        },
        instance_type=size,
        instance_count=replicas,
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
