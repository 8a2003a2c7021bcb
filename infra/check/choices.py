"""The configurations that are compiled: their parameter files, and the values to choose from."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

SUBSCRIPTION, LOCATION = "44444444-4444-4444-4444-444444444444", "westeurope"
DEPLOYER, PUBLISHER, LONGEST_NAME = "someone", "build", "e" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A configuration: its parameter file, the variables that the file reads, and its traits.

    A trait is a condition of roles.json that holds.
    """

    file: str
    environ: Mapping[str, str]
    traits: frozenset[str]


_PLAIN = frozenset({"useScheduler", "withCluster"})
_PROD = frozenset({"prod", "privateNetwork"})
_MORE = frozenset({"hasDeployer", "each", "!empty(mailService)", "withChoices", "prod"})
_EVERYTHING = {
    "AZURE_ENV_NAME": LONGEST_NAME,
    "AZURE_PRINCIPAL_ID": DEPLOYER,
    "MLOPS_ALERT_EMAILS": '["someone@example.org"]',
    "MLOPS_APPROVER_AUDIENCE": "api://approvals",
    "MLOPS_BUDGET_START": "2026-01-01",
    "MLOPS_CHANNELS": '["slack-url", "teams-url", "webhook-url", "webhook-secret", "smtp-url"]',
    "MLOPS_DEPLOYER_TYPE": "ServicePrincipal",
    "MLOPS_DURABLE_BACKEND": "scheduler",
    "MLOPS_EXTRA_SETTINGS": '{"MLOPS_PUBLIC_URL": "https://mlops.example.org"}',
    "MLOPS_GIT_HOSTS": '["github.com"]',
    "MLOPS_MAIL_FROM": "mlops@example.org",
    "MLOPS_MAIL_GROUP": "rg-mail",
    "MLOPS_MAIL_SERVICE": "mail",
    "MLOPS_MAIL_TO": '["someone@example.org", "another@example.org"]',
    "MLOPS_MONTHLY_BUDGET": "450",
    "MLOPS_PRIVATE_NETWORK": "true",
    "MLOPS_PUBLIC_CERTIFICATE": "https://certificates.vault.azure.net/certificates/models",
    "MLOPS_PUBLIC_DOMAIN": "models.example.org",
    "MLOPS_PUBLISHER_TYPE": "User",
    "MLOPS_PUBLISHERS": f'["{PUBLISHER}"]',
    "MLOPS_TIER": "prod",
    "MLOPS_WEBHOOK_SOURCES": '["github", "azure-devops"]',
    "MLOPS_WITH_CLUSTER": "true",
}
_OTHER = {
    **_EVERYTHING,
    "MLOPS_DEPLOYER_TYPE": "User",
    "MLOPS_DURABLE_BACKEND": "storage",
    "MLOPS_PRIVATE_NETWORK": "false",
    "MLOPS_PUBLIC_CERTIFICATE": "",
    "MLOPS_PUBLISHER_TYPE": "Group",
    "MLOPS_PUBLIC_DOMAIN": "",
    "MLOPS_WITH_CLUSTER": "false",
}
# The three parameter files as they are; every variable set; and the conditions that those exclude.
CHOICES = {
    "main": Choice(file="main", environ={}, traits=_PLAIN),
    "dev": Choice(file="dev", environ={}, traits=_PLAIN),
    "prod": Choice(file="prod", environ={}, traits=_PLAIN | _PROD),
    "all": Choice(
        file="main", environ=_EVERYTHING, traits=_PLAIN | _MORE | _PROD | {"withIngress"}
    ),
    "other": Choice(
        file="main", environ=_OTHER, traits=_MORE | {"useStorageBackend", "withoutCluster"}
    ),
}


def holds(when: str, traits: Set[str]) -> bool:
    """Return whether each trait that a condition names (`a && b`) is there; an empty one holds."""
    return all(part in traits for part in when.split(" && ") if part)
