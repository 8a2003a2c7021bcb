"""Azure on this machine, for the adapters' own tests."""

from tests.azure_servers.azure import azure

__all__ = ["azure"]
