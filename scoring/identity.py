"""The identity of the service in Azure, from its cluster or endpoint; no secret is involved."""

import os
from typing import Any


def own_credential() -> Any:
    """Return the credential of azure-identity; no token is asked for before one is needed."""
    from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        # The cluster names the authority that it trusts, so that no lookup of the authority is
        # needed.
        return WorkloadIdentityCredential(disable_instance_discovery=True)
    return DefaultAzureCredential()
