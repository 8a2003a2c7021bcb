"""Security policy: no keys or secrets, only TLS, no public access in the private network, logs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.arm import Compiled, Configuration, Problem, Resource, text_of

# Resource type -> path below the resource -> the required value.
REQUIRED: dict[str, dict[str, str | bool]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.supportsHttpsTrafficOnly": True,
        "properties.minimumTlsVersion": "TLS1_2",
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {
        "properties.publicAccess": "None",
    },
    "Microsoft.Storage/storageAccounts/blobServices": {
        "properties.deleteRetentionPolicy.enabled": True,
        "properties.containerDeleteRetentionPolicy.enabled": True,
    },
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
    },
    "Microsoft.ContainerRegistry/registries": {
        "properties.adminUserEnabled": False,
        "properties.anonymousPullEnabled": False,
    },
    "Microsoft.ContainerService/managedClusters": {
        "properties.disableLocalAccounts": True,
        "properties.enableRBAC": True,
        "properties.aadProfile.managed": True,
        "properties.aadProfile.enableAzureRBAC": True,
        "properties.oidcIssuerProfile.enabled": True,
        "properties.securityProfile.workloadIdentity.enabled": True,
    },
    "Microsoft.EventGrid/topics": {
        "properties.disableLocalAuth": True,
        "properties.minimumTlsVersionAllowed": "1.2",
    },
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.MachineLearningServices/workspaces": {
        "properties.systemDatastoresAuthMode": "Identity",
    },
    "Microsoft.MachineLearningServices/workspaces/computes": {
        "properties.disableLocalAuth": True,
        "properties.properties.remoteLoginPortPublicAccess": "Disabled",
    },
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.remoteDebuggingEnabled": False,
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}
SECRET_NAME = re.compile(r"key$|keys$|secret|passw|token|sas$|connectionstring|credential", re.I)
SECRET_TEXT = re.compile(r"AccountKey=|SharedAccess|[?&]sig=|-----BEGIN|Password=", re.I)
SECRET_CALL = re.compile(r"\b(?:list[A-Z]\w*|list|getSecret)\(")
# Values that the private network requires, beside REQUIRED.
PRIVATE: dict[str, dict[str, str | bool]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.publicNetworkAccess": "Disabled",
        "properties.networkAcls.defaultAction": "Deny",
    },
    "Microsoft.KeyVault/vaults": {
        "properties.publicNetworkAccess": "Disabled",
        "properties.networkAcls.defaultAction": "Deny",
    },
    "Microsoft.MachineLearningServices/workspaces": {"properties.publicNetworkAccess": "Disabled"},
    "Microsoft.MachineLearningServices/workspaces/computes": {
        "properties.properties.enableNodePublicIp": False,
    },
    "Microsoft.ContainerService/managedClusters": {
        "properties.apiServerAccessProfile.enablePrivateCluster": True,
    },
}
# A resource that is in a subnet: the path of the subnet's id, and the label of the subnet.
SUBNETS = {
    "Microsoft.Web/sites": ("properties.virtualNetworkSubnetId", "vnet/app"),
    "Microsoft.MachineLearningServices/workspaces/computes": (
        "properties.properties.subnet.id", "vnet/training",
    ),
}  # fmt: skip
# Holes that a firewall may not have.
HOLES = ("ipRules", "virtualNetworkRules", "resourceAccessRules")
_STORAGE_ZONE, _ML_ZONES = (
    "privatelink.{}.core.windows.net",
    ("api.azureml.ms", "notebooks.azure.net"),
)
# Private endpoints: the label of the resource and the group, and the zones by which it is found.
ENDPOINTS = {
    **{
        (account, group): {_STORAGE_ZONE.format(group)}
        for account, groups in (
            ("sthost", ("blob", "queue", "table")), ("stdata", ("blob", "table")),
            ("stml", ("blob", "file")),
        )
        for group in groups
    },
    ("kv", "vault"): {"privatelink.vaultcore.azure.net"},
    ("kvml", "vault"): {"privatelink.vaultcore.azure.net"},
    ("cr", "registry"): {"privatelink.azurecr.io"},
    ("mlw", "amlworkspace"): {f"privatelink.{zone}" for zone in _ML_ZONES},
}  # fmt: skip
# The labels of resources that must send logs, and the categories.
LOGGED = {
    "kv": {"audit"}, "kvml": {"audit"}, "cr": {"allLogs"}, "mlw": {"allLogs"},
    "evgs-data": {"allLogs"}, "evgs-ml": {"allLogs"}, "evgs-images": {"allLogs"},
    "evgt-mlops": {"allLogs"}, "func": {"AppServiceAuthenticationLogs"},
    "aks": {"kube-audit-admin", "guard"}, "stdata": {"StorageWrite", "StorageDelete"},
    "": {"Administrative"},
}  # fmt: skip
# The containers whose blobs may be deleted because they are old: evidence is in none of them.
EXPIRING = {"predictions/", "checks-inputs/"}
# These look like secrets and are none, because the resource accepts no keys.
HARMLESS = {"monitoring.outputs.connectionString"}


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every resource that lacks a value, is public, or has no log, and every secret."""
    for configuration in compiled.configurations.values():
        path = f"snapshots/{configuration.name}.json"
        private = "privateNetwork" in configuration.traits
        for text in (
            *_required(configuration, REQUIRED),
            *(_required(configuration, PRIVATE) if private else ()),
            *(_private(configuration) if private else ()),
            *_logs(configuration),
            *_kept(configuration),
            *_switched_off(configuration),
            *_secrets(configuration.resources),
        ):
            yield Problem(path=path, text=text)
    for name, template in (
        ("main", compiled.outline["main"]),
        ("events", compiled.outline["events"]),
    ):
        for text in _declared(template):
            yield Problem(path=f"{name}.bicep", text=text)
    for text in _secrets(compiled.events):
        yield Problem(path="events.bicep", text=text)


def _required(
    configuration: Configuration, table: Mapping[str, Mapping[str, str | bool]]
) -> Iterator[str]:
    for kind, entries in table.items():
        for resource in configuration.of(kind):
            for path, expected in entries.items():
                value = resource.at(path)
                if value != expected or type(value) is not type(expected):
                    text = f"'{expected}'" if isinstance(expected, str) else str(expected).lower()
                    yield f"{_name(configuration, resource)} ({kind}): {path} must be {text}."


def _name(configuration: Configuration, resource: Resource) -> str:
    return configuration.label(resource.id) or text_of(resource.name)


def _private(configuration: Configuration) -> Iterator[str]:
    for resource in configuration.resources:
        rules = resource.at("properties.networkAcls") or {}
        for hole in HOLES:
            if rules.get(hole):
                yield f"{_name(configuration, resource)}: {hole} opens the firewall."
        if resource.type in SUBNETS:
            path, wanted = SUBNETS[resource.type]
            if configuration.label(resource.at(path)) != wanted:
                yield f"{_name(configuration, resource)}: {path} must be the subnet {wanted}."
    for cluster in configuration.of("Microsoft.ContainerService/managedClusters"):
        for pool in cluster.at("properties.agentPoolProfiles"):
            if configuration.label(pool.get("vnetSubnetID")) != "vnet/cluster":
                yield f"The nodes {pool['name']} must be in the subnet vnet/cluster."
    zones = {
        text_of(zone.name)
        for zone in configuration.of("Microsoft.Network/privateDnsZones")
        if any(
            text_of(link.name).startswith(f"{text_of(zone.name)}/")
            for link in configuration.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
        )
    }
    endpoints = dict(_endpoints(configuration))
    for key, wanted_zones in ENDPOINTS.items():
        if key not in endpoints:
            yield f"{key[0]} has no private endpoint of the group {key[1]}."
        elif endpoints[key] != wanted_zones or not wanted_zones <= zones:
            wanted = ", ".join(sorted(wanted_zones))
            yield f"The endpoint of {key[0]} ({key[1]}) must be in the zone {wanted}, with a link."


def _endpoints(configuration: Configuration) -> Iterator[tuple[tuple[str, str], set[str]]]:
    groups = configuration.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    for endpoint in configuration.of("Microsoft.Network/privateEndpoints"):
        if configuration.label(endpoint.at("properties.subnet.id")) != "vnet/endpoints":
            continue
        [connection] = endpoint.at("properties.privateLinkServiceConnections")
        target = configuration.label(connection["properties"]["privateLinkServiceId"])
        [group] = connection["properties"]["groupIds"]
        yield (
            (target, group),
            {
                _zone(entry["properties"]["privateDnsZoneId"])
                for private in groups
                if private.name.startswith(f"{endpoint.name}/")
                for entry in private.at("properties.privateDnsZoneConfigs")
            },
        )


def _zone(reference: str) -> str:
    """Return the name of the zone in an id, or in the expression of one."""
    if reference.startswith("["):
        inner = re.search(r"format\(.*\)(?=\))", reference)
        return text_of(f"[{inner[0]}]") if inner else reference
    return reference.rpartition("/")[2]


def _logs(configuration: Configuration) -> Iterator[str]:
    sent: dict[str, set[str]] = {}
    for setting in configuration.of("Microsoft.Insights/diagnosticSettings"):
        if configuration.label(setting.at("properties.workspaceId")) == "log":
            of = setting.id.partition("/providers/Microsoft.Insights/diagnosticSettings")[0]
            logs = [entry for entry in setting.at("properties.logs") or () if entry["enabled"]]
            label = "" if of.count("/") == 2 else configuration.label(of)
            sent[label] = {entry.get("category", entry.get("categoryGroup")) for entry in logs}
    made = {configuration.label(resource.id) for resource in configuration.resources} | {""}
    for label, categories in LOGGED.items():
        if label in made and not categories <= sent.get(label, set()):
            text = ", ".join(sorted(categories))
            yield f"{label or 'The subscription'} must send its logs ({text}) to Log Analytics."


def _kept(configuration: Configuration) -> Iterator[str]:
    """Yield faults of deletion: missing purge protection of prod, and wrong blobs that expire."""
    [site] = configuration.of("Microsoft.Web/serverfarms") or (None,)
    if site and site.at("properties.zoneRedundant"):  # of the tier prod
        for vault in configuration.of("Microsoft.KeyVault/vaults"):
            if vault.at("properties.enablePurgeProtection") is not True:
                yield f"{_name(configuration, vault)}: enablePurgeProtection must be true in prod."
    for policy in configuration.of("Microsoft.Storage/storageAccounts/managementPolicies"):
        for rule in policy.at("properties.policy.rules"):
            prefixes = set(rule["definition"]["filters"].get("prefixMatch") or ("",))
            if not prefixes <= EXPIRING:
                text = f"{', '.join(sorted(prefixes)) or 'everything'} would expire"
                yield f"{text}; only {', '.join(sorted(EXPIRING))} may."


def _switched_off(configuration: Configuration) -> Iterator[str]:
    """Yield logs, alerts, budgets and add-ons that exist but have no effect."""
    for resource in configuration.resources:
        for path in _disabled(resource.body, ""):
            yield f"{_name(configuration, resource)} ({resource.type}): {path} is not true."


def _disabled(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _disabled(inner, path)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else key
            if key == "enabled" and inner is not True:
                yield here
            yield from _disabled(inner, here)


def _secrets(resources: tuple[Resource, ...]) -> Iterator[str]:
    for resource in resources:
        for path, text in _texts(resource.body, ""):
            if SECRET_CALL.search(text) and text.startswith("["):
                yield f"{resource.name}: {path} reads a secret. Use an identity or a reference."
            if SECRET_TEXT.search(text):
                yield f"{resource.name}: {path} looks like a key. Use an identity or a reference."


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, path)


def _declared(template: Mapping[str, Any], module: str = "") -> Iterator[str]:
    """Yield parameters and outputs of a template and its modules that are or look like secrets."""
    for name, kind in template["parameters"].items():
        if kind.startswith("secure"):
            yield f"{module}{name} is a secret parameter. Use an identity or a reference."
        elif kind.startswith("string") and SECRET_NAME.search(name):
            yield f"The parameter {module}{name} looks like a secret."
    for name, value in template["outputs"].items():
        if SECRET_NAME.search(name) and f"{module}outputs.{name}" not in HARMLESS:
            yield f"The output {module}{name} looks like a secret."
        if SECRET_CALL.search(str(value)):
            yield f"The output {module}{name} reads a secret."
    for name, inner in template.get("modules", {}).items():
        yield from _declared(inner, f"{name}.")
