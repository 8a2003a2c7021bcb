"""Who the replicas' pods are to Entra, and what may reach them and be reached by them."""

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
    """Return what lets requests in to the service's port, and out only what replicas send."""
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
