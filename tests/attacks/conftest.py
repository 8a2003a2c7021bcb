"""The app on both platforms as fixtures: a test that asks for `target` runs against each."""

from collections.abc import Iterator

import pytest

from tests.attacks.targets import CloudTarget, LocalTarget, Target
from tests.azure_servers.azure import running
from tests.azure_servers.azurite import Azurite
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.storage import azurite, identity, tls
from tests.azure_servers.tls import Tls

__all__ = ["azurite", "identity", "tls"]


@pytest.fixture(scope="session")
def local_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """The app on the local platform, started once for all attacks of a test process."""
    target = LocalTarget(tmp_path_factory.mktemp("local-target"))
    yield target
    target.close()


@pytest.fixture(scope="session")
def cloud_target(
    tmp_path_factory: pytest.TempPathFactory, azurite: Azurite, tls: Tls, identity: IdentityServer
) -> Iterator[CloudTarget]:
    """The app with the Azure adapters, started once for all attacks of a test process."""
    folder = tmp_path_factory.mktemp("cloud-target")
    with (
        pytest.MonkeyPatch.context() as patch,
        running(tls, folder) as azure,
        IdentityServer(tls) as entra,
    ):
        # Azure ML's SDK sets this in the test process; the app is another process.
        patch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
        target = CloudTarget(folder, azure, entra, azurite.account().tables_endpoint)
        yield target
        target.close()


@pytest.fixture(scope="session", params=["local", "azure"])
def target(request: pytest.FixtureRequest) -> Target:
    """The running app with `--auth`, on each platform in turn."""
    name = "local_target" if request.param == "local" else "cloud_target"
    found: Target = request.getfixturevalue(name)
    return found
