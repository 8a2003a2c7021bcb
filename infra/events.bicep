// Event subscriptions: deployed after the code, since each names the function that it delivers to.
param appName string
param functionName string = 'on_event'
param dataTopicName string
param workspaceTopicName string
param registryTopicName string
param ownTopicName string
param dataStorageName string
param dataContainer string = 'data'
param deadLetterContainer string = 'deadletter'

var retryPolicy = { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: dataStorageName
}

resource dataTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: dataTopicName
}

resource workspaceTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: workspaceTopicName
}

resource registryTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: registryTopicName
}

resource ownTopic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: ownTopicName
}

var destination = {
  endpointType: 'AzureFunction'
  properties: {
    resourceId: '${site.id}/functions/${functionName}'
    maxEventsPerBatch: 1
    preferredBatchSizeInKilobytes: 64
  }
}
var deadLetters = {
  identity: { type: 'SystemAssigned' }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: {
      resourceId: dataStorage.id
      blobContainerName: deadLetterContainer
    }
  }
}

resource dataArrives 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: dataTopic
  name: 'data-arrives'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
        // Spark, Data Factory and SFTP clients commit a file by renaming it or its folder.
        'Microsoft.Storage.BlobRenamed'
        'Microsoft.Storage.DirectoryRenamed'
      ]
      subjectBeginsWith: '/blobServices/default/containers/${dataContainer}/'
      isSubjectCaseSensitive: true
      enableAdvancedFilteringOnArrays: true
      // The calls after which a file is complete; CreateFile and SftpCreate come before its content.
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.api'
          values: [
            'PutBlob'
            'PutBlockList'
            'CopyBlob'
            'FlushWithClose'
            'SftpCommit'
            'RenameFile'
            'RenameDirectory'
            'SftpRename'
          ]
        }
      ]
    }
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters
  }
}

resource workspaceTells 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: workspaceTopic
  name: 'workspace-tells'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.MachineLearningServices.ModelRegistered'
        'Microsoft.MachineLearningServices.ModelDeployed'
        'Microsoft.MachineLearningServices.RunCompleted'
        'Microsoft.MachineLearningServices.RunStatusChanged'
        'Microsoft.MachineLearningServices.DatasetDriftDetected'
      ]
    }
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters
  }
}

resource imagesArrive 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: registryTopic
  name: 'images-arrive'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: { includedEventTypes: ['Microsoft.ContainerRegistry.ImagePushed'] }
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters
  }
}

resource ownEvents 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: ownTopic
  name: 'own-events'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Mlops.TrainingRequested'
        'Mlops.DriftDetected'
        'Mlops.CodePushed'
        'Mlops.CodeProposed'
      ]
    }
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters
  }
}
