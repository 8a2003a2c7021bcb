// The network of the private option: one subnet for each that lives in it, and the private zones.
param name string
param location string
param tags object
param zones array

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.40.0.0/20'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.40.0.0/26'
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.40.0.64/26'
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'staging'
        properties: {
          addressPrefix: '10.40.0.128/26'
          delegations: [
            { name: 'staging', properties: { serviceName: 'Microsoft.ContainerInstance/containerGroups' } }
          ]
        }
      }
      {
        name: 'training'
        properties: { addressPrefix: '10.40.1.0/24' }
      }
      {
        name: 'cluster'
        properties: { addressPrefix: '10.40.2.0/23' }
      }
    ]
  }
}

resource zoneList 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zones: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zones: {
    parent: zoneList[index]
    name: 'to-${name}'
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

output name string = network.name
output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
output stagingSubnetId string = '${network.id}/subnets/staging'
output trainingSubnetId string = '${network.id}/subnets/training'
output clusterSubnetId string = '${network.id}/subnets/cluster'
