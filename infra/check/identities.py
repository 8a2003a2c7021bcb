"""Checks that the right identity, container or resource is passed; the compiler sees only texts."""

from collections.abc import Iterator
from typing import Any

from function_app.settings.azure import PREFIX
from infra.check.arm import Compiled, Configuration, Problem, Resource, text_of

_COMPUTES = "Microsoft.MachineLearningServices/workspaces/computes"
_STORAGE = "functionAppConfig.deployment.storage"
_KUBELET = "properties.identityProfile.kubeletidentity"
# Type of resource: paths of its body, and the label of the resource that each must name.
PASSED: dict[str, dict[str, str]] = {
    "Microsoft.Web/sites": {
        "identity": "id-app",
        "properties.keyVaultReferenceIdentity": "id-app",
        f"properties.{_STORAGE}.authentication.userAssignedIdentityResourceId": "id-app",
        f"properties.{_STORAGE}.value": "sthost",
        "properties.serverFarmId": "plan",
    },
    "Microsoft.ContainerService/managedClusters": {
        "identity": "id-cluster",
        f"{_KUBELET}.resourceId": "id-kubelet",
        f"{_KUBELET}.clientId": "id-kubelet",
        f"{_KUBELET}.objectId": "id-kubelet",
    },
    "Microsoft.MachineLearningServices/workspaces": {
        "properties.storageAccount": "stml",
        "properties.keyVault": "kvml",
        "properties.containerRegistry": "cr",
        "properties.applicationInsights": "appi",
    },
    "Microsoft.Insights/components": {"properties.WorkspaceResourceId": "log"},
}
# Settings of the app, and the label of the resource that each must name.
SETTINGS = {
    "AZURE_CLIENT_ID": "id-app",
    "AzureWebJobsStorage__clientId": "id-app",
    "AzureWebJobsStorage__blobServiceUri": "sthost",
    "AzureWebJobsStorage__queueServiceUri": "sthost",
    "AzureWebJobsStorage__tableServiceUri": "sthost",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "id-app",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "appi",
    "MLOPS_TOPIC_ENDPOINT": "evgt-mlops",
    f"{PREFIX}CLIENT_ID": "id-app",
    f"{PREFIX}COMPUTE_IDENTITY": "id-training",
    f"{PREFIX}JUDGE_IDENTITY": "id-judge",
    f"{PREFIX}CHECKS_IDENTITY": "id-checks",
    f"{PREFIX}STAGING_IDENTITY": "id-staging",
    f"{PREFIX}REPLICA_IDENTITY": "id-replica",
    f"{PREFIX}REPLICA_CLIENT_ID": "id-replica",
    f"{PREFIX}REPLICA_INSIGHTS": "appi",
    f"{PREFIX}KEYS_VAULT": "kv",
    f"{PREFIX}REGISTRY_SERVER": "cr",
}
SCHEDULER = "DURABLE_TASK_SCHEDULER_CONNECTION_STRING"
# Settings that are a name without its suffix, or an address with it.
NAMES = {
    f"{PREFIX}WORKSPACE": "mlw-{}",
    f"{PREFIX}REGISTRY": "cr{}",
    f"{PREFIX}CLUSTER": "aks-{}",
    f"{PREFIX}TABLES_ENDPOINT": "https://stdata{}.table.core.windows.net",
    f"{PREFIX}BLOB_ENDPOINT": "https://stdata{}.blob.core.windows.net",
}
GROUPS = {f"{PREFIX}RESOURCE_GROUP": "rg", f"{PREFIX}STAGING_RESOURCE_GROUP": "rg-staging"}
CONTAINERS = (
    "data", "versions", "runs", "evaluations", "predictions", "checks", "checks-inputs",
)  # fmt: skip
# Settings that name a compute, and the one identity that its runs may have.
COMPUTES = {"COMPUTE": "id-training", "JUDGE_COMPUTE": "id-judge", "CHECKS_COMPUTE": "id-checks"}
DEAD_LETTERS, DEPLOYED = "deadletter", "deploy"


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every identity, container and resource that is passed where another one belongs."""
    for configuration in compiled.configurations.values():
        path = f"snapshots/{configuration.name}.json"
        try:
            settings = configuration.settings()
        except ValueError as error:
            yield Problem(path=path, text=str(error))
            continue
        for text in (
            *_passed(configuration),
            *_computes(configuration, settings),
            *_settings(configuration, settings),
            *_containers(configuration, settings),
        ):
            yield Problem(path=path, text=text)
    for resource in compiled.events:
        for text in _event(resource):
            yield Problem(path="events.bicep", text=f"{resource.name}: {text}")


def _passed(configuration: Configuration) -> Iterator[str]:
    for kind, paths in PASSED.items():
        for resource in configuration.of(kind):
            for path, expected in paths.items():
                value = resource.at(path)
                labels = _identities(configuration, value) if path == "identity" else [
                    configuration.label(value)
                ]  # fmt: skip
                if labels != [expected]:
                    yield f"{kind}: {path} names {', '.join(labels)}; it must name {expected}."
    for trust in configuration.of(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
    ):
        if configuration.label(trust.id) != "id-replica/replicas":
            yield f"The cluster's account must be trusted as id-replica, not {trust.name}."
        if configuration.label(trust.at("properties.issuer")) != "aks":
            yield "The replicas' account must be one of the cluster aks (issuer)."


def _identities(configuration: Configuration, identity: Any) -> list[str]:
    return [
        configuration.label(name) for name in (identity or {}).get("userAssignedIdentities", ())
    ]


def _computes(configuration: Configuration, settings: dict[str, str]) -> Iterator[str]:
    for setting, expected in COMPUTES.items():
        name = settings.get(f"{PREFIX}{setting}", "")
        computes = [r for r in configuration.of(_COMPUTES) if r.name.endswith(f"/{name}")]
        labels = [_identities(configuration, r.body.get("identity")) for r in computes]
        if labels != [[expected]]:
            yield f"The compute {name} of {PREFIX}{setting} must run as {expected}: {labels}."


def _settings(configuration: Configuration, settings: dict[str, str]) -> Iterator[str]:
    scheduler = settings.get(SCHEDULER)
    if scheduler and (names := configuration.labels(scheduler)) != {"dts", "id-app"}:
        yield f"{SCHEDULER} names {', '.join(sorted(names))}; it must name dts and id-app."
    for name, target in SETTINGS.items():
        if name in settings and configuration.label(settings[name]) != target:
            yield f"{name} names {configuration.label(settings[name])}; it must name {target}."
    for name, form in NAMES.items():
        expected = form.format(configuration.suffix)
        if name in settings and text_of(settings[name]) != expected:
            yield f"{name} is {text_of(settings[name])!r}; it must be {expected!r}."
    for name, group in GROUPS.items():
        label = configuration.label(f"/subscriptions/x/resourceGroups/{settings.get(name)}")
        if label != group:
            yield f"{name} names {label}; it must name {group}."


def _containers(configuration: Configuration, settings: dict[str, str]) -> Iterator[str]:
    made = {
        configuration.label(r.id)
        for r in configuration.of("Microsoft.Storage/storageAccounts/blobServices/containers")
    }
    for container in CONTAINERS:
        name = f"{PREFIX}{container.upper().replace('-', '_')}_CONTAINER"
        if settings.get(name) != container:
            yield f"{name} is {settings.get(name)!r}; it must be {container!r}."
    expected = {f"stdata/{name}" for name in (*CONTAINERS, DEAD_LETTERS)} | {f"sthost/{DEPLOYED}"}
    for label in sorted(expected ^ made):
        yield f"The container {label} is {'not made' if label in expected else 'made for nobody'}."
    for site in configuration.of("Microsoft.Web/sites"):
        address = text_of(site.at(f"properties.{_STORAGE}.value"))
        if not address.endswith(f">{DEPLOYED}"):
            yield f"The app's package must be in the container {DEPLOYED}, not {address!r}."


# The beginnings of the names of events.bicep's topics, by subscription.
_EVENT_TOPICS = {
    "data-arrives": "evgs-data-x",
    "workspace-tells": "evgs-ml-x",
    "images-arrive": "evgs-images-x",
    "own-events": "evgt-mlops-x",
}


def _event(resource: Resource) -> Iterator[str]:
    topic, _, name = resource.name.partition("/")
    if _EVENT_TOPICS.get(name) != topic:
        yield f"the topic is {topic}; it must be {_EVENT_TOPICS.get(name, 'one that is known')}."
    letters = resource.at("properties.deadLetterWithResourceIdentity.deadLetterDestination") or {}
    properties = letters.get("properties", {})
    if properties.get("blobContainerName") != DEAD_LETTERS:
        yield f"dead letters must go to the container {DEAD_LETTERS}."
    if not str(properties.get("resourceId")).endswith("/storageAccounts/stdatax"):
        yield "dead letters must go to the data storage."
    subject = resource.at("properties.filter.subjectBeginsWith")
    prefix = f"/blobServices/default/containers/{CONTAINERS[0]}/" if topic in (
        "evgs-data-x",
    ) else None  # fmt: skip
    if subject != prefix:
        yield f"subjectBeginsWith is {subject!r}; it must be {prefix!r}."
