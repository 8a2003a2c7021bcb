using 'main.bicep'

// For `azd up`: azd puts the values of its environment (`azd env set NAME value`) where these are read.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'mlops')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tier = readEnvironmentVariable('MLOPS_TIER', 'dev')
param durableBackend = readEnvironmentVariable('MLOPS_DURABLE_BACKEND', 'scheduler')
param privateNetwork = bool(readEnvironmentVariable('MLOPS_PRIVATE_NETWORK', 'false'))
param withCluster = bool(readEnvironmentVariable('MLOPS_WITH_CLUSTER', 'true'))
param approverAudience = readEnvironmentVariable('MLOPS_APPROVER_AUDIENCE', '')
param webhookSources = json(readEnvironmentVariable('MLOPS_WEBHOOK_SOURCES', '[]'))
param gitHosts = json(readEnvironmentVariable('MLOPS_GIT_HOSTS', '[]'))
param publisherPrincipalIds = json(readEnvironmentVariable('MLOPS_PUBLISHERS', '[]'))
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('MLOPS_DEPLOYER_TYPE', 'User')
param alertEmails = json(readEnvironmentVariable('MLOPS_ALERT_EMAILS', '[]'))
param monthlyBudget = int(readEnvironmentVariable('MLOPS_MONTHLY_BUDGET', '300'))
param budgetStart = readEnvironmentVariable('MLOPS_BUDGET_START', '')
