"""The configuration of production's replicas: addresses of spans and prediction logs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from function_app.adapters.scoring_service.log_rules import log_rules
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.project import ModelProject
from function_app.domain.release.serving import Image
from function_app.settings.azure import AzureSettings
from function_app.telemetry import OTLP_ENDPOINT

# The variable in which the service reads which tokens it takes (scoring/entra.py).
ENTRA = "SCORING_ENTRA"
# The issuer of version 1 tokens, the default of an app registration, in the public cloud.
_V1_ISSUER = "https://sts.windows.net"
# The service account of their pods, by whose name infra/ makes Entra trust it.
ACCOUNT = "scoring"
# Below the only folder that a replica can write; half of its size limit.
_FOLDER, _FOLDER_BYTES = "/tmp/predictions", 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """The environment of replicas, and which ports they may reach.

    Spans go to the `collector`, else to the Application Insights of the connection string
    `insights`; `logs` is the address of the container that prediction logs go to. The latter two
    take the identity whose client id is `client_id`: without one nothing is sent there. `watched`
    are the policies of the models that are watched for drift. `entra` says which tokens of callers
    the service takes beside keys, "" for none. `rollout_seconds` is after how long
    without progress a rollout has failed.
    """

    collector: str = ""
    insights: str = ""
    logs: str = ""
    client_id: str = ""
    identity: str = ""
    entra: str = ""
    watched: Mapping[str, DriftPolicy] = field(default_factory=dict)
    rollout_seconds: int = 600

    def sends_logs(self, model: str) -> bool:
        """Return whether the replicas of a model send prediction logs."""
        return bool(self.logs and self.client_id and model in self.watched)

    def sends_spans(self) -> bool:
        """Return whether replicas send spans under their identity."""
        return bool(self.insights and self.client_id and not self.collector)

    def uses_identity(self, model: str) -> bool:
        """Return whether the replicas of a model need an identity."""
        return self.sends_spans() or self.sends_logs(model)

    def environ(self, image: Image) -> dict[str, str]:
        """Return the variables of the service that runs this image."""
        environ = {"IMAGE_DIGEST": image.digest, "MODEL_VERSION": image.version}
        if self.entra:
            environ[ENTRA] = self.entra
        if self.collector:
            environ[OTLP_ENDPOINT] = self.collector
        if self.sends_spans():
            environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = self.insights
        if self.sends_logs(image.model):
            environ |= log_rules(self.watched[image.model], _FOLDER)
            environ["PREDICTION_LOG_MAX_BYTES"] = str(_FOLDER_BYTES)
            environ["PREDICTION_LOG_BLOBS"] = f"{self.logs}/{image.model}"
        return environ

    def ports_out(self, model: str) -> tuple[int, ...]:
        """Return the TCP ports that replicas of a model send to."""
        ports = set()
        if self.collector:
            address = urlsplit(self.collector)
            ports.add(address.port or (443 if address.scheme == "https" else 80))
        if self.uses_identity(model) or self.entra:
            # Entra, which gives tokens and the keys to check them by, and Application Insights.
            ports.add(443)
        if self.sends_logs(model):
            ports.add(urlsplit(self.logs).port or 443)
        return tuple(sorted(ports))


def replicas_of(settings: AzureSettings, projects: Mapping[str, ModelProject]) -> Replicas:
    """Return the configuration of replicas from the settings."""
    return Replicas(
        collector=settings.collector,
        insights=settings.replica_insights,
        logs=f"{settings.blob_endpoint.rstrip('/')}/{settings.predictions_container}",
        client_id=settings.replica_client_id,
        identity=settings.replica_identity,
        rollout_seconds=settings.rollout_seconds,
        entra=_entra(settings),
        watched={name: p.drift for name, p in projects.items() if p.drift is not None},
    )


def _entra(settings: AzureSettings) -> str:
    """Return the accepted tokens of callers as JSON; "" when the service accepts keys only."""
    if not (settings.caller_audience and settings.tenant_id):
        return ""
    authority = f"{settings.authority.rstrip('/')}/{settings.tenant_id}"
    content = {
        "keys": f"{authority}/discovery/v2.0/keys",
        "issuers": [f"{authority}/v2.0", f"{_V1_ISSUER}/{settings.tenant_id}/"],
        "audience": settings.caller_audience,
        "roles": [settings.caller_role] if settings.caller_role else [],
        "apps": [app.strip() for app in settings.caller_apps.split(",") if app.strip()],
    }
    return json.dumps(content, sort_keys=True)
