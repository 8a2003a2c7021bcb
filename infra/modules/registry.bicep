// The container registry: no admin user, no anonymous pull.
param name string
param location string
param tags object
param sku string
param zoneRedundant bool
param logsId string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    // AcrPull and AcrPush count only in this mode.
    roleAssignmentMode: 'LegacyRegistryPermissions'
    zoneRedundancy: zoneRedundant ? 'Enabled' : 'Disabled'
    // Builds run outside of the network (ACR Tasks): with private endpoints alone each would need an
    // agent pool. The public endpoint stays, behind tokens and roles; pulls go by the private one.
    publicNetworkAccess: 'Enabled'
    networkRuleBypassOptions: 'AzureServices'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: registry
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output id string = registry.id
output name string = registry.name
output loginServer string = registry.properties.loginServer
