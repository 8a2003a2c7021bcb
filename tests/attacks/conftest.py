"""The app on both platforms as fixtures: a test that asks for `target` runs against each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.adapters.azure.rows import INBOX_TABLE, AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.ports import Ledger, Rows
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from tests.attacks.targets import CloudTarget, LocalTarget, Target, cloud_app
from tests.azure_servers.azurite import Azurite
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.storage import account, azurite, connection, identity, tls
from tests.azure_servers.tls import Tls
from tests.triggers.office import Records, local_records

__all__ = ["account", "azurite", "connection", "identity", "tls"]


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
    with cloud_app(tmp_path_factory.mktemp("cloud-target"), tls, azurite) as target:
        yield target


@pytest.fixture(scope="session", params=["local", "azure"])
def target(request: pytest.FixtureRequest) -> Target:
    """The running app with `--auth`, on each platform in turn."""
    name = "local_target" if request.param == "local" else "cloud_target"
    found: Target = request.getfixturevalue(name)
    return found


@pytest.fixture(params=["local", "azure"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Ledger, Rows]:
    """The empty ledger and rows of each platform in turn, without a host."""
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        return StoredLedger(AzureRows(connected)), AzureRows(connected)
    return StoredLedger(LocalRows(tmp_path / "ledger.db")), LocalRows(tmp_path / "ledger.db")


@pytest.fixture(params=["local", "azure"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Records:
    """The empty inbox, ledger and rows of each platform in turn, without a host."""
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        rows = AzureRows(connected)
        return StoredInbox(AzureRows(connected, INBOX_TABLE)), StoredLedger(rows), rows
    return local_records(tmp_path)
