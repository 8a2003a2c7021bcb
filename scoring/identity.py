"""Who the service is in Azure: what its cluster or endpoint vouches for. No secret is involved."""

import os
from typing import Any


def own_credential() -> Any:
    """Return the credential of azure-identity; no token is asked for before one is needed."""
    from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        # The cluster itself says which authority it trusts: nobody else is asked about it.
        return WorkloadIdentityCredential(disable_instance_discovery=True)
    return DefaultAzureCredential()
