"""More faults of each kind, at resources that the faults of snapshot_faults.py do not touch."""

from typing import Any

from tests.infra.faults import InSnapshot
from tests.infra.snapshot_faults import (
    ACCOUNTS,
    CLUSTERS,
    CONFIG,
    LOGS,
    OF,
    ROLES,
    SITES,
    VAULTS,
    WORKSPACES,
)

_TRUST = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
_REGISTRY, _POOL = "Microsoft.ContainerRegistry/registries", (OF, "agentPoolProfiles", 0)
_SUBSCRIPTIONS = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_OWN = "Microsoft.EventGrid/topics/eventSubscriptions"
_LINKS = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
_PUBLISHING = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
_METRICS, _QUERIES = "Microsoft.Insights/metricAlerts", "Microsoft.Insights/scheduledQueryRules"
_GROUP = (
    "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-eeeeeeeeeeeeeeeeeeee"
)
_IDENTITIES = f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_SUFFIX = "yiwayh5ythpxk"


def _of(name: str, member: str) -> str:
    return f"[reference('{_IDENTITIES}/id-{name}-{_SUFFIX}', '2024-11-30').{member}]"


def _setting(name: str, value: Any, snapshot: str = "all") -> InSnapshot:
    return InSnapshot(snapshot, CONFIG, "appsettings", (OF, name), value, name)


def _at(snapshot: str, kind: str, id: str, *path: str | int, to: Any, says: str = "") -> InSnapshot:
    keys = [key for key in path if isinstance(key, str)]
    return InSnapshot(snapshot, kind, id, path, to, says or keys[-1])


def _gone(snapshot: str, kind: str, id: str, says: str) -> InSnapshot:
    return InSnapshot(snapshot, kind, id, (), None, says)


MORE = {
    # Principals and identities.
    "nodes have a principal where a client is needed": _at(
        "all", CLUSTERS, "", OF, "identityProfile", "kubeletidentity", "clientId",
        to=_of("kubelet", "principalId")),
    "the app signs in with its principal": _setting("AZURE_CLIENT_ID", _of("app", "principalId")),
    "replicas sign in with a principal": _setting(
        "MLOPS_AZURE_REPLICA_CLIENT_ID", _of("replica", "principalId")),
    "Entra trusts another account of the cluster": _at(
        "all", _TRUST, "", OF, "subject", to="system:serviceaccount:default:default"),
    "Entra trusts tokens for another audience": _at(
        "all", _TRUST, "", OF, "audiences", to=["api://other"]),
    "Entra trusts no account of the cluster": _gone("all", _TRUST, "", "id-replica/replicas"),
    "Entra trusts a build system as the app": _at(
        "all", _TRUST, "", "id", to=f"{_IDENTITIES}/id-app-{_SUFFIX}/federatedIdentityCredentials/ci",
        says="id-app/ci"),
    "the workspace has the app's identity too": _at(
        "all", WORKSPACES, f"mlw-{_SUFFIX}", "identity",
        to={"type": "SystemAssigned,UserAssigned",
            "userAssignedIdentities": {f"{_IDENTITIES}/id-app-{_SUFFIX}": {}}}, says="identity.type"),
    "checks have a second identity": _at(
        "all", f"{WORKSPACES}/computes", "/checks", "identity", "userAssignedIdentities",
        f"{_IDENTITIES}/id-training-{_SUFFIX}", to={}, says="id-training"),
    "the cluster's identity is another kind": _at(
        "dev", CLUSTERS, "", "identity", "type", to="SystemAssigned"),
    # Containers, accounts and groups that are passed.
    "a queue address is that of blobs": _setting(
        "AzureWebJobsStorage__queueServiceUri",
        f"[reference('{_GROUP}/providers/Microsoft.Storage/storageAccounts/sthost{_SUFFIX}',"
        " '2025-01-01').primaryEndpoints.blob]"),
    "staging is in the subnet of the cluster": _setting(
        "MLOPS_AZURE_STAGING_SUBNET",
        f"{_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-{_SUFFIX}/subnets/cluster"),
    "the cluster is said to be in another group": _setting(
        "MLOPS_AZURE_CLUSTER_RESOURCE_GROUP", "rg-eeeeeeeeeeeeeeeeeeee-staging"),
    "a token comes from the vault of Azure ML": _setting(
        "MLOPS_GIT_TOKEN_GITHUB_COM",
        f"@Microsoft.KeyVault(VaultName=kvml-{_SUFFIX};SecretName=git-token-github-com)"),
    "a channel has the secret of another one": _setting(
        "MLOPS_NOTIFY_SLACK_URL",
        f"@Microsoft.KeyVault(VaultName=kv-{_SUFFIX};SecretName=notify-teams-url)"),
    "old predictions are deleted at once": _at(
        "dev", f"{ACCOUNTS}/managementPolicies", "", OF, "policy", "rules", 0, "definition", "actions",
        "baseBlob", "delete", "daysAfterModificationGreaterThan", to=0),
    "the runs of trainings and checks share a compute": _setting(
        "MLOPS_AZURE_CHECKS_COMPUTE", "training"),
    "the package is in another container": _at(
        "all", SITES, "", OF, "functionAppConfig", "deployment", "storage", "value",
        to=f"[format('{{0}}{{1}}', reference('{_GROUP}/providers/Microsoft.Storage/storageAccounts/"
        f"stdata{_SUFFIX}', '2025-01-01').primaryEndpoints.blob, 'deploy')]", says="storage.value"),
    "the budget watches another group": _at(
        "all", "Microsoft.Consumption/budgets", "", OF, "filter", "dimensions", "values", 2,
        to="rg-other", says="dimensions.values"),
    # Public access and firewalls.
    "trusted services are shut out of the storage": _at(
        "prod", ACCOUNTS, "stdata", OF, "networkAcls", "bypass", to="None"),
    "data may be copied to another tenant": _at(
        "dev", ACCOUNTS, "stdata", OF, "allowCrossTenantReplication", to=True),
    "the portal uses keys first": _at(
        "dev", ACCOUNTS, "sthost", OF, "defaultToOAuthAuthentication", to=False),
    "storage takes SFTP users": _at("dev", ACCOUNTS, "stdata", OF, "isLocalUserEnabled", to=True),
    "nodes of the cluster have public addresses": _at(
        "prod", CLUSTERS, "", *_POOL, "enableNodePublicIP", to=True),
    "the private cluster has a public name": _at(
        "prod", CLUSTERS, "", OF, "apiServerAccessProfile", "enablePrivateClusterPublicFQDN", to=True),
    "pods reach each other without a policy": _at(
        "prod", CLUSTERS, "", OF, "networkProfile", "networkPolicy", to="none"),
    "the registry is open to every service": _at(
        "prod", _REGISTRY, "", OF, "networkRuleBypassOptions", to="None"),
    "the app can be published to with a password": _gone("dev", _PUBLISHING, "/scm", "func/scm"),
    "a DNS zone is linked to another network": _at(
        "prod", _LINKS, "vaultcore", OF, "virtualNetwork", "id",
        to=f"{_GROUP}/providers/Microsoft.Network/virtualNetworks/other", says="virtualNetwork.id"),
    "production is public": _setting("MLOPS_AZURE_CLUSTER_EXPOSURE", "public"),
    "an endpoint has no group of zones": _gone(
        "prod", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "pe-ml-file",
        "pe-ml-file"),
    "a second firewall hole is made by a resource": _at(
        "prod", ACCOUNTS, "stml", OF, "networkAcls", "resourceAccessRules",
        to=[{"resourceId": "/subscriptions/s", "tenantId": "t"}]),
    "a subnet goes out by itself": _at(
        "prod", "Microsoft.Network/virtualNetworks", "", OF, "subnets", 1, OF, "defaultOutboundAccess",
        to=True),
    "the app is not behind the private registry's zone": _gone(
        "prod", "Microsoft.Network/privateDnsZones", "privatelink.azurecr.io", "privatelink.azurecr.io"),
    # Logs and their retention.
    "logs are kept for a day": _at(
        "prod", "Microsoft.OperationalInsights/workspaces", "", OF, "retentionInDays", to=1),
    "a vault forgets at once": _at("dev", VAULTS, "kvml", OF, "softDeleteRetentionInDays", to=0),
    "deleted containers are kept for no day": _at(
        "dev", f"{ACCOUNTS}/blobServices", "stml", OF, "containerDeleteRetentionPolicy", "days", to=0,
        says="containerDeleteRetentionPolicy.days"),
    "histories vanish after the service's own time": _gone(
        "dev", "Microsoft.DurableTask/schedulers/retentionPolicies", "", "retentionPolicies"),
    "an alert wakes nobody": _at(
        "prod", _METRICS, "dead-lettered-0", OF, "actions", to=[]),
    "an alert is gone": _gone("prod", _QUERIES, "scoring-not-ready", "alert-scoring-not-ready"),
    "an alert counts another metric": _at(
        "prod", _METRICS, "dead-lettered-3", OF, "criteria", "allOf", 0, "metricName",
        to="DeadLetteredCounts", says="metricName"),
    "an alert watches another resource": _at(
        "prod", _QUERIES, "dead-letters", OF, "scopes", to=[f"{_GROUP}/providers/x/y/z"]),
    "audit logs of the scheduler's topic go nowhere": _gone(
        "all", LOGS, "evgt-mlops", "evgt-mlops"),
    "metrics of the app are not kept": _at("dev", LOGS, "sites/func", OF, "metrics", to=[]),
    # Words of Azure.
    "a registry has no private endpoints in its SKU": _at(
        "prod", _REGISTRY, "", "sku", "name", to="Basic"),
    "zones are numbers": _at("prod", CLUSTERS, "", *_POOL, "availabilityZones", to=[1, 2, 3]),
    "a zone is named twice": _at(
        "prod", CLUSTERS, "", *_POOL, "availabilityZones", to=["1", "1", "3"]),
    "a system of nodes is misspelt": _at("dev", CLUSTERS, "", *_POOL, "osSKU", to="AzureLinus"),
    "a version of Python is misspelt": _at(
        "dev", SITES, "", OF, "functionAppConfig", "runtime", "version", to="3.21"),
    "the memory of an instance is not a size": _at(
        "dev", SITES, "", OF, "functionAppConfig", "scaleAndConcurrency", "instanceMemoryMB", to=2084),
    "zone redundancy is misspelt": _at("prod", _REGISTRY, "", OF, "zoneRedundancy", to="Enable"),
    "the app makes computes of a misspelt size": _setting(
        "MLOPS_AZURE_COMPUTE_SIZE", "Standard_DS3v2"),
    "the app makes endpoints in a misspelt region": _setting("MLOPS_AZURE_LOCATION", "westeurop"),
    "events come in another schema": _at(
        "events", _OWN, "", OF, "eventDeliverySchema", to="CloudEventSchemaV1_0"),
    "a kind of event is misspelt": _at(
        "events", _SUBSCRIPTIONS, "images-arrive", OF, "filter", "includedEventTypes",
        to=["Microsoft.ContainerRegistry.ImagePushed", "Microsoft.ContainerRegistry.ImagePush"]),
    "dead letters are sent without an identity": _at(
        "events", _OWN, "", OF, "deadLetterWithResourceIdentity", "identity", "type", to="None"),
    "events are given up at once": _at(
        "events", _SUBSCRIPTIONS, "data-arrives", OF, "retryPolicy", "maxDeliveryAttempts", to=1),
    "a subscription is gone": _gone("events", _SUBSCRIPTIONS, "workspace-tells", "workspace-tells"),
    "a group of an endpoint is misspelt": _at(
        "prod", "Microsoft.Network/privateEndpoints", "pe-workspace",
        OF, "privateLinkServiceConnections", 0, OF, "groupIds", to=["amlworkspaces"]),
    # Order and outputs.
    "the workspace does not wait for its storage": InSnapshot(
        "template", "", "", ("main", "modules", "workspace", "after"),
        ["ml-vault", "monitoring", "registry"], "workspace (module): after"),
    "alerts do not wait for the topics": InSnapshot(
        "template", "", "", ("main", "modules", "alerts", "after"), ["monitoring", "cluster"],
        "alerts (module): after"),
    "roles of the cluster do not wait for the identities": InSnapshot(
        "template", "", "", ("main", "modules", "cluster-roles", "after"), ["network"],
        "cluster-roles (module): after"),
    "a module that nothing orders is new": InSnapshot(
        "template", "", "", ("main", "modules", "extra"),
        {"after": [], "makes": [], "parameters": {}, "outputs": {}}, "extra"),
    "an output names another registry": InSnapshot(
        "dev", "", "", ("outputs", "MLOPS_REGISTRY"), "mlw-x", "MLOPS_REGISTRY"),
    "an output names the topic of another source": InSnapshot(
        "dev", "", "", ("outputs", "MLOPS_DATA_TOPIC"), f"evgs-ml-{_SUFFIX}", "MLOPS_DATA_TOPIC"),
    # Settings that the app or the host refuses.
    "nodes of judges are none": _setting("MLOPS_AZURE_JUDGE_NODES", "-1"),
    "the subscription is not an id": _setting("MLOPS_AZURE_SUBSCRIPTION_ID", "abc"),
    "production is of an unknown kind": _setting("MLOPS_AZURE_PRODUCTION", "clusters"),
    "the worker has no threads": _setting("PYTHON_THREADPOOL_THREAD_COUNT", "0"),
    "the kind of credential is misspelt": _setting(
        "AzureWebJobsStorage__credential", "managedidentitty"),
    "the sampler is misspelt": _setting("OTEL_TRACES_SAMPLER", "parentbased_alwayson"),
    "approvals are impossible": _setting("MLOPS_AZURE_APPROVER_ROLE", ""),
}  # fmt: skip
# Roles, and doors beside them.
ROLE_FAULTS = {
    "a role of the whole group": InSnapshot(
        "all", ROLES, "vaults/kv-", ("id",), f"{_GROUP}/providers/{ROLES}/1", "on rg has no reason"),
    "a role of a whole account": InSnapshot(
        "all", ROLES, "containers/runs', 'Microsoft.Authorization/roleAssignments', guid", ("id",),
        f"[extensionResourceId('{_GROUP}/providers/Microsoft.Storage/storageAccounts/stdata{_SUFFIX}',"
        f" '{ROLES}', guid('x'))]", "on stdata has no reason"),
    "trainings and judges are swapped": InSnapshot(
        "dev", ROLES, "containers/evaluations', 'Microsoft.Authorization/roleAssignments', guid",
        (OF, "principalId"), "[reference('/subscriptions/s/resourceGroups/rg-mlops-dev/providers/"
        "Microsoft.ManagedIdentity/userAssignedIdentities/id-judge', '2024-11-30').principalId]",
        "for id-judge"),
    "a principal is written down": InSnapshot(
        "dev", ROLES, "containers/runs', 'Microsoft.Authorization/roleAssignments', guid",
        (OF, "principalId"), "8a1c3f0e-0000-4000-8000-000000000001", "has no reason"),
    "a client id is passed as the principal": InSnapshot(
        "all", ROLES, "registries", (OF, "principalId"), _of("app", "clientId"), "has no reason"),
    "a reader becomes an owner": InSnapshot(
        "dev", ROLES, "containers/checks-inputs", (OF, "roleDefinitionId"),
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/"
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "has no reason"),
    "the condition of trainings is gone": InSnapshot(
        "dev", ROLES, "id-training-", (OF,), {
            "principalId": "[reference('/subscriptions/s/resourceGroups/rg-mlops-dev/providers/"
            "Microsoft.ManagedIdentity/userAssignedIdentities/id-training', '2024-11-30').principalId]",
            "principalType": "ServicePrincipal", "roleDefinitionId":
            "/x/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"},
        "Storage Blob Data Reader for id-training (ServicePrincipal) on"),
    "a condition has an older version": InSnapshot(
        "dev", ROLES, "containers/versions', 'Microsoft.Authorization/roleAssignments', guid",
        (OF, "conditionVersion"), "1.0", "on stdata/versions"),
    "a role is defined by the templates": InSnapshot(
        "dev", "Microsoft.Web/serverfarms", "", ("type",),
        "Microsoft.Authorization/roleDefinitions", "Microsoft.Authorization/roleDefinitions"),
    "a vault has access policies": InSnapshot(
        "dev", VAULTS, "kv-", (OF, "accessPolicies"),
        [{"objectId": "x", "tenantId": "y", "permissions": {"secrets": ["all"]}}], "accessPolicies"),
    "a group administers the cluster": InSnapshot(
        "dev", CLUSTERS, "", (OF, "aadProfile", "adminGroupObjectIDs"), ["x"],
        "adminGroupObjectIDs"),
    "a role waits for an approval of a delegate": InSnapshot(
        "dev", ROLES, "registries", (OF, "delegatedManagedIdentityResourceId"), "/subscriptions/x",
        "delegatedManagedIdentityResourceId"),
    "a role is of the subscription": InSnapshot(
        "other", ROLES, "staging", ("id",),
        f"/subscriptions/44444444-4444-4444-4444-444444444444/providers/{ROLES}/1", "has no reason"),
}  # fmt: skip
