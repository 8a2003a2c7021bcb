"""Azure's addresses, as the adapters see them, on this machine."""

from collections.abc import Callable, Iterator

import pytest

from function_app.azure_settings import AzureSettings, read_azure_settings
from tests.azure_servers.identity import CLIENT, TENANT, IdentityServer
from tests.azure_servers.tls import Tls, make_tls

NAMES = {
    "MLOPS_AZURE_SUBSCRIPTION_ID": "44444444-4444-4444-4444-444444444444",
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
MakeSettings = Callable[..., AzureSettings]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    """This process as a function app that has an identity."""
    with IdentityServer() as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def azure_settings(tls: Tls) -> MakeSettings:
    """Return settings; `management_endpoint=...` and the like replace some."""

    def make(**values: str) -> AzureSettings:
        replaced = {f"MLOPS_AZURE_{name.upper()}": value for name, value in values.items()}
        return read_azure_settings({**NAMES, "MLOPS_AZURE_CA_FILE": str(tls.ca_file), **replaced})

    return make
