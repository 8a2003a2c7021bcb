"""Azure as the contracts see it: with its storage emulated."""

from tests.azure_servers.storage import account, azurite, connection, identity, tls

__all__ = ["account", "azurite", "connection", "identity", "tls"]
