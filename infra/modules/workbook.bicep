// What operators look at first; each part is a query of ../queries.
param location string
param tags object
param displayName string
param logsId string
param insightsId string

var onInsights = [
  { title: 'Releases that wait for a person', query: loadTextContent('../queries/waiting-approvals.kql') }
  { title: 'The figures now', query: loadTextContent('../queries/figures.kql') }
  { title: 'Orchestrations that failed', query: loadTextContent('../queries/orchestration-failed.kql') }
  { title: 'Trainings without an end', query: loadTextContent('../queries/runs-without-end.kql') }
  { title: 'Where each story stands', query: loadTextContent('../queries/stories.kql') }
  { title: 'Requests that were refused', query: loadTextContent('../queries/host-refusals.kql') }
  { title: 'How long activities take', query: loadTextContent('../queries/activity-durations.kql') }
]
var onLogs = [
  { title: 'Dead letters of Event Grid', query: loadTextContent('../queries/dead-letters.kql') }
  { title: 'Deliveries that failed', query: loadTextContent('../queries/delivery-failures.kql') }
  { title: 'Container groups older than a day', query: loadTextContent('../queries/old-container-groups.kql') }
  { title: 'Azure ML runs', query: loadTextContent('../queries/ml-runs.kql') }
]
var heading = [
  {
    type: 1
    name: 'heading'
    content: { json: '# MLOps\nWhat waits, what failed, what was left over. docs/how-to/azure.md says what to do.' }
  }
]
var insightsItems = [
  for part in onInsights: {
    type: 3
    name: part.title
    content: {
      version: 'KqlItem/1.0'
      title: part.title
      query: part.query
      size: 0
      timeContext: { durationMs: 172800000 }
      queryType: 0
      resourceType: 'microsoft.insights/components'
      crossComponentResources: [insightsId]
    }
  }
]
var logsItems = [
  for part in onLogs: {
    type: 3
    name: part.title
    content: {
      version: 'KqlItem/1.0'
      title: part.title
      query: part.query
      size: 0
      timeContext: { durationMs: 172800000 }
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      crossComponentResources: [logsId]
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, 'operators')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: insightsId
    version: '1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat(heading, insightsItems, logsItems)
      fallbackResourceIds: [insightsId]
    })
  }
}
