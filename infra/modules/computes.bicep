// Three clusters that have no node while nothing runs, because a run can take the token of each
// identity of its cluster: models' code trains and answers on the first, the app's own code judges on
// the second, and code that nobody merged yet is checked on the third. Nodes without a public IP reach
// the workspace by its private endpoint, so that ../main.bicep makes the endpoint and its DNS zones first.
param workspaceName string
param location string
param computeName string
param computeSize string
param computeNodes int
param trainingIdentityId string
param judgeComputeName string
param judgeNodes int
param judgeIdentityId string
param checksComputeName string
param checksIdentityId string
param privateNetwork bool
param trainingSubnetId string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource compute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = if (computeName != 'serverless') {
  parent: workspace
  name: computeName
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${trainingIdentityId}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: computeSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      enableNodePublicIp: !privateNetwork
      subnet: privateNetwork ? { id: trainingSubnetId } : null
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: computeNodes
        nodeIdleTimeBeforeScaleDown: 'PT120S'
      }
    }
  }
}

resource judgeCompute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = if (judgeComputeName != 'serverless') {
  parent: workspace
  name: judgeComputeName
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${judgeIdentityId}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: computeSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      enableNodePublicIp: !privateNetwork
      subnet: privateNetwork ? { id: trainingSubnetId } : null
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: judgeNodes
        nodeIdleTimeBeforeScaleDown: 'PT120S'
      }
    }
  }
}

resource checksCompute 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = if (checksComputeName != 'serverless') {
  parent: workspace
  name: checksComputeName
  location: location
  // Only this identity, because code can get the token of each identity of its compute.
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${checksIdentityId}': {} }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: computeSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      enableNodePublicIp: !privateNetwork
      subnet: privateNetwork ? { id: trainingSubnetId } : null
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: computeNodes
        nodeIdleTimeBeforeScaleDown: 'PT120S'
      }
    }
  }
}
