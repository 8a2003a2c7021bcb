"""The address of production on a cluster, and the digests of the keys that it accepts.

Production is inside of the network by default. A model that mlops.toml makes public gets an ingress
with TLS that passes on `/score` and nothing else; there is no public address without TLS.

Sources: "Use an internal load balancer with AKS" and "Set up a custom domain name and SSL
certificate with the application routing add-on", Microsoft Learn.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass

from function_app.adapters.azure.production.kubernetes.manifests import (
    APP,
    PORT,
    VERSION,
    Json,
    keys_name,
    labels,
)
from function_app.errors import ConfigError
from function_app.settings.azure import AzureSettings

INTERNAL, CLUSTER = "internal", "cluster"
INTERNAL_BALANCER = "service.beta.kubernetes.io/azure-load-balancer-internal"
INGRESS_CLASS = "webapprouting.kubernetes.azure.com"
CERTIFICATE = "kubernetes.azure.com/tls-cert-keyvault-uri"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The exposure of models: `kind` is internal or cluster; `public` names public models.

    A public model has the address https://<model>.<domain>; `certificate` is the address of its
    certificate in Key Vault.
    """

    kind: str = INTERNAL
    public: frozenset[str] = frozenset()
    domain: str = ""
    certificate: str = ""

    def host(self, model: str) -> str:
        """Return the host name of a public model."""
        return f"{model}.{self.domain}"

    def service_type(self, model: str) -> str:
        """Return the type of a model's Service."""
        inside = self.kind == CLUSTER or model in self.public
        return "ClusterIP" if inside else "LoadBalancer"


def exposure_of(settings: AzureSettings, public: Collection[str]) -> Exposure:
    """Return the exposure of the settings; ConfigError when a model would be public without TLS."""
    kind = settings.cluster_exposure
    if kind not in (INTERNAL, CLUSTER):
        raise ConfigError(
            f"MLOPS_AZURE_CLUSTER_EXPOSURE is {kind!r}. Use {INTERNAL} or {CLUSTER}. A model is "
            "made public by `public = true` below [models.<model>.production] in mlops.toml, with "
            "MLOPS_AZURE_PUBLIC_DOMAIN and MLOPS_AZURE_PUBLIC_CERTIFICATE: only over https."
        )
    if public:
        given = {
            "MLOPS_AZURE_PUBLIC_DOMAIN": settings.public_domain,
            "MLOPS_AZURE_PUBLIC_CERTIFICATE": settings.public_certificate,
        }
        if absent := [name for name, value in given.items() if not value]:
            names = ", ".join(sorted(public))
            raise ConfigError(f"{names}: public production needs {' and '.join(absent)}.")
        if not settings.public_certificate.startswith("https://"):
            raise ConfigError(
                "MLOPS_AZURE_PUBLIC_CERTIFICATE must be "
                "https://<vault>.vault.azure.net/certificates/<name>."
            )
    return Exposure(
        kind=kind,
        public=frozenset(public),
        domain=settings.public_domain,
        certificate=settings.public_certificate,
    )


def service(
    namespace: str, model: str, version: str, exposure: Exposure, notes: dict[str, str]
) -> Json:
    """Return the Service of a model, whose selector names the version that has the traffic."""
    annotations, kind = dict(notes), exposure.service_type(model)
    if kind == "LoadBalancer":
        annotations[INTERNAL_BALANCER] = "true"
    return {
        "kind": "Service",
        "metadata": {
            "name": model,
            "namespace": namespace,
            "labels": labels(model),
            "annotations": annotations,
        },
        "spec": {
            "type": kind,
            "selector": {APP: model, VERSION: version},
            "ports": [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}],
        },
    }


def ingress(namespace: str, model: str, exposure: Exposure) -> Json:
    """Return the public way to a model: TLS ends here, and only `/score` is passed on."""
    host = exposure.host(model)
    backend = {"service": {"name": model, "port": {"number": 80}}}
    return {
        "kind": "Ingress",
        "metadata": {
            "name": model,
            "namespace": namespace,
            "labels": labels(model),
            "annotations": {
                CERTIFICATE: exposure.certificate,
                "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
            },
        },
        "spec": {
            "ingressClassName": INGRESS_CLASS,
            # The add-on keeps the certificate of the vault in this Secret.
            "tls": [{"hosts": [host], "secretName": f"keyvault-{model}"}],
            "rules": [
                {
                    "host": host,
                    "http": {
                        "paths": [{"path": "/score", "pathType": "Exact", "backend": backend}]
                    },
                }
            ],
        },
    }


def keys_secret(namespace: str, model: str, content: str) -> Json:
    """Return the Secret with the digests of a model's keys, which its pods mount."""
    return {
        "kind": "Secret",
        "metadata": {"name": keys_name(model), "namespace": namespace, "labels": labels(model)},
        "type": "Opaque",
        "data": {"keys.json": base64.b64encode(content.encode()).decode()},
    }
