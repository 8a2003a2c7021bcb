// Lets the app send mail through a resource of Azure Communication Services that is there already.
param serviceName string
param appPrincipalId string

var communicationAndEmailServiceOwner = '09976791-48a7-449e-bb21-39d1a415f350'

resource mailService 'Microsoft.Communication/communicationServices@2023-04-01' existing = {
  name: serviceName
}

// To send notifications; Azure has no smaller role that sends mail.
resource appSendsMail 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mailService.id, appPrincipalId, communicationAndEmailServiceOwner)
  scope: mailService
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', communicationAndEmailServiceOwner)
  }
}

output hostName string = mailService.properties.hostName
