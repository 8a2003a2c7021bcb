"""The state of a Deployment's rollout, and the reason of a failure."""

from typing import Any

from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterApi
from function_app.adapters.azure.production.kubernetes.manifests import ATTEMPT, FAILED, labels
from function_app.domain.text.redaction import redact
from function_app.errors import NotFoundError, PlatformError

_TAIL = 15
Json = dict[str, Any]


def is_complete(deployment: Json) -> bool:
    """Return whether every replica is of the newest template, and available."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    desired = spec.get("replicas", 1)
    return bool(
        deployment["metadata"].get("generation", 0) <= status.get("observedGeneration", -1)
        and desired > 0
        and status.get("updatedReplicas", 0) == desired
        and status.get("replicas", 0) == desired
        and status.get("availableReplicas", 0) >= desired
    )


def failure(deployment: Json) -> str | None:
    """Return why the rollout has failed, None while it may still succeed."""
    status = deployment.get("status") or {}
    if deployment["metadata"].get("generation", 0) > status.get("observedGeneration", -1):
        return None  # it speaks of the template before
    for condition in status.get("conditions") or []:
        reason = condition.get("reason", "")
        if condition.get("type") == "Progressing" and condition.get("status") == "False":
            return f"{reason}: {condition.get('message', '')}"
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return f"{reason}: {condition.get('message', '')}"
    return None


def is_reported(deployment: Json) -> bool:
    """Return whether the failure of the newest template was reported to its caller."""
    generation = str(deployment["metadata"].get("generation", 0))
    return (deployment["metadata"].get("annotations") or {}).get(FAILED) == generation


def mark_reported(api: ClusterApi, deployment: Json) -> None:
    """Store that the newest failure was reported: the next call starts an attempt."""
    generation = str(deployment["metadata"].get("generation", 0))
    change = {"metadata": {"annotations": {FAILED: generation}}}
    api.merge("Deployment", deployment["metadata"]["name"], change)


def restart(api: ClusterApi, deployment: Json, replicas: int) -> Json:
    """Start a new attempt: other pods of the same image, as `kubectl rollout restart` does."""
    number = str(deployment["metadata"].get("generation", 0) + 1)
    template = {"metadata": {"annotations": {ATTEMPT: number}}}
    change = {"spec": {"replicas": replicas, "template": template}}
    return api.merge("Deployment", deployment["metadata"]["name"], change)


def describe_pods(api: ClusterApi, model: str, version: str) -> str:
    """Return the last messages of a version's pods and events, for people who repair it."""
    messages: list[str] = []
    try:
        pods = api.list("Pod", labels(model, version))
        names = {pod["metadata"]["name"] for pod in pods}
        events = [
            event
            for event in api.list("Event")
            if event.get("involvedObject", {}).get("name") in names
            and event.get("type") == "Warning"
        ]
        messages += [f"{event.get('reason')}: {event.get('message')}" for event in events[-3:]]
        for pod in pods:
            for state in (pod.get("status") or {}).get("containerStatuses") or []:
                waiting = (state.get("state") or {}).get("waiting") or {}
                if waiting:
                    messages.append(f"{waiting.get('reason')}: {waiting.get('message', '')}")
        if pods:
            lines = api.log_tail(pods[0]["metadata"]["name"], _TAIL).splitlines()
            messages.append("Its log: " + " | ".join(lines[-_TAIL:]))
    except (NotFoundError, PlatformError) as error:
        messages.append(f"Further messages of the pods cannot be read ({error.code}).")
    # Replicas that fail alike say the same.
    return redact(" ".join(dict.fromkeys(messages)))[:1500]
