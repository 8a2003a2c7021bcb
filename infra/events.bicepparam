// For the checks alone: infra/hooks.py gives these parameters to a deployment, as a test holds.
using 'events.bicep'

param appName = 'func-x'
param dataTopicName = 'evgs-data-x'
param workspaceTopicName = 'evgs-ml-x'
param registryTopicName = 'evgs-images-x'
param ownTopicName = 'evgt-mlops-x'
param dataStorageName = 'stdatax'
