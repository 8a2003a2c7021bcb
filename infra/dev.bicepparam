using 'main.bicep'

// For build systems: az deployment sub create --parameters infra/dev.bicepparam
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'mlops-dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tier = 'dev'
param durableBackend = 'scheduler'
param privateNetwork = false
param withCluster = true
param publicDomain = readEnvironmentVariable('MLOPS_PUBLIC_DOMAIN', '')
param publicCertificate = readEnvironmentVariable('MLOPS_PUBLIC_CERTIFICATE', '')
param approverAudience = readEnvironmentVariable('MLOPS_APPROVER_AUDIENCE', '')
param webhookSources = json(readEnvironmentVariable('MLOPS_WEBHOOK_SOURCES', '[]'))
param gitHosts = json(readEnvironmentVariable('MLOPS_GIT_HOSTS', '[]'))
param publisherPrincipalType = readEnvironmentVariable('MLOPS_PUBLISHER_TYPE', 'ServicePrincipal')
param publisherPrincipalIds = json(readEnvironmentVariable('MLOPS_PUBLISHERS', '[]'))
param channels = json(readEnvironmentVariable('MLOPS_CHANNELS', '[]'))
param mailService = readEnvironmentVariable('MLOPS_MAIL_SERVICE', '')
param mailGroup = readEnvironmentVariable('MLOPS_MAIL_GROUP', '')
param mailFrom = readEnvironmentVariable('MLOPS_MAIL_FROM', '')
param mailTo = json(readEnvironmentVariable('MLOPS_MAIL_TO', '[]'))
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = 'ServicePrincipal'
param alertEmails = json(readEnvironmentVariable('MLOPS_ALERT_EMAILS', '[]'))
param monthlyBudget = 300
param budgetStart = readEnvironmentVariable('MLOPS_BUDGET_START', '')
param extraSettings = json(readEnvironmentVariable('MLOPS_EXTRA_SETTINGS', '{}'))
