// Lets the replicas' pods be their identity: Entra trusts the cluster's word for one service account.
param identityName string
param clusterName string
param namespaceName string
@description('The service account that the app creates: ACCOUNT in function_app/adapters/azure/production/replicas.py.')
param accountName string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' existing = {
  name: clusterName
}

resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = {
  parent: identity
  name: 'replicas'
  properties: {
    issuer: cluster.properties.oidcIssuerProfile.issuerURL
    subject: 'system:serviceaccount:${namespaceName}:${accountName}'
    audiences: ['api://AzureADTokenExchange']
  }
}
