// Where events come from: one system topic for each source, and a topic for our own events.
// The subscriptions are in ../events.bicep: they need the deployed function.
param suffix string
param location string
param tags object
param dataStorageId string
param workspaceId string
param registryId string
param logsId string

resource dataTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgs-data-${suffix}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: dataStorageId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource workspaceTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgs-ml-${suffix}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: workspaceId
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}

resource registryTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgs-images-${suffix}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: registryId
    topicType: 'Microsoft.ContainerRegistry.Registries'
  }
}

resource ownTopic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-mlops-${suffix}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    inputSchema: 'EventGridSchema'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    // Build systems publish from anywhere, with a token and the role EventGrid Data Sender.
    publicNetworkAccess: 'Enabled'
  }
}

resource dataDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: dataTopic
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource workspaceDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: workspaceTopic
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource registryDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: registryTopic
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource ownDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: ownTopic
  properties: {
    workspaceId: logsId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output dataTopicName string = dataTopic.name
output dataTopicId string = dataTopic.id
output dataTopicPrincipalId string = dataTopic.identity.principalId
output workspaceTopicName string = workspaceTopic.name
output workspaceTopicId string = workspaceTopic.id
output workspaceTopicPrincipalId string = workspaceTopic.identity.principalId
output registryTopicName string = registryTopic.name
output registryTopicId string = registryTopic.id
output registryTopicPrincipalId string = registryTopic.identity.principalId
output ownTopicName string = ownTopic.name
output ownTopicId string = ownTopic.id
output ownTopicEndpoint string = ownTopic.properties.endpoint
output ownTopicPrincipalId string = ownTopic.identity.principalId
