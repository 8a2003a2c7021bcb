"""The Kubernetes objects of one model: a Deployment per release behind one Service.

The cluster decides the API version in which an object is sent (cluster_kinds.py).
"""

from typing import Any

from function_app.adapters.azure.production.replicas import ACCOUNT, Replicas
from function_app.adapters.scoring_service.scoring_keys import KEYS_FILE
from function_app.domain.release.serving import Image

PORT = 8080
# Figures, without a key: only pods of the cluster get there (pod_access.py).
METRICS_PORT = 8081
# The path at which a pod mounts the digests of its keys.
_KEYS_FOLDER = "/keys"
USER = 10001  # any number but 0: a cluster cannot tell that a name is not root's
NOTHING = "none"  # the version that the Service of a model without a champion names
APP, VERSION, PART = "app", "version", "app.kubernetes.io/managed-by"
RELEASE, DIGEST, REPLICAS, FORMER = (
    "mlops/release",
    "mlops/digest",
    "mlops/replicas",
    "mlops/former",
)
# The generation whose failure was reported; on the pods' template, which attempt they belong to.
FAILED, ATTEMPT = "mlops/failed", "mlops/attempt"
IDENTITY = "azure.workload.identity/use"
_PROBE = {"httpGet": {"path": "/healthz", "port": PORT}, "timeoutSeconds": 3}

Json = dict[str, Any]


def deployment_name(model: str, version: str) -> str:
    """Return the name of the objects of one version of a model."""
    return f"m-{model}-{version}"


def labels(model: str, version: str | None = None) -> dict[str, str]:
    """Return the labels that select a model's objects, of one version or of all."""
    labels_of_model = {APP: model, PART: "mlops"}
    return labels_of_model if version is None else {**labels_of_model, VERSION: version}


def keys_name(model: str) -> str:
    """Return the name of the Secret with the digests of a model's keys."""
    return f"{model}-keys"


def deployment(
    namespace: str, release_id: str, image: Image, number: int, replicas: Replicas
) -> Json:
    """Return the Deployment of an image, by digest and with no more rights than it needs."""
    chosen = labels(image.model, image.version)
    notes = {RELEASE: release_id, DIGEST: image.digest, REPLICAS: str(number)}
    somebody = replicas.uses_identity(image.model)
    return {
        "kind": "Deployment",
        "metadata": {
            "name": deployment_name(image.model, image.version),
            "namespace": namespace,
            "labels": chosen,
            "annotations": {**notes, "kubernetes.io/change-cause": f"{release_id} {image.digest}"},
        },
        "spec": {
            "replicas": number,
            "progressDeadlineSeconds": replicas.rollout_seconds,
            "minReadySeconds": 5,
            "revisionHistoryLimit": 2,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": {APP: image.model, VERSION: image.version}},
            "template": {
                "metadata": {
                    # The label asks the cluster for the account's token of Entra.
                    "labels": {**chosen, **({IDENTITY: "true"} if somebody else {})},
                    "annotations": notes,
                },
                "spec": _pod(image, replicas),
            },
        },
    }


def _pod(image: Image, replicas: Replicas) -> Json:
    account = {"serviceAccountName": ACCOUNT} if replicas.uses_identity(image.model) else {}
    return {
        **account,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {APP: image.model, VERSION: image.version}},
            }
        ],
        "containers": [_container(image, replicas)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            # Mounted and not in the environment: kubelet renews the files after a rotation.
            {"name": "keys", "secret": {"secretName": keys_name(image.model)}},
        ],
    }


def _container(image: Image, replicas: Replicas) -> Json:
    environ = {
        **replicas.environ(image),
        KEYS_FILE: f"{_KEYS_FOLDER}/keys.json",
        "SCORING_METRICS_PORT": str(METRICS_PORT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {
        "name": "scoring",
        "image": image.uri,
        "imagePullPolicy": "IfNotPresent",
        "ports": [
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "env": [{"name": name, "value": value} for name, value in environ.items()],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        },
        # A slow start is no dead container: half of the rollout's time may pass before a restart.
        "startupProbe": {
            **_PROBE,
            "periodSeconds": 2,
            "failureThreshold": replicas.rollout_seconds // 4,
        },
        "readinessProbe": {**_PROBE, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**_PROBE, "periodSeconds": 10, "failureThreshold": 6},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "keys", "mountPath": _KEYS_FOLDER, "readOnly": True},
        ],
    }


def companions(namespace: str, image: Image, number: int) -> list[Json]:
    """Return the objects that keep replicas available and scale them."""
    name, chosen = deployment_name(image.model, image.version), labels(image.model, image.version)
    metadata = {"name": name, "namespace": namespace, "labels": chosen}
    selector = {"matchLabels": {APP: image.model, VERSION: image.version}}
    return [
        {
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": {"maxUnavailable": 1, "selector": selector},
        },
        {
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": number,
                "maxReplicas": 3 * number,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 70},
                        },
                    }
                ],
            },
        },
    ]
