"""Azure on this machine, for the adapters' own tests."""

from collections.abc import Iterator

import pytest

from tests.azure_servers.azure import azure
from tests.azure_servers.identity import IdentityServer

__all__ = ["azure"]


@pytest.fixture(scope="session")
def identity() -> Iterator[IdentityServer]:
    """This process as a function app that has an identity; its key takes long to make."""
    with IdentityServer() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ().items():
            patch.setenv(name, value)
        yield server
