"""The identity of the replicas' pods in Entra, and their network policy."""

from function_app.adapters.azure.production.kubernetes.manifests import (
    APP,
    METRICS_PORT,
    PART,
    PORT,
    Json,
    labels,
)
from function_app.adapters.azure.production.replicas import ACCOUNT, Replicas


def service_account(namespace: str, replicas: Replicas) -> Json:
    """Return the account that replicas run under: the cluster vouches for it to Entra."""
    return {
        "kind": "ServiceAccount",
        "metadata": {
            "name": ACCOUNT,
            "namespace": namespace,
            "labels": {PART: "mlops"},
            "annotations": {"azure.workload.identity/client-id": replicas.client_id},
        },
        "automountServiceAccountToken": False,
    }


def network_policy(namespace: str, model: str, replicas: Replicas) -> Json:
    """Return the policy that admits requests to the service and lets replicas send data."""
    ports = replicas.ports_out(model)
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": model, "namespace": namespace, "labels": labels(model)},
        "spec": {
            "podSelector": {"matchLabels": {APP: model}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"ports": [{"protocol": "TCP", "port": PORT}]},
                # Pods of any namespace of this cluster, such as a collector of metrics.
                {
                    "from": [{"namespaceSelector": {}}],
                    "ports": [{"protocol": "TCP", "port": METRICS_PORT}],
                },
            ],
            **({"egress": _ways_out(ports)} if ports else {}),
        },
    }


def _ways_out(ports: tuple[int, ...]) -> list[Json]:
    """Return the ways out to these ports, and to names."""
    names = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return [{"ports": [{"protocol": "TCP", "port": port} for port in ports]}, {"ports": names}]
