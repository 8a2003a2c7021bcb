// Who may do what: each assignment is a row of roles.json, and `make infra-check` holds both to each
// other. The scope is always the smallest resource that the operation touches.
param hostStorageName string
param dataStorageName string
param mlStorageName string
param registryName string
param workspaceName string
param vaultName string
param insightsName string
param ownTopicName string
param stagingIdentityName string
param replicaIdentityName string
param dataContainerName string
param versionsContainerName string
param runsContainerName string
param evaluationsContainerName string
param predictionsContainerName string
param checksContainerName string
param checksInputsContainerName string
param deadLetterContainerName string
param schedulerName string
param taskHubName string
param clusterName string
param clusterNamespaceName string
param networkName string

param appPrincipalId string
param stagingPrincipalId string
param trainingPrincipalId string
param judgePrincipalId string
param checksPrincipalId string
param kubeletPrincipalId string
param replicaPrincipalId string
param dataTopicPrincipalId string
param workspaceTopicPrincipalId string
param registryTopicPrincipalId string
param ownTopicPrincipalId string
param publisherPrincipalIds array
param publisherPrincipalType string
param deployerPrincipalId string
param deployerPrincipalType string

param useScheduler bool
param withCluster bool
param privateNetwork bool

var useStorageBackend = !useScheduler
var withoutCluster = !withCluster
var hasDeployer = !empty(deployerPrincipalId)

var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var azureKubernetesServiceClusterUserRole = '4abbcc35-e782-43d8-92c5-2d3f1bd2253f'
var azureKubernetesServiceRbacWriter = 'a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb'
var azureMlDataScientist = 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
var containerRegistryDataImporterAndDataReader = '577a9874-89fd-4f24-9dbd-b5034d0ad23a'
var containerRegistryTasksContributor = 'fb382eab-e894-4461-af04-94435c366c3f'
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'
var durableTaskDataReader = 'd6a5505f-6ebb-45a4-896e-ac8274cfc0ac'
var eventGridDataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var managedIdentityOperator = 'f1a07417-d97a-45cb-824c-7a7467783830'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var networkContributor = '4d97b98b-1d4f-4787-a291-c67834d212e7'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var storageBlobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

// Names may be listed; blobs may be read only below these paths. Held-out rows and whole versions of
// the data are beside them: a model's code that knew them could answer its own evaluation.
var onlyCodeAndModels = '''((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} AND NOT SubOperationMatches{'Blob.List'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'bundles/*' OR @Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'runs/*/model/*' OR @Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'runs/*/prepared/seen/*' OR @Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'runs/*/prepared/asked/*'))'''
var onlySeenAndAsked = '''((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} AND NOT SubOperationMatches{'Blob.List'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'runs/*/prepared/seen/*' OR @Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'runs/*/prepared/asked/*'))'''

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: hostStorageName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: dataStorageName
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource dataContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: dataContainerName
}

resource versionsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: versionsContainerName
}

resource runsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: runsContainerName
}

resource evaluationsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: evaluationsContainerName
}

resource predictionsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: predictionsContainerName
}

resource checksContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: checksContainerName
}

resource checksInputsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: checksInputsContainerName
}

resource deadLetterContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: dataBlobs
  name: deadLetterContainerName
}

resource mlStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: mlStorageName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource ownTopic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: ownTopicName
}

resource stagingIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: stagingIdentityName
}

resource replicaIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: replicaIdentityName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = {
  name: schedulerName
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' existing = {
  parent: scheduler
  name: taskHubName
}

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' existing = {
  name: clusterName
}

// The scope of a role inside of the cluster; the compiler has no type for it.
#disable-next-line BCP081
resource clusterNamespace 'Microsoft.ContainerService/managedClusters/namespaces@2022-01-02-preview' existing = {
  parent: cluster
  name: clusterNamespaceName
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' existing = {
  name: networkName
}

resource stagingSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' existing = {
  parent: network
  name: 'staging'
}

// To keep the host's leases, keys and the deployed package (the Functions host).
resource appStorageBlobDataOwnerOnHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appPrincipalId, storageBlobDataOwner)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

// To keep Durable histories and leases in tables (the Durable extension).
resource appStorageTableDataContributorOnHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (useStorageBackend) {
  name: guid(hostStorage.id, appPrincipalId, storageTableDataContributor)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

// To pass Durable messages (the Durable extension).
resource appStorageQueueDataContributorOnHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (useStorageBackend) {
  name: guid(hostStorage.id, appPrincipalId, storageQueueDataContributor)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

// To keep Durable histories in the scheduler (the Durable extension).
resource appDurableTaskDataContributorOnTaskHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (useScheduler) {
  name: guid(taskHub.id, appPrincipalId, durableTaskDataContributor)
  scope: taskHub
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

// To send telemetry (the Functions host).
resource appMonitoringMetricsPublisherOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

// To make and rotate the keys of production; read the webhooks' secrets and the git token (production.py, staging.py, probe.py, the Functions host, for Key Vault references).
resource appKeyVaultSecretsOfficerOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, keyVaultSecretsOfficer)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

// To read data that landed (datasets.py, observations.py).
resource appStorageBlobDataReaderOnDataContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataContainer.id, appPrincipalId, storageBlobDataReader)
  scope: dataContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To keep versions of the data, code bundles, baselines and records (datasets.py, jobs.py, registry.py, earlier_records.py).
resource appStorageBlobDataContributorOnVersionsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(versionsContainer.id, appPrincipalId, storageBlobDataContributor)
  scope: versionsContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To read models and the logs of runs (jobs.py, registry.py, images.py).
resource appStorageBlobDataReaderOnRunsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runsContainer.id, appPrincipalId, storageBlobDataReader)
  scope: runsContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To read evaluations (jobs.py, registry.py, images.py, probe.py, observations.py).
resource appStorageBlobDataReaderOnEvaluationsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(evaluationsContainer.id, appPrincipalId, storageBlobDataReader)
  scope: evaluationsContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To read what replicas logged (observations.py).
resource appStorageBlobDataReaderOnPredictionsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(predictionsContainer.id, appPrincipalId, storageBlobDataReader)
  scope: predictionsContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To give checks their code, tools and plan (jobs.py).
resource appStorageBlobDataContributorOnChecksInputsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(checksInputsContainer.id, appPrincipalId, storageBlobDataContributor)
  scope: checksInputsContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To read the reports of checks (jobs.py).
resource appStorageBlobDataReaderOnChecksContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(checksContainer.id, appPrincipalId, storageBlobDataReader)
  scope: checksContainer
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To keep claims, releases, decisions, lanes and dead letters (rows.py, earlier_records.py).
resource appStorageTableDataContributorOnDataStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataStorage.id, appPrincipalId, storageTableDataContributor)
  scope: dataStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

// To submit, read and cancel runs; register environments, components and versions of models; managed endpoints (jobs.py, registry.py).
resource appAzureMlDataScientistOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, appPrincipalId, azureMlDataScientist)
  scope: workspace
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureMlDataScientist)
  }
}

// To build an image (this role can rewrite every image: treat the app as trusted) (images.py).
resource appContainerRegistryTasksContributorOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, appPrincipalId, containerRegistryTasksContributor)
  scope: registry
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', containerRegistryTasksContributor)
  }
}

// To import the base image of scoring (images.py).
resource appContainerRegistryDataImporterAndDataReaderOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, appPrincipalId, containerRegistryDataImporterAndDataReader)
  scope: registry
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', containerRegistryDataImporterAndDataReader)
  }
}

// To find an image that was built before and read its digest (images.py).
resource appAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, appPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To let a container group use the identity that pulls (staging.py).
resource appManagedIdentityOperatorOnStagingIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(stagingIdentity.id, appPrincipalId, managedIdentityOperator)
  scope: stagingIdentity
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', managedIdentityOperator)
  }
}

// To put a container group into the network (staging.py).
resource appNetworkContributorOnStagingSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (privateNetwork) {
  name: guid(stagingSubnet.id, appPrincipalId, networkContributor)
  scope: stagingSubnet
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', networkContributor)
  }
}

// To fetch the cluster's address (production.py).
resource appAzureKubernetesServiceClusterUserRoleOnCluster 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withCluster) {
  name: guid(cluster.id, appPrincipalId, azureKubernetesServiceClusterUserRole)
  scope: cluster
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureKubernetesServiceClusterUserRole)
  }
}

// To change what runs in the models' namespace (production.py).
resource appAzureKubernetesServiceRbacWriterOnClusterNamespace 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withCluster) {
  name: guid(clusterNamespace.id, appPrincipalId, azureKubernetesServiceRbacWriter)
  scope: clusterNamespace
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureKubernetesServiceRbacWriter)
  }
}

// To publish our own events (events.py).
resource appEventGridDataSenderOnOwnTopic 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(ownTopic.id, appPrincipalId, eventGridDataSender)
  scope: ownTopic
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventGridDataSender)
  }
}

// To pull staging's image (Azure Container Instances).
resource stagingAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, stagingPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: stagingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To pull the environment that training runs in (Azure ML compute).
resource trainingAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, trainingPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: trainingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To write Azure ML's own logs of a run (Azure ML compute).
resource trainingStorageBlobDataContributorOnMlStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mlStorage.id, trainingPrincipalId, storageBlobDataContributor)
  scope: mlStorage
  properties: {
    principalId: trainingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To read the code, and models of earlier versions of the app (Azure ML compute).
resource trainingStorageBlobDataReaderOnVersionsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(versionsContainer.id, trainingPrincipalId, storageBlobDataReader)
  scope: versionsContainer
  properties: {
    principalId: trainingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
    conditionVersion: '2.0'
    condition: onlyCodeAndModels
  }
}

// To read the rows to train on, and the features to answer (Azure ML compute).
resource trainingStorageBlobDataReaderOnEvaluationsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(evaluationsContainer.id, trainingPrincipalId, storageBlobDataReader)
  scope: evaluationsContainer
  properties: {
    principalId: trainingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
    conditionVersion: '2.0'
    condition: onlySeenAndAsked
  }
}

// To write models, answers and logs (Azure ML compute).
resource trainingStorageBlobDataContributorOnRunsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runsContainer.id, trainingPrincipalId, storageBlobDataContributor)
  scope: runsContainer
  properties: {
    principalId: trainingPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To pull the environment that prepares data and judges (Azure ML compute).
resource judgeAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, judgePrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: judgePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To write Azure ML's own logs of a run (Azure ML compute).
resource judgeStorageBlobDataContributorOnMlStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mlStorage.id, judgePrincipalId, storageBlobDataContributor)
  scope: mlStorage
  properties: {
    principalId: judgePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To read versions of the data and the code of the app (Azure ML compute).
resource judgeStorageBlobDataReaderOnVersionsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(versionsContainer.id, judgePrincipalId, storageBlobDataReader)
  scope: versionsContainer
  properties: {
    principalId: judgePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To read models and answers (Azure ML compute).
resource judgeStorageBlobDataReaderOnRunsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runsContainer.id, judgePrincipalId, storageBlobDataReader)
  scope: runsContainer
  properties: {
    principalId: judgePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To write held-out rows and evaluations (Azure ML compute).
resource judgeStorageBlobDataContributorOnEvaluationsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(evaluationsContainer.id, judgePrincipalId, storageBlobDataContributor)
  scope: evaluationsContainer
  properties: {
    principalId: judgePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To pull the environment that checks run in (Azure ML compute).
resource checksAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, checksPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: checksPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To write Azure ML's own logs of a check (Azure ML compute).
resource checksStorageBlobDataContributorOnMlStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mlStorage.id, checksPrincipalId, storageBlobDataContributor)
  scope: mlStorage
  properties: {
    principalId: checksPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To read the code that is checked, the tools and the plan (Azure ML compute).
resource checksStorageBlobDataReaderOnChecksInputsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(checksInputsContainer.id, checksPrincipalId, storageBlobDataReader)
  scope: checksInputsContainer
  properties: {
    principalId: checksPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To write the reports of a check (Azure ML compute).
resource checksStorageBlobDataContributorOnChecksContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(checksContainer.id, checksPrincipalId, storageBlobDataContributor)
  scope: checksContainer
  properties: {
    principalId: checksPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To pull production's images (AKS nodes).
resource kubeletAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withCluster) {
  name: guid(registry.id, kubeletPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: kubeletPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To send the log of predictions (log_shipping.py).
resource replicaStorageBlobDataContributorOnPredictionsContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(predictionsContainer.id, replicaPrincipalId, storageBlobDataContributor)
  scope: predictionsContainer
  properties: {
    principalId: replicaPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To send spans (tracing.py).
resource replicaMonitoringMetricsPublisherOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, replicaPrincipalId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: replicaPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

// To pull the image of a managed endpoint that runs under it (Azure ML).
resource replicaAcrPullOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withoutCluster) {
  name: guid(registry.id, replicaPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: replicaPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// To read what Azure ML keeps for a managed endpoint (Azure ML).
resource replicaStorageBlobDataReaderOnMlStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withoutCluster) {
  name: guid(mlStorage.id, replicaPrincipalId, storageBlobDataReader)
  scope: mlStorage
  properties: {
    principalId: replicaPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

// To let a managed endpoint use the replicas' identity (production.py).
resource appManagedIdentityOperatorOnReplicaIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withoutCluster) {
  name: guid(replicaIdentity.id, appPrincipalId, managedIdentityOperator)
  scope: replicaIdentity
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', managedIdentityOperator)
  }
}

// To write dead letters of data events (Event Grid).
resource dataTopicStorageBlobDataContributorOnDeadLetterContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetterContainer.id, dataTopicPrincipalId, storageBlobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: dataTopicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To write dead letters of Azure ML events (Event Grid).
resource workspaceTopicStorageBlobDataContributorOnDeadLetterContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetterContainer.id, workspaceTopicPrincipalId, storageBlobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: workspaceTopicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To write dead letters of image events (Event Grid).
resource registryTopicStorageBlobDataContributorOnDeadLetterContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetterContainer.id, registryTopicPrincipalId, storageBlobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: registryTopicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To write dead letters of our own events (Event Grid).
resource ownTopicStorageBlobDataContributorOnDeadLetterContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetterContainer.id, ownTopicPrincipalId, storageBlobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: ownTopicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To publish our own events, such as from CI (the identities in publisherPrincipalIds).
resource publisherEventGridDataSenderOnOwnTopic 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in publisherPrincipalIds: {
    name: guid(ownTopic.id, principalId, eventGridDataSender)
    scope: ownTopic
    properties: {
      principalId: principalId
      principalType: publisherPrincipalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventGridDataSender)
    }
  }
]

// To put the webhooks' secrets into the vault (the person who deploys).
resource deployerKeyVaultSecretsOfficerOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer) {
  name: guid(vault.id, deployerPrincipalId, keyVaultSecretsOfficer)
  scope: vault
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

// To upload data (the person who deploys).
resource deployerStorageBlobDataContributorOnDataContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer) {
  name: guid(dataContainer.id, deployerPrincipalId, storageBlobDataContributor)
  scope: dataContainer
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To look at dead letters and delete those that are done (the person who deploys).
resource deployerStorageBlobDataContributorOnDeadLetterContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer) {
  name: guid(deadLetterContainer.id, deployerPrincipalId, storageBlobDataContributor)
  scope: deadLetterContainer
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

// To look at the scheduler's dashboard; a contributor could raise events past the approval (the person who deploys).
resource deployerDurableTaskDataReaderOnTaskHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (useScheduler && hasDeployer) {
  name: guid(taskHub.id, deployerPrincipalId, durableTaskDataReader)
  scope: taskHub
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataReader)
  }
}
