// A monthly budget of the environment's groups; it warns, it stops nothing.
// It belongs to the subscription: the nodes and staging, which cost most, are groups of their own.
targetScope = 'subscription'

param name string
param amount int
param emails array
@description('First day of the first month of the budget. Azure refuses to change it later.')
param startDate string
param groupNames array

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    filter: {
      dimensions: { name: 'ResourceGroupName', operator: 'In', values: groupNames }
    }
    notifications: {
      forecast: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactRoles: ['Owner']
      }
      spent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: ['Owner']
      }
    }
  }
}
