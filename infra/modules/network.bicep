// The network of the private option: one subnet for each that lives in it, and the private zones.
// No subnet has default outbound access, which Azure ends for new networks: the app, trainings and
// staging go out by the NAT gateway, the cluster by its own load balancer.
param name string
param location string
param tags object
param zoneRedundant bool
param zones array

resource outboundAddress 'Microsoft.Network/publicIPAddresses@2024-05-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  // A gateway is in one zone at most; an address of all zones outlives each of them.
  zones: zoneRedundant ? ['1', '2', '3'] : null
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2024-05-01' = {
  name: 'nat-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: outboundAddress.id }] }
}

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
          defaultOutboundAccess: false
          natGateway: { id: gateway.id }
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.40.0.64/26'
          defaultOutboundAccess: false
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'staging'
        properties: {
          addressPrefix: '10.40.0.128/26'
          defaultOutboundAccess: false
          natGateway: { id: gateway.id }
          delegations: [
            { name: 'staging', properties: { serviceName: 'Microsoft.ContainerInstance/containerGroups' } }
          ]
        }
      }
      {
        name: 'training'
        properties: {
          addressPrefix: '10.40.1.0/24'
          defaultOutboundAccess: false
          natGateway: { id: gateway.id }
        }
      }
      {
        name: 'cluster'
        properties: {
          addressPrefix: '10.40.2.0/23'
          defaultOutboundAccess: false
        }
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
