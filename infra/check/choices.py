"""What people may choose by variables: the checks look at the templates with none and with all."""

NOTHING: dict[str, str] = {}
EVERYTHING = {
    "AZURE_PRINCIPAL_ID": "someone",
    "MLOPS_ALERT_EMAILS": '["someone@example.org"]',
    "MLOPS_BUDGET_START": "2026-01-01",
    "MLOPS_CHANNELS": '["slack-url", "teams-url", "webhook-url", "webhook-secret", "smtp-url"]',
    "MLOPS_EXTRA_SETTINGS": '{"MLOPS_PUBLIC_URL": "https://mlops.example.org"}',
    "MLOPS_GIT_HOSTS": '["github.com"]',
    "MLOPS_MAIL_FROM": "mlops@example.org",
    "MLOPS_MAIL_SERVICE": "mail",
    "MLOPS_MAIL_TO": '["someone@example.org", "another@example.org"]',
    "MLOPS_PUBLISHERS": '["build"]',
    "MLOPS_WEBHOOK_SOURCES": '["github", "azure-devops"]',
}
