"""Faults of the kinds that the compiler does not see: as edits of Bicep, and of the snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GONE = object()


@dataclass(frozen=True, slots=True)
class InBicep:
    """Texts of files of infra/ with their replacements, and the expected text of the checks."""

    edits: tuple[tuple[str, str, str], ...]
    says: str


@dataclass(frozen=True, slots=True)
class InSnapshot:
    """The resource (type, and a part of its id) whose value at a path changes; GONE removes it.

    Without a path the resource itself goes. `snapshot` is a file; a type of "" is the file itself.
    """

    snapshot: str
    kind: str
    id: str
    path: tuple[str | int, ...]
    value: Any
    says: str

    def plant(self, snapshots: Mapping[str, Any]) -> None:
        """Change the snapshots; raise AssertionError when there is nothing to change."""
        whole = snapshots[f"{self.snapshot}.json"]
        if not self.kind:
            return _set(whole, self.path, self.value)
        listed = whole["predictedResources"]
        found = [r for r in listed if r["type"] == self.kind and self.id in str(r["id"])]
        assert found, f"{self.snapshot} has no {self.kind} {self.id}"
        for resource in found[:1]:
            if self.path:
                _set(resource, self.path, self.value)
            else:
                listed.remove(resource)


def _set(value: Any, path: tuple[str | int, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    if new is GONE:
        del value[path[-1]]
    else:
        value[path[-1]] = new


def main(old: str, new: str) -> tuple[str, str, str]:
    return ("main.bicep", old, new)


# All faults are planted into one copy, which is compiled once, so that no fault may hide another.
SILENT = {
    "principals are swapped where a module is called": InBicep(
        (
            main("trainingPrincipalId: identities.outputs.trainingPrincipalId",
                 "trainingPrincipalId: identities.outputs.checksPrincipalId"),
            main("checksPrincipalId: identities.outputs.checksPrincipalId\n    kubelet",
                 "checksPrincipalId: identities.outputs.trainingPrincipalId\n    kubelet"),
        ),
        "for id-checks (ServicePrincipal) on stdata/versions, with condition ((",
    ),
    "the identity of another resource is passed": InBicep(
        (main("clusterIdentityId: identities.outputs.clusterId",
              "clusterIdentityId: identities.outputs.stagingId"),),
        "identity.userAssignedIdentities.id-staging is {}; no row",
    ),
    "an output names another principal": InBicep(
        (("modules/topics.bicep", "string = workspaceTopic.identity.principalId",
          "string = registryTopic.identity.principalId"),),
        "Storage Blob Data Contributor for workspaceTopic on deadLetterContainer is not assigned",
    ),
    "another container's name is passed": InBicep(
        (main("predictionsContainerName: predictionsContainer",
              "predictionsContainerName: versionsContainer"),),
        "for id-replica (ServicePrincipal) on stdata/versions has no reason",
    ),
    "a setting names another container": InBicep(
        (main("MLOPS_AZURE_CHECKS_CONTAINER: checksContainer",
              "MLOPS_AZURE_CHECKS_CONTAINER: versionsContainer"),),
        'MLOPS_AZURE_CHECKS_CONTAINER must be "checks"',
    ),
    "evidence expires": InBicep(
        (main("expiringContainers: [predictionsContainer, ",
              "expiringContainers: [versionsContainer, "),),
        "filters.prefixMatch must be",
    ),
    "a role has a wider scope": InBicep(
        (("modules/roles.bicep", "deployerPrincipalId, keyVaultSecretsOfficer)\n  scope: vault",
          "deployerPrincipalId, keyVaultSecretsOfficer)"),),
        "for someone (ServicePrincipal) on rg has no reason",
    ),
    "storage is public in the private network": InBicep(
        (("modules/storage.bicep", "publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'",
          "publicNetworkAccess: 'Enabled'"),),
        'properties.publicNetworkAccess must be "Disabled"',
    ),
    "the firewall of a vault is open in the private network": InBicep(
        (("modules/vault.bicep", "defaultAction: privateNetwork ? 'Deny' : 'Allow'",
          "defaultAction: 'Allow'"),),
        'networkAcls.defaultAction must be "Deny"',
    ),
    "the cluster's API is public in the private network": InBicep(
        (("modules/cluster.bicep", "enablePrivateCluster: privateNetwork",
          "enablePrivateCluster: false"),),
        "enablePrivateCluster must be true",
    ),
    "nodes have public addresses in the private network": InBicep(
        (("modules/computes.bicep", "enableNodePublicIp: !privateNetwork",
          "enableNodePublicIp: true"),),
        "enableNodePublicIp must be false",
    ),
    "a private endpoint is missing": InBicep(
        (main("      { name: 'ml-vault', target: mlVault.outputs.id, group: 'vault', zones: [zones.vault] }\n", ""),),
        "pe-ml-vault (Microsoft.Network/privateEndpoints) is not made",
    ),
    "a private DNS zone is misspelt": InBicep(
        (main("'privatelink.azurecr.io'", "'privatelink.azurecr.com'"),),
        "privatelink.azurecr.io (Microsoft.Network/privateDnsZones) is not made",
    ),
    "diagnostics send nothing": InBicep(
        (("modules/registry.bicep", "categoryGroup: 'allLogs', enabled: true",
          "categoryGroup: 'allLogs', enabled: false"),),
        "cr/to-log-analytics (Microsoft.Insights/diagnosticSettings): properties.logs[0].enabled",
    ),
    "blob operations are not logged": InBicep(
        (main("    logBlobs: true\n", ""),), "stdata/to-log-analytics (Microsoft.Insights/diagnosticSettings) is not made",
    ),
    "purge protection is off": InBicep(
        (("modules/vault.bicep", "purgeProtection ? true : null", "purgeProtection ? null : null"),),
        "enablePurgeProtection must be true",
    ),
    "a SKU is misspelt": InBicep(
        (("sizes.json", '"Standard_ZRS"', '"Standard_ZSR"'),), 'sku.name must be "Standard_ZRS"',
    ),
    "a size of VM is misspelt": InBicep(
        (("sizes.json", '"Standard_D4s_v5"', '"Standard_D4_sv5"'),), 'vmSize must be "Standard_D4s_v5"',
    ),
    "a region is misspelt": InBicep(
        (("main.bicepparam", "'AZURE_LOCATION', 'westeurope'", "'AZURE_LOCATION', 'westeurop'"),),
        "location is 'westeurop'",
    ),
    "a zone is misspelt": InBicep(
        (("sizes.json", '["1", "2", "3"]', '["1", "2", "z3"]'),), "availabilityZones must be",
    ),
    "a topic type is misspelt": InBicep(
        (("modules/topics.bicep", "'Microsoft.Storage.StorageAccounts'",
          "'Microsoft.Storage.StorageAccount'"),),
        'topicType must be "Microsoft.Storage.StorageAccounts"',
    ),
    "a topic has another source": InBicep(
        (("modules/topics.bicep", "source: workspaceId", "source: dataStorageId"),
         ("modules/topics.bicep", "source: registryId", "source: workspaceId"),
         ("modules/topics.bicep", "source: dataStorageId\n    topicType: 'Microsoft.S",
          "source: registryId\n    topicType: 'Microsoft.S")),
        'source must be "cr"',
    ),
    "the cluster does not wait for its roles": InBicep(
        (main("  dependsOn: [clusterRoles]\n", ""),),
        "cluster (module): after must be",
    ),
    "the app does not wait for its roles": InBicep(
        (main("dependsOn: [roles, stagingRoles, ", "dependsOn: [stagingRoles, "),),
        "app (module): after must be",
    ),
    "an output that hooks read is gone": InBicep(
        (main("output MLOPS_REGISTRY string = names.registry\n", ""),),
        "infra/hooks.py reads the output MLOPS_REGISTRY",
    ),
    "an output that pipelines read is gone": InBicep(
        (main("output AZURE_RESOURCE_GROUP string = names.group\n", ""),),
        "deploy.yml reads the output AZURE_RESOURCE_GROUP",
    ),
    "the app refuses a setting at its start": InBicep(
        (main("string(sizes.computeNodes)", "'many'"),),
        "MLOPS_AZURE_COMPUTE_NODES is 'many'; it must be a number",
    ),
    "an event that the app takes is not sent": InBicep(
        (("events.bicep", "        'Microsoft.MachineLearningServices.RunCompleted'\n", ""),),
        "The app takes Microsoft.MachineLearningServices.RunCompleted and nothing sends it",
    ),
    "an event is sent to no function": InBicep(
        (("events.bicep", "functionName string = 'on_event'", "functionName string = 'on_events'"),),
        "no function 'on_events'",
    ),
    "a resource has a secret output": InBicep(
        (("modules/storage.bicep", "output name string = account.name",
          "output name string = account.name\noutput adminKey string = account.id"),),
        "data-storage.outputs.adminKey is that of a secret",
    ),
}  # fmt: skip


def _more(old: str, new: str, says: str, file: str = "main.bicep") -> InBicep:
    return InBicep(((file, old, new),), says)


SILENT |= {
    "a principal is passed for a client": _more(
        "identities.outputs.kubeletClientId", "identities.outputs.kubeletPrincipalId",
        "kubeletidentity.clientId must be"),
    "a setting has a principal for a client": _more(
        "identities.outputs.replicaClientId", "identities.outputs.replicaPrincipalId",
        "MLOPS_AZURE_REPLICA_CLIENT_ID must be"),
    "another subnet is passed": _more(
        "network!.outputs.stagingSubnetId }", "network!.outputs.clusterSubnetId }",
        'MLOPS_AZURE_STAGING_SUBNET must be "vnet/staging"'),
    "another account of the cluster is trusted": _more(
        "accountName: 'scoring'", "accountName: 'default'", "properties.subject must be"),
    "an output is that of another vault": _more(
        "MLOPS_VAULT string = vault.outputs.name", "MLOPS_VAULT string = mlVault.outputs.name",
        'MLOPS_VAULT must be "kv", not "kvml"'),
    "trusted services are shut out": _more(
        "bypass: 'AzureServices'", "bypass: 'None'", "networkAcls.bypass must be",
        "modules/storage.bicep"),
    "alerts wake nobody": _more(
        "actionGroups: [people.id]", "actionGroups: []", "actions.actionGroups must be",
        "modules/alerts.bicep"),
    "pods reach each other": _more(
        "networkPolicy: 'cilium'", "networkPolicy: 'none'", "networkPolicy must be",
        "modules/cluster.bicep"),
    "a version of Python is misspelt": _more(
        "version: '3.12'", "version: '3.21'", "runtime.version must be", "modules/app.bicep"),
    "events come in another schema": _more(
        "eventDeliverySchema: 'EventGridSchema'", "eventDeliverySchema: 'CloudEventSchemaV1_0'",
        "eventDeliverySchema must be", "events.bicep"),
    "histories are kept for a day": _more(
        "retentionDays: 90", "retentionDays: 1", "retentionPeriodInDays must be"),
}  # fmt: skip
# Faults of one choice alone, and of values that no table had.
SILENT |= {
    "the registry of a small private network takes no endpoints": _more(
        "sku: privateNetwork ? 'Premium' : sizes.registrySku", "sku: sizes.registrySku",
        'private.json: cr (Microsoft.ContainerRegistry/registries): sku.name must be "Premium"'),
    "a vault is private in production alone": _more(
        "purgeProtection: sizes.purgeProtection\n    privateNetwork: privateNetwork",
        "purgeProtection: sizes.purgeProtection\n    privateNetwork: privateNetwork && tier == 'prod'",
        'private.json: kv (Microsoft.KeyVault/vaults): properties.publicNetworkAccess must be "Disabled"'),
    "an alert has the query of another one": _more(
        "../queries/dead-letters.kql", "../queries/old-container-groups.kql",
        "alert-dead-letters (Microsoft.Insights/scheduledQueryRules): properties.criteria.allOf[0].query",
        "modules/alerts.bicep"),
    "a resource of a region is in none": _more(
        "name: 'workbook'\n  scope: group\n  params: {\n    location: location",
        "name: 'workbook'\n  scope: group\n  params: {\n    location: 'global'",
        "location is 'global'; it must be 'westeurope'"),
    "computes have each other's identities": InBicep(
        (main("trainingIdentityId: identities.outputs.trainingId",
              "trainingIdentityId: identities.outputs.judgeId"),
         main("judgeIdentityId: identities.outputs.judgeId",
              "judgeIdentityId: identities.outputs.trainingId")),
        "mlw/judging (Microsoft.MachineLearningServices/workspaces/computes): "
        "identity.userAssignedIdentities.id-training is {}"),
    "an audit log of the cluster is misspelt": _more(
        "category: 'guard'", "category: 'guards'", 'properties.logs[1].category must be "guard"',
        "modules/cluster.bicep"),
    "computes do not wait for the private endpoints": _more(
        "  dependsOn: [privateEndpoints]\n", "", "computes (module): after must be"),
    "an output that a page reads is gone": _more(
        "output MLOPS_APP_URL string = 'https://${app.outputs.hostName}'\n", "",
        "docs/how-to/azure.md reads the output MLOPS_APP_URL"),
    "a zone of an address is misspelt": _more(
        "['1', '2', '3']", "['1', '2', '4']", 'zones must be ["1", "2", "3"], not ["1", "2", "4"]',
        "modules/network.bicep"),
    "the type of the registry's topic is misspelt": _more(
        "'Microsoft.ContainerRegistry.Registries'", "'Microsoft.ContainerRegistry.Registry'",
        'topicType must be "Microsoft.ContainerRegistry.Registries"', "modules/topics.bicep"),
    "a role of a container is one of its account": _more(
        "  scope: runsContainer", "  scope: dataStorage",
        "Storage Blob Data Reader for id-app (ServicePrincipal) on stdata has no reason",
        "modules/roles.bicep"),
}  # fmt: skip
# The compiler has a finding of them; most are warnings, with which it exits with 0.
WARNED = {
    "the JSON in a parameter is broken": InBicep(
        (("dev.bicepparam", "'MLOPS_GIT_HOSTS', '[]'", "'MLOPS_GIT_HOSTS', '['"),), "BCP186",
    ),
    "the JSON in a parameter is an object instead of a list": InBicep(
        (("prod.bicepparam", "'MLOPS_PUBLISHERS', '[]'", "'MLOPS_PUBLISHERS', '{}'"),), "BCP033",
    ),
    "an unknown property": InBicep(
        (("modules/budget.bicep", "amount: amount", "amount: amount\n    amounts: 1"),), "BCP037",
    ),
    "a wrong type": InBicep(
        (("modules/scheduler.bicep", "capacity: 1", "capacity: '1'"),), "BCP036",
    ),
    "an unknown version": InBicep(
        (("modules/workbook.bicep", "Microsoft.Insights/workbooks@2023-06-01",
          "Microsoft.Insights/workbooks@2031-06-01"),),
        "BCP081",
    ),
    "an unused parameter": InBicep(
        (("modules/endpoints.bicep", "param tags object", "param tags object\nparam spare string = ''"),),
        "no-unused-params",
    ),
}  # fmt: skip
