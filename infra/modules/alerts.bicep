// What wakes a person. The limits stand in the queries.
param suffix string
param location string
param tags object
param emails array
param logsId string
param insightsId string
param systemTopicIds array
param ownTopicId string
param withCluster bool
param clusterId string
param clusterNamespace string

// A rule looks back no further than its window, and two days at most. What lasts longer than that has
// not gone away when it leaves the window, so those alerts are closed by a person.
var rules = [
  {
    name: 'waiting-approvals'
    title: 'A release waits for approval beyond the limit'
    query: loadTextContent('../queries/waiting-approvals.kql')
    scope: insightsId
    severity: 3
    frequency: 'PT15M'
    window: 'PT1H'
    lasts: false
  }
  {
    name: 'orchestration-failed'
    title: 'An orchestration failed'
    query: loadTextContent('../queries/orchestration-failed.kql')
    scope: insightsId
    severity: 2
    frequency: 'PT5M'
    window: 'PT30M'
    lasts: false
  }
  {
    name: 'runs-without-end'
    title: 'A training run was submitted and no RunCompleted came in time'
    query: loadTextContent('../queries/runs-without-end.kql')
    scope: insightsId
    severity: 3
    frequency: 'PT30M'
    window: 'P2D'
    lasts: false
  }
  {
    name: 'events-left'
    title: 'Stored events are not processed'
    query: loadTextContent('../queries/events-left.kql')
    scope: insightsId
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
    lasts: false
  }
  {
    name: 'dead-letters'
    title: 'The dead-letter container is not empty'
    query: loadTextContent('../queries/dead-letters.kql')
    scope: logsId
    severity: 2
    frequency: 'PT15M'
    window: 'P2D'
    lasts: true
  }
  {
    name: 'old-container-groups'
    title: 'A container group of staging is older than a day'
    query: loadTextContent('../queries/old-container-groups.kql')
    scope: logsId
    severity: 3
    frequency: 'PT6H'
    window: 'P2D'
    lasts: true
  }
  {
    name: 'scoring-not-ready'
    title: 'Production failed a check'
    query: loadTextContent('../queries/scoring-not-ready.kql')
    scope: insightsId
    severity: 1
    frequency: 'PT5M'
    window: 'PT30M'
    lasts: false
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-mlops-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'mlops'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: {
        name: 'person-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: '${rule.title}. docs/how-to/azure.md says what to do.'
      enabled: true
      severity: rule.severity
      scopes: [rule.scope]
      evaluationFrequency: rule.frequency
      windowSize: rule.window
      autoMitigate: !rule.lasts
      // Such an alert fires at each evaluation; once a day is enough. Azure refuses this for the others.
      muteActionsDuration: rule.lasts ? 'P1D' : null
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
    }
  }
]

// Event Grid counts what it gave up on, some minutes before the blob is there.
resource deadLettered 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for (topicId, index) in concat(systemTopicIds, [ownTopicId]): {
    name: 'alert-dead-lettered-${index}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid gave up on an event of ${last(split(topicId, '/'))}.'
      severity: 2
      enabled: true
      scopes: [topicId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'dead-lettered'
            metricName: 'DeadLetteredCount'
            operator: 'GreaterThan'
            threshold: 0
            timeAggregation: 'Total'
          }
        ]
      }
      actions: [{ actionGroupId: people.id }]
    }
  }
]

resource podsNotRunning 'Microsoft.Insights/metricAlerts@2018-03-01' = if (withCluster) {
  name: 'alert-pods-not-running'
  location: 'global'
  tags: tags
  properties: {
    description: 'Pods of production are pending, failed or unknown for a quarter of an hour.'
    severity: 1
    enabled: true
    scopes: [clusterId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'not-running'
          metricNamespace: 'Microsoft.ContainerService/managedClusters'
          metricName: 'kube_pod_status_phase'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Average'
          dimensions: [
            { name: 'phase', operator: 'Include', values: ['Pending', 'Failed', 'Unknown'] }
            { name: 'namespace', operator: 'Include', values: [clusterNamespace] }
          ]
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}
