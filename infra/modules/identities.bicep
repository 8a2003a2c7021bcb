// One identity for each job, so that each can be given only what that job needs.
param prefix string
param suffix string
param location string
param tags object

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-app-${suffix}'
  location: location
  tags: tags
}

resource staging 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-staging-${suffix}'
  location: location
  tags: tags
}

resource training 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-training-${suffix}'
  location: location
  tags: tags
}

resource judge 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-judge-${suffix}'
  location: location
  tags: tags
}

resource checks 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-checks-${suffix}'
  location: location
  tags: tags
}

resource cluster 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-cluster-${suffix}'
  location: location
  tags: tags
}

resource kubelet 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-kubelet-${suffix}'
  location: location
  tags: tags
}

resource replica 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${prefix}-replica-${suffix}'
  location: location
  tags: tags
}

output appId string = app.id
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output stagingName string = staging.name
output stagingId string = staging.id
output stagingPrincipalId string = staging.properties.principalId
output trainingId string = training.id
output trainingPrincipalId string = training.properties.principalId
output judgeId string = judge.id
output judgePrincipalId string = judge.properties.principalId
output checksId string = checks.id
output checksPrincipalId string = checks.properties.principalId
output clusterId string = cluster.id
output clusterPrincipalId string = cluster.properties.principalId
output kubeletName string = kubelet.name
output kubeletId string = kubelet.id
output kubeletClientId string = kubelet.properties.clientId
output kubeletPrincipalId string = kubelet.properties.principalId
output replicaName string = replica.name
output replicaId string = replica.id
output replicaClientId string = replica.properties.clientId
output replicaPrincipalId string = replica.properties.principalId
