// What the cluster's identity needs before there is a cluster.
param kubeletIdentityName string
param clusterPrincipalId string
param networkName string
param privateNetwork bool

var managedIdentityOperator = 'f1a07417-d97a-45cb-824c-7a7467783830'
var networkContributor = '4d97b98b-1d4f-4787-a291-c67834d212e7'

resource kubeletIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: kubeletIdentityName
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' existing = {
  name: networkName
}

resource clusterSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' existing = {
  parent: network
  name: 'cluster'
}

// To let nodes use the kubelet's identity (AKS).
resource clusterManagedIdentityOperatorOnKubeletIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(kubeletIdentity.id, clusterPrincipalId, managedIdentityOperator)
  scope: kubeletIdentity
  properties: {
    principalId: clusterPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', managedIdentityOperator)
  }
}

// To put nodes and load balancers into the network (AKS).
resource clusterNetworkContributorOnClusterSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (privateNetwork) {
  name: guid(clusterSubnet.id, clusterPrincipalId, networkContributor)
  scope: clusterSubnet
  properties: {
    principalId: clusterPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', networkContributor)
  }
}
