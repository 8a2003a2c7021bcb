// The Durable Task Scheduler; it takes tokens only, never a key.
param name string
param hubName string
param location string
param tags object
param sku string
param retentionDays int

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // An empty list blocks every address. Roles decide who may call, and every call needs a token.
    ipAllowlist: ['0.0.0.0/0']
    sku: sku == 'Dedicated' ? { name: sku, capacity: 1 } : { name: sku }
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: hubName
  properties: {}
}

// Without this, ended instances vanish after 30 days by the service's own default.
resource retention 'Microsoft.DurableTask/schedulers/retentionPolicies@2026-02-01' = {
  parent: scheduler
  name: 'default'
  properties: {
    retentionPolicies: [{ retentionPeriodInDays: retentionDays }]
  }
}

output endpoint string = scheduler.properties.endpoint
