// Private endpoints: each entry has a short name, the resource, its group and the zones it is found by.
param location string
param tags object
param subnetId string
param endpoints array

resource endpointList 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for entry in endpoints: {
    name: 'pe-${entry.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: entry.name
          properties: {
            privateLinkServiceId: entry.target
            groupIds: [entry.group]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (entry, index) in endpoints: {
    parent: endpointList[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in entry.zones: {
          name: replace(zone, '.', '-')
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone) }
        }
      ]
    }
  }
]
