"""Azure's addresses as the adapters see them, on this machine."""

from collections.abc import Callable, Iterator

import pytest

from function_app.settings.azure import AzureSettings
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls, make_tls

MakeSettings = Callable[..., AzureSettings]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    """Give this process the environment of a function app with an identity."""
    with IdentityServer() as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def azure_settings(tls: Tls) -> MakeSettings:
    """Return settings; `management_endpoint=...` and the like replace some."""

    def make(**values: str) -> AzureSettings:
        return settings_of_tests(tls.ca_file, **values)

    return make
