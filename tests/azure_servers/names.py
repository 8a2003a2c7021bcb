"""Settings of an Azure that is on this machine."""

from pathlib import Path

from function_app.settings.azure import AzureSettings, read_azure_settings
from tests.azure_servers.identity import CLIENT, TENANT

SUBSCRIPTION = "44444444-4444-4444-4444-444444444444"
NAMES = {
    "MLOPS_AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "MLOPS_AZURE_RESOURCE_GROUP": "group",
    "MLOPS_AZURE_LOCATION": "westeurope",
    "MLOPS_AZURE_WORKSPACE": "workspace",
    "MLOPS_AZURE_REGISTRY": "registry",
    "MLOPS_AZURE_TABLES_ENDPOINT": "https://account.table.core.windows.net",
    "MLOPS_AZURE_BLOB_ENDPOINT": "https://account.blob.core.windows.net",
    "MLOPS_AZURE_CLIENT_ID": CLIENT,
    "MLOPS_AZURE_TENANT_ID": TENANT,
    "MLOPS_AZURE_POLL_SECONDS": "0.05",
}


def settings_of_tests(ca_file: Path, **values: str) -> AzureSettings:
    """Return settings; `management_endpoint=...` and the like replace some."""
    replaced = {f"MLOPS_AZURE_{name.upper()}": value for name, value in values.items()}
    return read_azure_settings({**NAMES, "MLOPS_AZURE_CA_FILE": str(ca_file), **replaced})
