// Azure ML: the workspace, and two clusters that have no node while nothing runs: code of proposals
// is checked apart from what trains on the data.
param name string
param location string
param tags object
param storageId string
param vaultId string
param registryId string
param insightsId string
param computeName string
param computeSize string
param computeNodes int
param trainingIdentityId string
param checksComputeName string
param checksIdentityId string
param privateNetwork bool
param trainingSubnetId string
param logsId string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' = {
  name: name
  location: location
  tags: tags
  // Azure ML itself gives this identity its roles on the storage, the vault and the registry; roles
  // that a template gave too would collide with them (RoleAssignmentExists).
  identity: { type: 'SystemAssigned' }
  sku: { name: 'Basic', tier: 'Basic' }
  properties: {
    friendlyName: name
    storageAccount: storageId
    keyVault: vaultId
    containerRegistry: registryId
    applicationInsights: insightsId
    systemDatastoresAuthMode: 'Identity'
    v1LegacyMode: false
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource compute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = if (computeName != 'serverless') {
  parent: workspace
  name: computeName
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${trainingIdentityId}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: computeSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      enableNodePublicIp: !privateNetwork
      subnet: privateNetwork ? { id: trainingSubnetId } : null
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: computeNodes
        nodeIdleTimeBeforeScaleDown: 'PT120S'
      }
    }
  }
}

resource checksCompute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = if (checksComputeName != 'serverless') {
  parent: workspace
  name: checksComputeName
  location: location
  // Nothing else: whatever runs there can take the token of each identity that it has.
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${checksIdentityId}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: computeSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      enableNodePublicIp: !privateNetwork
      subnet: privateNetwork ? { id: trainingSubnetId } : null
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: computeNodes
        nodeIdleTimeBeforeScaleDown: 'PT120S'
      }
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: workspace
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output id string = workspace.id
output name string = workspace.name
