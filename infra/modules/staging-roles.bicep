// What the app may do in the group of staging's container groups, which holds nothing else.
param appPrincipalId string

var azureContainerInstancesContributorRole = '5d977122-f97e-4b4d-a52f-6b43003ddb4d'

// To make and remove container groups (staging.py).
resource appAzureContainerInstancesContributorRoleOnStagingGroup 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, appPrincipalId, azureContainerInstancesContributorRole)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureContainerInstancesContributorRole)
  }
}
