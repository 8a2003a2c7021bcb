// Azure ML: the workspace; computes.bicep makes its clusters.
param name string
param location string
param tags object
param storageId string
param vaultId string
param registryId string
param insightsId string
param privateNetwork bool
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
