"""Storage as Azure has it, and an identity that may use it, as fixtures."""

from collections.abc import Iterator

import pytest

from function_app.adapters.azure.reach.connection import Connection
from tests.azure_servers.azurite import Account, Azurite, running
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls, make_tls
from tests.npm import NotInstalledError


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def identity() -> Iterator[IdentityServer]:
    """Give this process the environment of a function app with an identity."""
    with IdentityServer() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ().items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def azurite(tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    try:
        with running(tmp_path_factory.mktemp("azurite"), tls) as emulator:
            yield emulator
    except NotInstalledError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def account(azurite: Azurite) -> Account:
    """A storage account of this test's own."""
    return azurite.account()


@pytest.fixture
def connection(account: Account, identity: IdentityServer, tls: Tls) -> Connection:
    settings = settings_of_tests(
        tls.ca_file,
        blob_endpoint=account.blob_endpoint,
        tables_endpoint=account.tables_endpoint,
    )
    return Connection(settings)
