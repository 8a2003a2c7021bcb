"""Faults that are planted into the committed snapshots, and the expected text of the checks."""

from typing import Any

from tests.infra.faults import GONE, InSnapshot

ACCOUNTS, SITES = "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites"
CLUSTERS, VAULTS = "Microsoft.ContainerService/managedClusters", "Microsoft.KeyVault/vaults"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
ROLES, LOGS = "Microsoft.Authorization/roleAssignments", "Microsoft.Insights/diagnosticSettings"
CONFIG, OF = "Microsoft.Web/sites/config", "properties"


def _setting(name: str, value: Any, says: str, snapshot: str = "all") -> InSnapshot:
    return InSnapshot(snapshot, CONFIG, "appsettings", (OF, name), value, says)


def _after(module: str, value: list[str], says: str) -> InSnapshot:
    return InSnapshot("template", "", "", ("main", "modules", module, "after"), value, says)


COMMITTED = {
    # Names and words.
    "a name is too long": InSnapshot(
        "all", ACCOUNTS, "sthost", ("name",), "sthost" + "x" * 30, "takes 3 to 24"),
    "a name has a letter that is not taken": InSnapshot(
        "all", "Microsoft.ContainerRegistry/registries", "", ("name",), "cr-xyz", "has a form that"),
    "two accounts share a name of the world": InSnapshot(
        "all", ACCOUNTS, "stml", ("name",), "sthostyiwayh5ythpxk", "is the name of two resources"),
    "the environment's name may be longer": InSnapshot(
        "template", "", "", ("main", "parameters", "environmentName"), "string(90)",
        "environmentName is string(90)"),
    "a SKU of a type that is not known": InSnapshot(
        "prod", "Microsoft.Network/virtualNetworks", "", ("sku",), {"name": "Basik"},
        'sku.name is "Basik"'),
    "the tier of the cluster": InSnapshot(
        "prod", CLUSTERS, "", ("sku", "tier"), "Standart", 'sku.tier must be "Standard"'),
    "the SKU of the scheduler": InSnapshot(
        "dev", "Microsoft.DurableTask/schedulers", "", (OF, "sku", "name"), "Consumtion",
        'properties.sku.name must be "Consumption"'),
    "the size of a compute": InSnapshot(
        "dev", f"{WORKSPACES}/computes", "training", (OF, OF, "vmSize"), "Standard_DS3v2",
        'vmSize must be "Standard_DS3_v2"'),
    "the region of one resource": InSnapshot(
        "main", SITES, "", ("location",), "west-europe", "location is 'west-europe'"),
    "the zone of an address": InSnapshot(
        "prod", "Microsoft.Network/publicIPAddresses", "", ("zones",), ["1", "2", "0"],
        'zones must be ["1", "2", "3"]'),
    "the type of the own events' source": InSnapshot(
        "other", "Microsoft.EventGrid/systemTopics", "evgs-ml", (OF, "topicType"),
        "Microsoft.MachineLearningService.Workspaces", "topicType must be"),
    # Keys, TLS, public access.
    "storage takes keys": InSnapshot(
        "dev", ACCOUNTS, "stdata", (OF, "allowSharedKeyAccess"), True,
        "allowSharedKeyAccess must be false"),
    "storage says nothing of keys": InSnapshot(
        "dev", ACCOUNTS, "stdata", (OF, "allowSharedKeyAccess"), GONE,
        "allowSharedKeyAccess must be false"),
    "a container is public": InSnapshot(
        "other", f"{ACCOUNTS}/blobServices/containers", "versions", (OF, "publicAccess"), "Blob",
        'publicAccess must be "None"'),
    "the registry has an admin user": InSnapshot(
        "dev", "Microsoft.ContainerRegistry/registries", "", (OF, "adminUserEnabled"), True,
        "adminUserEnabled must be false"),
    "the cluster has local accounts": InSnapshot(
        "dev", CLUSTERS, "", (OF, "disableLocalAccounts"), False,
        "disableLocalAccounts must be true"),
    "the topic takes keys": InSnapshot(
        "dev", "Microsoft.EventGrid/topics", "", (OF, "disableLocalAuth"), False,
        "disableLocalAuth must be true"),
    "the app takes plain HTTP": InSnapshot(
        "dev", SITES, "", (OF, "httpsOnly"), False, "httpsOnly must be true"),
    "the app takes old TLS": InSnapshot(
        "dev", SITES, "", (OF, "siteConfig", "minTlsVersion"), "1.0", 'minTlsVersion must be "1.2"'),
    "a vault has no soft delete": InSnapshot(
        "dev", VAULTS, "kv-", (OF, "enableSoftDelete"), False, "enableSoftDelete must be true"),
    "the firewall has a hole": InSnapshot(
        "prod", ACCOUNTS, "stdata", (OF, "networkAcls", "ipRules"), [{"value": "0.0.0.0/0"}],
        'ipRules[0].value is "0.0.0.0/0"; no row'),
    "the workspace is public in the private network": InSnapshot(
        "prod", WORKSPACES, "", (OF, "publicNetworkAccess"), "Enabled",
        'publicNetworkAccess must be "Disabled"'),
    "the app is not in the network": InSnapshot(
        "prod", SITES, "", (OF, "virtualNetworkSubnetId"), None, 'must be "vnet/app"'),
    "a zone has no link": InSnapshot(
        "prod", "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "azurecr.io", (), None,
        "privatelink.azurecr.io/to-vnet (Microsoft.Network"),
    "an endpoint is that of another resource": InSnapshot(
        "prod", "Microsoft.Network/privateEndpoints", "pe-vault",
        (OF, "privateLinkServiceConnections", 0, OF, "privateLinkServiceId"),
        "/subscriptions/s/resourceGroups/rg-mlops-prod/providers/Microsoft.KeyVault/vaults/kvml",
        'privateLinkServiceId must be "kv"'),
    # Logs and their retention.
    "diagnostics are gone": InSnapshot(
        "dev", LOGS, "vaults/kv-", (), None, "kv/to-log-analytics (Microsoft.Insights/diagnosticSettings) is not made"),
    "diagnostics go elsewhere": InSnapshot(
        "dev", LOGS, "managedClusters", (OF, "workspaceId"), "/subscriptions/s/resourceGroups/x",
        'properties.workspaceId must be "log"'),
    "deletions of blobs are not logged": InSnapshot(
        "prod", LOGS, "blobServices", (OF, "logs", 1, "enabled"), False, "properties.logs[1].enabled must be true"),
    "the activity log is gone": InSnapshot(
        "dev", LOGS, "mlops-mlops-dev", (), None, "subscription/mlops (Microsoft.Insights/diagnosticSettings) is not made"),
    "one vault has no purge protection": InSnapshot(
        "prod", VAULTS, "kvml-", (OF, "enablePurgeProtection"), None,
        "enablePurgeProtection must be true"),
    "deleted blobs are gone at once": InSnapshot(
        "dev", f"{ACCOUNTS}/blobServices", "stdata", (OF, "deleteRetentionPolicy", "enabled"), False,
        "deleteRetentionPolicy.enabled must be true"),
    "everything expires": InSnapshot(
        "dev", f"{ACCOUNTS}/managementPolicies", "",
        (OF, "policy", "rules", 0, "definition", "filters", "prefixMatch"), [],
        "filters.prefixMatch must be"),
    # Secrets.
    "a key is read": _setting("MLOPS_TOPIC_KEY", "[listKeys('/x', '2024-01-01').key1]", "reads a secret"),
    "a key is written down": _setting("MLOPS_STATE", "AccountKey=abc", "looks like a key"),
    "a secret setting is not a reference": _setting(
        "MLOPS_TOPIC_KEY", "abc", "MLOPS_TOPIC_KEY looks like a secret"),
    "a channel's address is not a reference": _setting(
        "MLOPS_NOTIFY_TEAMS_URL", "https://example.org", "MLOPS_NOTIFY_TEAMS_URL looks like a secret"),
    "a parameter is a secret": InSnapshot(
        "template", "", "", ("main", "parameters", "extraSettings"), "secureObject",
        "extraSettings is a secret parameter"),
    "an output reads a key": InSnapshot(
        "template", "", "", ("main", "modules", "host-storage", "outputs", "name"),
        "[listKeys('x').keys[0]]", "host-storage.outputs.name reads a secret"),
    # Roles.
    "a role is not assigned": InSnapshot(
        "dev", ROLES, "evgt-mlops", (), None, "is not assigned"),
    "a role is another one": InSnapshot(
        "dev", ROLES, "id-kubelet", (OF, "roleDefinitionId"),
        "/x/roleDefinitions/8311e382-0749-4cb8-b61a-304f252e45ec", "has no reason in roles.json"),
    "a role has another principal": InSnapshot(
        "all", ROLES, "vaults/kv-", (OF, "principalId"), "anybody", "for anybody"),
    "a role has a scope outside of the group": InSnapshot(
        "all", ROLES, "vaults/kv-", ("id",),
        f"/subscriptions/s/providers/{ROLES}/1", "on subscription has no reason"),
    "trainings may read the held-out rows": InSnapshot(
        "dev", ROLES, "containers/evaluations', 'Microsoft.Authorization/roleAssignments', guid",
        (OF, "condition"), "x", "on stdata/evaluations, with condition x has no reason"),
    "a role has another kind of principal": InSnapshot(
        "all", ROLES, "vaults/kv-", (OF, "principalType"), "Group", "(Group) on kv has no reason"),
    # Identities and resources that are passed.
    "a compute runs as another identity": InSnapshot(
        "dev", f"{WORKSPACES}/computes", "checks", ("identity", "userAssignedIdentities"),
        {"/subscriptions/s/resourceGroups/rg-mlops-dev/providers/x/y/id-training": {}},
        "identity.userAssignedIdentities.id-checks must be {}"),
    "nodes pull as another identity": InSnapshot(
        "dev", CLUSTERS, "", (OF, "identityProfile", "kubeletidentity", "clientId"), "x",
        "kubeletidentity.clientId must be"),
    "a setting names another identity": _setting(
        "MLOPS_AZURE_STAGING_IDENTITY",
        "/subscriptions/s/resourceGroups/rg-eeeeeeeeeeeeeeeeeeee/providers/x/y/id-app",
        'MLOPS_AZURE_STAGING_IDENTITY must be "id-staging"'),
    "Durable signs in as another identity": _setting(
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
        "[format('{0}', reference('/subscriptions/s/resourceGroups/g/providers/x/y/id-checks'))]",
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING must be"),
    "another cluster's account is trusted": InSnapshot(
        "all", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "",
        (OF, "issuer"), "https://example.org", 'issuer must be "<aks.'),
    "an alert is switched off": InSnapshot(
        "prod", "Microsoft.Insights/scheduledQueryRules", "dead-letters", (OF, "enabled"), False,
        "properties.enabled must be true"),
    "a setting names another group": _setting(
        "MLOPS_AZURE_STAGING_RESOURCE_GROUP", "rg-eeeeeeeeeeeeeeeeeeee", 'must be "rg-staging"'),
    "a setting names another storage": _setting(
        "MLOPS_AZURE_BLOB_ENDPOINT", "https://stml.blob.core.windows.net", 'must be "https://stdata'),
    "a container is not made": InSnapshot(
        "dev", f"{ACCOUNTS}/blobServices/containers", "checks-inputs", (), None,
        "stdata/checks-inputs (Microsoft.Storage"),
    "the workspace uses the storage of the data": InSnapshot(
        "dev", WORKSPACES, "", (OF, "storageAccount"), "/subscriptions/s/resourceGroups/rg-mlops-dev/providers/x/y/stdata",
        'storageAccount must be "stml"'),
    "events of another topic": InSnapshot(
        "events", "Microsoft.EventGrid/systemTopics/eventSubscriptions", "images-arrive", ("name",),
        "evgs-data-x/images-arrive", "evgs-data-x/images-arrive"),
    "dead letters go to another container": InSnapshot(
        "events", "Microsoft.EventGrid/topics/eventSubscriptions", "",
        (OF, "deadLetterWithResourceIdentity", "deadLetterDestination", OF, "blobContainerName"),
        "data", 'blobContainerName must be "deadletter"'),
    "data arrives in another container": InSnapshot(
        "events", "Microsoft.EventGrid/systemTopics/eventSubscriptions", "data-arrives",
        (OF, "filter", "subjectBeginsWith"), "/blobServices/default/containers/versions/",
        "subjectBeginsWith must be"),
    # Order and outputs.
    "computes do not wait for the private endpoint": _after(
        "computes", ["workspace", "network", "identities"], "computes (module): after must be"),
    "roles do not wait for what they are about": _after(
        "roles", ["data-storage"], "roles (module): after must be"),
    "the app does not wait for the roles of staging": _after(
        "app", ["roles", "private-endpoints", "replicas", "mail-roles", "scheduler"],
        "app (module): after must be"),
    "an output has another name": InSnapshot(
        "template", "", "", ("main", "outputs", "MLOPS_OWN_TOPIC"), GONE,
        "infra/hooks.py reads the output MLOPS_OWN_TOPIC"),
    "a parameter of events has another name": InSnapshot(
        "template", "", "", ("events", "parameters", "ownTopicName"), GONE,
        "infra/hooks.py gives ownTopicName"),
    # Settings and host.json.
    "a setting that the app needs is not set": _setting(
        "MLOPS_AZURE_WORKSPACE", GONE, 'MLOPS_AZURE_WORKSPACE must be "mlw"'),
    "the platform is not Azure": _setting(
        "MLOPS_PLATFORM", "local", 'MLOPS_PLATFORM must be "azure"'),
    "a setting is misspelt": _setting(
        "MLOPS_AZURE_TENNANT_ID", "x", "MLOPS_AZURE_TENNANT_ID is set and the app does not read it"),
    "a setting makes what the app has no role to make": _setting(
        "MLOPS_AZURE_KEY_VAULT", "id", 'MLOPS_AZURE_KEY_VAULT is "id"; no row'),
    "a setting has a name that only looks right": _setting(
        "MLOPS_GITTOKEN_GITHUB_COM", "x", "MLOPS_GITTOKEN_GITHUB_COM is set and the app"),
    "a channel is named that the app has not": _setting(
        "MLOPS_NOTIFY_MY_SLACK_URL", "@Microsoft.KeyVault(x)", "MY_SLACK_URL is set and the app"),
    "mail by Azure has no recipients": _setting(
        "MLOPS_NOTIFY_AZURE_MAIL_TO", "", "The app refuses these settings"),
    "production is a cluster without a name": _setting(
        "MLOPS_AZURE_CLUSTER", "", 'MLOPS_AZURE_CLUSTER must be "aks"', "dev"),
    "an address is none": _setting(
        "MLOPS_AZURE_TABLES_ENDPOINT", "stdata", "MLOPS_AZURE_TABLES_ENDPOINT must be"),
    "Flex Consumption refuses a setting": _setting(
        "FUNCTIONS_WORKER_RUNTIME", "python", 'FUNCTIONS_WORKER_RUNTIME is "python"; no row'),
    "the task hubs differ": InSnapshot(
        "dev", "Microsoft.DurableTask/schedulers/taskHubs", "", ("name",), "dts/other",
        "dts/mlops (Microsoft.DurableTask/schedulers/taskHubs) is not made"),
    "the scheduler's connection is not set": _setting(
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING", GONE, "host/scheduler.json names the connection 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'"),
    "no resource holds settings": InSnapshot(
        "dev", CONFIG, "", (), None, "func/appsettings (Microsoft.Web/sites/config) is not made"),
}  # fmt: skip
