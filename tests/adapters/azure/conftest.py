"""Azure on this machine, for the adapters' own tests."""

from tests.azure_servers.azure import azure
from tests.azure_servers.storage import identity

__all__ = ["azure", "identity"]
