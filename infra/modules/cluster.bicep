// Production: AKS with Entra only, Azure RBAC inside the cluster, workload identity.
param name string
param location string
param tags object
param tier string
param nodeSize string
param minNodes int
param maxNodes int
@description('Availability zones of the nodes; they cannot be changed later. Empty: Azure chooses.')
param zones array
@description('The namespace of the models. Resource Manager creates it, so that no identity needs a role inside of the cluster for this.')
param namespaceName string
param nodeGroup string
param clusterIdentityId string
param kubeletIdentityId string
param kubeletClientId string
param kubeletPrincipalId string
@description('The application routing add-on: https for public models, with certificates of Key Vault.')
param withIngress bool
param privateNetwork bool
param subnetId string
param logsId string

resource cluster 'Microsoft.ContainerService/managedClusters@2025-09-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Base', tier: tier }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${clusterIdentityId}': {} }
  }
  properties: {
    dnsPrefix: name
    nodeResourceGroup: nodeGroup
    disableLocalAccounts: true
    enableRBAC: true
    aadProfile: {
      managed: true
      enableAzureRBAC: true
      tenantID: tenant().tenantId
    }
    oidcIssuerProfile: { enabled: true }
    securityProfile: {
      workloadIdentity: { enabled: true }
      imageCleaner: { enabled: true, intervalHours: 168 }
    }
    identityProfile: {
      kubeletidentity: {
        resourceId: kubeletIdentityId
        clientId: kubeletClientId
        objectId: kubeletPrincipalId
      }
    }
    ingressProfile: withIngress ? { webAppRouting: { enabled: true } } : null
    addonProfiles: withIngress
      ? { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } } }
      : null
    apiServerAccessProfile: { enablePrivateCluster: privateNetwork }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      loadBalancerSku: 'standard'
    }
    agentPoolProfiles: [
      {
        name: 'models'
        mode: 'System'
        osType: 'Linux'
        osSKU: 'AzureLinux'
        vmSize: nodeSize
        count: minNodes
        minCount: minNodes
        maxCount: maxNodes
        enableAutoScaling: true
        availabilityZones: empty(zones) ? null : zones
        vnetSubnetID: privateNetwork ? subnetId : null
      }
    ]
  }
}

resource models 'Microsoft.ContainerService/managedClusters/managedNamespaces@2025-09-01' = {
  parent: cluster
  name: namespaceName
  location: location
  tags: tags
  properties: {
    // Adopt a namespace that a person or an earlier version of these templates made.
    adoptionPolicy: 'Always'
    // Deleting the namespace from Azure keeps production's replicas.
    deletePolicy: 'Keep'
    // The app's own policies narrow what reaches its replicas.
    defaultNetworkPolicy: { ingress: 'AllowAll', egress: 'AllowAll' }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: cluster
  properties: {
    workspaceId: logsId
    // Who changed what in the cluster; kube-audit itself would be most of the bill.
    logs: [{ category: 'kube-audit-admin', enabled: true }, { category: 'guard', enabled: true }]
  }
}

output id string = cluster.id
output name string = cluster.name
