// Everything that the app needs in one subscription: `azd up`, or `az deployment sub create`.
// The event subscriptions come after the code: events.bicep.
targetScope = 'subscription'

@description('Name of the environment, which is part of every name; letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param environmentName string
param location string
@description('A column of sizes.json.')
@allowed(['dev', 'prod'])
param tier string
@description('Store of Durable histories: the Durable Task Scheduler, or tables of the host storage.')
@allowed(['scheduler', 'storage'])
param durableBackend string = 'scheduler'
@description('Puts storage, vaults, Azure ML, cluster and staging into a network of their own.')
param privateNetwork bool = false
@description('Creates the AKS cluster of production. Without it production is a managed online endpoint.')
param withCluster bool = true
param clusterNamespace string = 'models'
@description('Public models of mlops.toml have the address https://<model>.<this domain>. Empty: no ingress.')
param publicDomain string = ''
@description('Certificate of this domain: https://<vault>.vault.azure.net/certificates/<name>; the ingress needs access to the vault.')
param publicCertificate string = ''
@description('Name of the AmlCompute of trainings; `serverless` creates none.')
param computeName string = 'training'
@description('Name of the AmlCompute that prepares data and judges models; it must differ from the compute of trainings; `serverless` creates none.')
param judgeComputeName string = computeName == 'serverless' ? 'serverless' : 'judging'
@description('Name of the AmlCompute for checks; it must differ from the compute of trainings; `serverless` creates none.')
param checksComputeName string = computeName == 'serverless' ? 'serverless' : 'checks'
@description('App id (or api:// address) of the Entra application that issues the tokens of approvers. Empty: no person can approve.')
param approverAudience string = ''
param approverRole string = 'Model.Approver'
@description('Scope that replaces the role, such as decide. Empty: a token needs the role.')
param approverScope string = ''
@description('Build systems that send signed webhooks; the secret webhook-<source> of the vault is the key of a source.')
param webhookSources array = []
@description('Hosts of private repositories, such as github.com; the secret git-token-<host, with - for .> of the vault is the token of a host.')
param gitHosts array = []
@description('Channels for messages to approvers and operators: slack-url, teams-url, webhook-url, webhook-secret, smtp-url. The secret notify-<channel> of the vault is the address.')
param channels array = []
@description('Name of an existing resource of Azure Communication Services that sends mail. Empty: no mail by Azure.')
param mailService string = ''
@description('Resource group of the mail service. Empty: the group of the app.')
param mailGroup string = ''
param mailFrom string = ''
param mailTo array = []
@description('Principal ids that may publish events to the app\'s own topic, such as the ids of build systems.')
param publisherPrincipalIds array = []
@description('Type of these principal ids; put people into a group.')
@allowed(['ServicePrincipal', 'User', 'Group'])
param publisherPrincipalType string = 'ServicePrincipal'
@description('Principal id of the deployer; azd sets it. Empty: the deployer gets no roles.')
param deployerPrincipalId string = ''
@allowed(['User', 'ServicePrincipal'])
param deployerPrincipalType string = 'User'
param alertEmails array = []
@description('Monthly budget, in the subscription\'s currency.')
param monthlyBudget int = 200
@description('First day of the first month of the budget (2026-01-01); Azure refuses to change it. Empty: no budget.')
param budgetStart string = ''
@description('More app settings, such as the addresses of a sovereign cloud (MLOPS_AZURE_AUTHORITY, …). No secrets.')
param extraSettings object = {}

var sizes = loadJsonContent('sizes.json')[tier]
var suffix = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName, product: 'mlops-durable' }
var useScheduler = durableBackend == 'scheduler'
var names = {
  group: 'rg-${environmentName}'
  stagingGroup: 'rg-${environmentName}-staging'
  nodeGroup: 'rg-${environmentName}-nodes'
  app: 'func-${suffix}'
  plan: 'plan-${suffix}'
  hostStorage: 'sthost${suffix}'
  dataStorage: 'stdata${suffix}'
  mlStorage: 'stml${suffix}'
  vault: 'kv-${suffix}'
  mlVault: 'kvml-${suffix}'
  registry: 'cr${suffix}'
  workspace: 'mlw-${suffix}'
  scheduler: 'dts-${suffix}'
  cluster: 'aks-${suffix}'
  logs: 'log-${suffix}'
  insights: 'appi-${suffix}'
  network: 'vnet-${suffix}'
  budget: 'budget-${environmentName}'
}
var durable = loadJsonContent('host/azure.json').extensions.durableTask
// Also in host.json; the scheduler's hub and the extension must agree.
var taskHubName = 'mlops'
var deployContainer = 'deploy'
var dataContainer = 'data'
var versionsContainer = 'versions'
var runsContainer = 'runs'
var evaluationsContainer = 'evaluations'
var predictionsContainer = 'predictions'
var checksContainer = 'checks'
var checksInputsContainer = 'checks-inputs'
var deadLetterContainer = 'deadletter'
var storageSuffix = environment().suffixes.storage
var zones = {
  blob: 'privatelink.blob.${storageSuffix}'
  queue: 'privatelink.queue.${storageSuffix}'
  table: 'privatelink.table.${storageSuffix}'
  file: 'privatelink.file.${storageSuffix}'
  vault: 'privatelink.vaultcore.azure.net'
  registry: 'privatelink.azurecr.io'
  workspace: 'privatelink.api.azureml.ms'
  notebooks: 'privatelink.notebooks.azure.net'
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: names.group
  location: location
  tags: tags
}

// Nothing but container groups lives here, so the app may be given the whole group.
resource stagingGroup 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: names.stagingGroup
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    logsName: names.logs
    insightsName: names.insights
    location: location
    tags: tags
    retentionDays: sizes.logRetentionDays
  }
}

// Who made and deleted what, for the alert on container groups that were left over.
resource activityLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'mlops-${environmentName}'
  properties: {
    workspaceId: monitoring.outputs.logsId
    logs: [{ category: 'Administrative', enabled: true }]
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: { prefix: 'id', suffix: suffix, location: location, tags: tags }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: names.network
    location: location
    tags: tags
    zoneRedundant: sizes.zoneRedundant
    zones: [
      zones.blob
      zones.queue
      zones.table
      zones.file
      zones.vault
      zones.registry
      zones.workspace
      zones.notebooks
    ]
  }
}

module hostStorage 'modules/storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: names.hostStorage
    location: location
    tags: tags
    sku: sizes.storageSku
    privateNetwork: privateNetwork
    containers: [deployContainer]
    logsId: monitoring.outputs.logsId
  }
}

// Apart from the host's storage: its own blobs would raise events too.
module dataStorage 'modules/storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: names.dataStorage
    location: location
    tags: tags
    sku: sizes.storageSku
    privateNetwork: privateNetwork
    containers: [
      dataContainer
      versionsContainer
      runsContainer
      evaluationsContainer
      predictionsContainer
      checksContainer
      checksInputsContainer
      deadLetterContainer
    ]
    logsId: monitoring.outputs.logsId
    logBlobs: true
    expiringContainers: [predictionsContainer, checksInputsContainer]
  }
}

module mlStorage 'modules/storage.bicep' = {
  name: 'ml-storage'
  scope: group
  params: {
    name: names.mlStorage
    location: location
    tags: tags
    sku: sizes.storageSku
    privateNetwork: privateNetwork
    containers: []
    logsId: monitoring.outputs.logsId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    purgeProtection: sizes.purgeProtection
    privateNetwork: privateNetwork
    logsId: monitoring.outputs.logsId
  }
}

// Azure ML administers its vault, so it gets one without our secrets.
module mlVault 'modules/vault.bicep' = {
  name: 'ml-vault'
  scope: group
  params: {
    name: names.mlVault
    location: location
    tags: tags
    purgeProtection: sizes.purgeProtection
    privateNetwork: privateNetwork
    logsId: monitoring.outputs.logsId
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    name: names.registry
    location: location
    tags: tags
    // Private endpoints need Premium.
    sku: privateNetwork ? 'Premium' : sizes.registrySku
    zoneRedundant: sizes.zoneRedundant
    logsId: monitoring.outputs.logsId
  }
}

module scheduler 'modules/scheduler.bicep' = if (useScheduler) {
  name: 'scheduler'
  scope: group
  params: {
    name: names.scheduler
    hubName: taskHubName
    location: location
    tags: tags
    sku: sizes.schedulerSku
    retentionDays: 90
  }
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  scope: group
  params: {
    name: names.workspace
    location: location
    tags: tags
    storageId: mlStorage.outputs.id
    vaultId: mlVault.outputs.id
    registryId: registry.outputs.id
    insightsId: monitoring.outputs.insightsId
    privateNetwork: privateNetwork
    logsId: monitoring.outputs.logsId
  }
}

// After the private endpoints: a cluster without public IPs needs the workspace's.
module computes 'modules/computes.bicep' = {
  name: 'computes'
  scope: group
  params: {
    workspaceName: workspace.outputs.name
    location: location
    computeName: computeName
    computeSize: sizes.computeSize
    computeNodes: sizes.computeNodes
    trainingIdentityId: identities.outputs.trainingId
    judgeComputeName: judgeComputeName
    judgeNodes: sizes.judgeNodes
    judgeIdentityId: identities.outputs.judgeId
    checksComputeName: checksComputeName
    checksIdentityId: identities.outputs.checksId
    privateNetwork: privateNetwork
    trainingSubnetId: privateNetwork ? network!.outputs.trainingSubnetId : ''
  }
  dependsOn: [privateEndpoints]
}

module cluster 'modules/cluster.bicep' = if (withCluster) {
  name: 'cluster'
  scope: group
  params: {
    name: names.cluster
    location: location
    tags: tags
    tier: sizes.clusterTier
    nodeSize: sizes.clusterNodeSize
    minNodes: sizes.clusterMinNodes
    maxNodes: sizes.clusterMaxNodes
    zones: sizes.clusterZones
    namespaceName: clusterNamespace
    nodeGroup: names.nodeGroup
    clusterIdentityId: identities.outputs.clusterId
    kubeletIdentityId: identities.outputs.kubeletId
    kubeletClientId: identities.outputs.kubeletClientId
    kubeletPrincipalId: identities.outputs.kubeletPrincipalId
    withIngress: !empty(publicDomain)
    privateNetwork: privateNetwork
    subnetId: privateNetwork ? network!.outputs.clusterSubnetId : ''
    logsId: monitoring.outputs.logsId
  }
  dependsOn: [clusterRoles]
}

module replicas 'modules/replicas.bicep' = if (withCluster) {
  name: 'replicas'
  scope: group
  params: {
    identityName: identities.outputs.replicaName
    clusterName: withCluster ? cluster!.outputs.name : names.cluster
    namespaceName: clusterNamespace
    accountName: 'scoring'
  }
}

// The cluster uses its kubelet's identity and its subnet while it is made: these roles come first.
module clusterRoles 'modules/cluster-roles.bicep' = if (withCluster) {
  name: 'cluster-roles'
  scope: group
  params: {
    kubeletIdentityName: identities.outputs.kubeletName
    clusterPrincipalId: identities.outputs.clusterPrincipalId
    networkName: privateNetwork ? network!.outputs.name : names.network
    privateNetwork: privateNetwork
  }
}

module topics 'modules/topics.bicep' = {
  name: 'topics'
  scope: group
  params: {
    suffix: suffix
    location: location
    tags: tags
    dataStorageId: dataStorage.outputs.id
    workspaceId: workspace.outputs.id
    registryId: registry.outputs.id
    logsId: monitoring.outputs.logsId
  }
}

// Every role comes before the app, so that its first start finds them.
module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    mlStorageName: mlStorage.outputs.name
    registryName: registry.outputs.name
    workspaceName: workspace.outputs.name
    vaultName: vault.outputs.name
    insightsName: names.insights
    ownTopicName: topics.outputs.ownTopicName
    stagingIdentityName: identities.outputs.stagingName
    replicaIdentityName: identities.outputs.replicaName
    dataContainerName: dataContainer
    versionsContainerName: versionsContainer
    runsContainerName: runsContainer
    evaluationsContainerName: evaluationsContainer
    predictionsContainerName: predictionsContainer
    checksContainerName: checksContainer
    checksInputsContainerName: checksInputsContainer
    deadLetterContainerName: deadLetterContainer
    schedulerName: names.scheduler
    taskHubName: taskHubName
    clusterName: names.cluster
    clusterNamespaceName: clusterNamespace
    networkName: names.network
    appPrincipalId: identities.outputs.appPrincipalId
    stagingPrincipalId: identities.outputs.stagingPrincipalId
    trainingPrincipalId: identities.outputs.trainingPrincipalId
    judgePrincipalId: identities.outputs.judgePrincipalId
    checksPrincipalId: identities.outputs.checksPrincipalId
    kubeletPrincipalId: identities.outputs.kubeletPrincipalId
    replicaPrincipalId: identities.outputs.replicaPrincipalId
    dataTopicPrincipalId: topics.outputs.dataTopicPrincipalId
    workspaceTopicPrincipalId: topics.outputs.workspaceTopicPrincipalId
    registryTopicPrincipalId: topics.outputs.registryTopicPrincipalId
    ownTopicPrincipalId: topics.outputs.ownTopicPrincipalId
    publisherPrincipalIds: publisherPrincipalIds
    publisherPrincipalType: publisherPrincipalType
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
    useScheduler: useScheduler
    withCluster: withCluster
    privateNetwork: privateNetwork
  }
  dependsOn: [scheduler, cluster]
}

module mailRoles 'modules/mail-roles.bicep' = if (!empty(mailService)) {
  name: 'mail-roles-${environmentName}'
  scope: resourceGroup(empty(mailGroup) ? names.group : mailGroup)
  params: {
    serviceName: mailService
    appPrincipalId: identities.outputs.appPrincipalId
  }
}

module stagingRoles 'modules/staging-roles.bicep' = {
  name: 'staging-roles'
  scope: stagingGroup
  params: { appPrincipalId: identities.outputs.appPrincipalId }
}

module privateEndpoints 'modules/endpoints.bicep' = if (privateNetwork) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    subnetId: network!.outputs.endpointSubnetId
    endpoints: [
      { name: 'host-blob', target: hostStorage.outputs.id, group: 'blob', zones: [zones.blob] }
      { name: 'host-queue', target: hostStorage.outputs.id, group: 'queue', zones: [zones.queue] }
      { name: 'host-table', target: hostStorage.outputs.id, group: 'table', zones: [zones.table] }
      { name: 'data-blob', target: dataStorage.outputs.id, group: 'blob', zones: [zones.blob] }
      { name: 'data-table', target: dataStorage.outputs.id, group: 'table', zones: [zones.table] }
      { name: 'ml-blob', target: mlStorage.outputs.id, group: 'blob', zones: [zones.blob] }
      { name: 'ml-file', target: mlStorage.outputs.id, group: 'file', zones: [zones.file] }
      { name: 'vault', target: vault.outputs.id, group: 'vault', zones: [zones.vault] }
      { name: 'ml-vault', target: mlVault.outputs.id, group: 'vault', zones: [zones.vault] }
      { name: 'registry', target: registry.outputs.id, group: 'registry', zones: [zones.registry] }
      {
        name: 'workspace'
        target: workspace.outputs.id
        group: 'amlworkspace'
        zones: [zones.workspace, zones.notebooks]
      }
    ]
  }
}

// A reference, not a value: App Service reads the secret with the app's identity.
var webhookSettings = toObject(
  webhookSources,
  source => 'MLOPS_WEBHOOK_SECRET_${toUpper(replace(source, '-', '_'))}',
  source => '@Microsoft.KeyVault(VaultName=${names.vault};SecretName=webhook-${source})'
)
var gitSettings = toObject(
  gitHosts,
  host => 'MLOPS_GIT_TOKEN_${toUpper(replace(replace(host, '.', '_'), '-', '_'))}',
  host => '@Microsoft.KeyVault(VaultName=${names.vault};SecretName=git-token-${replace(host, '.', '-')})'
)
var channelSettings = toObject(
  channels,
  channel => 'MLOPS_NOTIFY_${toUpper(replace(channel, '-', '_'))}',
  channel => '@Microsoft.KeyVault(VaultName=${names.vault};SecretName=notify-${channel})'
)
var mailSettings = !empty(mailService)
  ? {
      MLOPS_NOTIFY_AZURE_MAIL_ENDPOINT: 'https://${mailRoles!.outputs.hostName}'
      MLOPS_NOTIFY_AZURE_MAIL_FROM: mailFrom
      MLOPS_NOTIFY_AZURE_MAIL_TO: join(mailTo, ',')
    }
  : {}
var schedulerSettings = useScheduler
  ? {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identities.outputs.appClientId};TaskHub=${taskHubName}'
    }
  : {}
var clusterSettings = withCluster
  ? {
      MLOPS_AZURE_CLUSTER: names.cluster
      MLOPS_AZURE_CLUSTER_RESOURCE_GROUP: names.group
      MLOPS_AZURE_CLUSTER_NAMESPACE: clusterNamespace
    }
  : {}
var networkSettings = privateNetwork ? { MLOPS_AZURE_STAGING_SUBNET: network!.outputs.stagingSubnetId } : {}
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostStorage.outputs.blobEndpoint
  AzureWebJobsStorage__queueServiceUri: hostStorage.outputs.queueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostStorage.outputs.tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identities.outputs.appClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identities.outputs.appClientId};Authorization=AAD'
  // The worker sends the app's own spans and figures, and tells the host not to send them again.
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  // This keeps traces whole. By default the exporter keeps five spans a second, and it decides again
  // for each span whose parent came as text, so that a trace loses some of its spans.
  OTEL_TRACES_SAMPLER: 'parentbased_always_on'
  // A thread for each activity and turn that host.json lets run at a time; the worker's own default is
  // a handful, and the others would wait for it.
  PYTHON_THREADPOOL_THREAD_COUNT: string(durable.maxConcurrentActivityFunctions + durable.maxConcurrentOrchestratorFunctions)
  // The SDKs' default credential: this identity and no other.
  AZURE_CLIENT_ID: identities.outputs.appClientId
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
}
var appSettings = {
  MLOPS_PLATFORM: 'azure'
  MLOPS_STATE: '/tmp/mlops'
  MLOPS_TOPIC_ENDPOINT: topics.outputs.ownTopicEndpoint
  MLOPS_AZURE_SUBSCRIPTION_ID: subscription().subscriptionId
  MLOPS_AZURE_RESOURCE_GROUP: names.group
  MLOPS_AZURE_LOCATION: location
  MLOPS_AZURE_WORKSPACE: names.workspace
  MLOPS_AZURE_PRODUCTION: withCluster ? 'cluster' : 'endpoint'
  // Never a public address without TLS: the app asks through the cluster's API.
  MLOPS_AZURE_CLUSTER_EXPOSURE: 'internal'
  MLOPS_AZURE_PUBLIC_DOMAIN: publicDomain
  MLOPS_AZURE_PUBLIC_CERTIFICATE: publicCertificate
  MLOPS_AZURE_KEYS_VAULT: vault.outputs.uri
  MLOPS_AZURE_COMPUTE: computeName
  MLOPS_AZURE_COMPUTE_SIZE: sizes.computeSize
  MLOPS_AZURE_COMPUTE_NODES: string(sizes.computeNodes)
  MLOPS_AZURE_COMPUTE_IDENTITY: identities.outputs.trainingId
  MLOPS_AZURE_JUDGE_COMPUTE: judgeComputeName
  MLOPS_AZURE_JUDGE_NODES: string(sizes.judgeNodes)
  MLOPS_AZURE_JUDGE_IDENTITY: identities.outputs.judgeId
  MLOPS_AZURE_CHECKS_COMPUTE: checksComputeName
  MLOPS_AZURE_CHECKS_IDENTITY: identities.outputs.checksId
  MLOPS_AZURE_REGISTRY: names.registry
  MLOPS_AZURE_REGISTRY_SERVER: registry.outputs.loginServer
  MLOPS_AZURE_TABLES_ENDPOINT: 'https://${names.dataStorage}.table.${storageSuffix}'
  MLOPS_AZURE_BLOB_ENDPOINT: 'https://${names.dataStorage}.blob.${storageSuffix}'
  MLOPS_AZURE_DATA_CONTAINER: dataContainer
  MLOPS_AZURE_VERSIONS_CONTAINER: versionsContainer
  MLOPS_AZURE_RUNS_CONTAINER: runsContainer
  MLOPS_AZURE_EVALUATIONS_CONTAINER: evaluationsContainer
  MLOPS_AZURE_PREDICTIONS_CONTAINER: predictionsContainer
  MLOPS_AZURE_CHECKS_CONTAINER: checksContainer
  MLOPS_AZURE_CHECKS_INPUTS_CONTAINER: checksInputsContainer
  MLOPS_AZURE_REPLICA_CLIENT_ID: identities.outputs.replicaClientId
  MLOPS_AZURE_REPLICA_IDENTITY: identities.outputs.replicaId
  MLOPS_AZURE_REPLICA_INSIGHTS: monitoring.outputs.connectionString
  MLOPS_AZURE_STAGING_RESOURCE_GROUP: names.stagingGroup
  MLOPS_AZURE_STAGING_IDENTITY: identities.outputs.stagingId
  MLOPS_AZURE_CLIENT_ID: identities.outputs.appClientId
  MLOPS_AZURE_TENANT_ID: tenant().tenantId
  MLOPS_AZURE_APPROVER_AUDIENCE: approverAudience
  MLOPS_AZURE_APPROVER_ROLE: approverRole
  MLOPS_AZURE_APPROVER_SCOPE: approverScope
  MLOPS_AZURE_STORAGE_SUFFIX: storageSuffix
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    appIdentityId: identities.outputs.appId
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    deployContainer: deployContainer
    instanceMemory: sizes.instanceMemory
    maximumInstances: sizes.maximumInstances
    alwaysReadyDurable: sizes.alwaysReadyDurable
    zoneRedundant: sizes.zoneRedundant
    privateNetwork: privateNetwork
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    logsId: monitoring.outputs.logsId
    settings: union(
      hostSettings,
      appSettings,
      schedulerSettings,
      clusterSettings,
      networkSettings,
      webhookSettings,
      gitSettings,
      channelSettings,
      mailSettings,
      extraSettings
    )
  }
  dependsOn: [roles, stagingRoles, privateEndpoints, replicas]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    suffix: suffix
    location: location
    tags: tags
    emails: alertEmails
    logsId: monitoring.outputs.logsId
    insightsId: monitoring.outputs.insightsId
    systemTopicIds: [
      topics.outputs.dataTopicId
      topics.outputs.workspaceTopicId
      topics.outputs.registryTopicId
    ]
    ownTopicId: topics.outputs.ownTopicId
    withCluster: withCluster
    clusterId: withCluster ? cluster!.outputs.id : ''
    clusterNamespace: clusterNamespace
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    displayName: 'MLOps ${environmentName}'
    logsId: monitoring.outputs.logsId
    insightsId: monitoring.outputs.insightsId
  }
}

module budget 'modules/budget.bicep' = if (!empty(budgetStart)) {
  // Deployments of a subscription may not share a name when their regions differ.
  name: 'budget-${environmentName}'
  params: {
    name: names.budget
    amount: monthlyBudget
    emails: alertEmails
    startDate: budgetStart
    groupNames: [names.group, names.stagingGroup, names.nodeGroup]
  }
}

// azd keeps these as environment values for the hooks.
output AZURE_RESOURCE_GROUP string = names.group
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_LOCATION string = location
output MLOPS_APP_NAME string = app.outputs.name
output MLOPS_APP_URL string = 'https://${app.outputs.hostName}'
output MLOPS_REGISTRY string = names.registry
output MLOPS_CLUSTER string = withCluster ? names.cluster : ''
output MLOPS_CLUSTER_NAMESPACE string = clusterNamespace
output MLOPS_DATA_STORAGE string = dataStorage.outputs.name
output MLOPS_DATA_TOPIC string = topics.outputs.dataTopicName
output MLOPS_WORKSPACE_TOPIC string = topics.outputs.workspaceTopicName
output MLOPS_REGISTRY_TOPIC string = topics.outputs.registryTopicName
output MLOPS_OWN_TOPIC string = topics.outputs.ownTopicName
output MLOPS_OWN_TOPIC_ENDPOINT string = topics.outputs.ownTopicEndpoint
output MLOPS_VAULT string = vault.outputs.name
output MLOPS_DURABLE_BACKEND string = durableBackend
