"""Data on both platforms: its files, its versions and the newest of them."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.data.datasets import AzureDatasets
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.data_quality import ColumnProfile, DataProfile
from function_app.domain.training import Dataset
from function_app.ports import Datasets
from tests.azure_servers.arm import ArmServer
from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.azure import import_sdk
from tests.azure_servers.tls import Tls

ROOT = Path(__file__).parents[2]


CSV = b"a,Y\n1,2\n3,4\n,6\n"


PROFILE = DataProfile(
    rows=3,
    columns=(
        ColumnProfile(name="a", missing=1, mean=2.0, std=1.0),
        ColumnProfile(name="Y", missing=0, mean=4.0, std=1.6),
    ),
)


class Place:
    """Datasets, and how data lands there: `land(name, content)` returns uri and etag.

    `change(dataset, content)` and `remove(dataset)` damage a kept version.
    """

    def __init__(
        self,
        datasets: Datasets,
        land: Callable[[str, bytes], tuple[str, str]],
        change: Callable[[Dataset, bytes], object],
        remove: Callable[[Dataset], object],
        ml: MachineLearning | None = None,
    ) -> None:
        self.datasets, self.land, self.change, self._ml = datasets, land, change, ml
        self.remove = remove

    @property
    def ml(self) -> MachineLearning:
        """Return the workspace, which only Azure has."""
        assert self._ml is not None
        return self._ml


@pytest.fixture(params=["local", "azure"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "azure":
        place: Place = request.getfixturevalue("azure_place")
        return place
    inbox = tmp_path / "inbox" / "data"

    def land(name: str, content: bytes) -> tuple[str, str]:
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path.as_uri(), hashlib.sha256(content).hexdigest()

    def change(dataset: Dataset, content: bytes) -> None:
        Path(dataset.uri).write_bytes(content)

    datasets = LocalDatasets(tmp_path, ROOT, LocalEvents("", ""))
    return Place(datasets, land, change, lambda dataset: Path(dataset.uri).unlink())


@pytest.fixture
def azure_place(connection: Connection, tls: Tls) -> Iterator[Place]:
    import_sdk()
    with ArmServer(tls) as arm:
        settings = replace(connection.settings, management_endpoint=arm.url)
        yield _azure(Connection(settings), MachineLearning(arm))


def _azure(connection: Connection, ml: MachineLearning) -> Place:
    landed = Blobs(connection, connection.settings.data_container)
    landed.ensure_container()
    Blobs(connection).ensure_container()

    def land(name: str, content: bytes) -> tuple[str, str]:
        landed.write(name, content)
        client: Any = landed._container()
        etag = client.get_blob_client(name).get_blob_properties().etag
        return landed.url(name), str(etag).strip('"')

    versions = Blobs(connection)

    def change(dataset: Dataset, content: bytes) -> None:
        versions.write(str(versions.name_of(dataset.uri)), content)

    def remove(dataset: Dataset) -> None:
        versions.delete(str(versions.name_of(dataset.uri)))

    return Place(AzureDatasets(Workspace(connection)), land, change, remove, ml)


def _beside(dataset: Dataset, name: str) -> Dataset:
    """Return a path for a file beside a version, for `change` and `remove`."""
    return replace(dataset, uri=f"{dataset.uri.rpartition('/')[0]}/{name}")
