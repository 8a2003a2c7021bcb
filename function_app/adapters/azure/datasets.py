"""Data in Blob storage: what lands in one container, its versions, named by digest, in another."""

import hashlib
from dataclasses import replace
from urllib.parse import quote

from function_app.adapters.accepted_data import accepted
from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.data_addresses import landed_name
from function_app.adapters.azure.data_assets import DataAssets
from function_app.adapters.azure.references import FOLDER, ReferenceRecords
from function_app.adapters.azure.workspace import Workspace
from function_app.codec import load
from function_app.domain.arrivals import Arrival, limited
from function_app.domain.data_quality import DataProfile
from function_app.domain.events import ArrivedFile
from function_app.domain.training import Dataset, Reference, again
from function_app.errors import ConflictError, ContractError, NotFoundError

MAX_BYTES = 200 * 1024 * 1024


class AzureDatasets:
    """Keeps each version once; the storage itself announces what lands."""

    def __init__(self, workspace: Workspace) -> None:
        connection = workspace.connection
        self._settings = connection.settings
        self._landed = Blobs(connection, connection.settings.data_container)
        self._versions = Blobs(connection)
        self._references = ReferenceRecords(self._versions)
        self._assets = DataAssets(workspace, self._versions)

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        name = landed_name(self._settings, uri)
        content = self._landed.read_at(name, etag, MAX_BYTES)
        if content is None:
            message = f"{name} has changed since its event; the newer event counts."
            raise ConflictError(message, code="DATA_CHANGED")
        version = hashlib.sha256(content).hexdigest()
        kept = f"{FOLDER}/{model}/{version}.csv"
        self._versions.create(kept, content)
        dataset = Dataset(model=model, version=version, uri=self._versions.url(kept))
        self._assets.register(dataset)
        return dataset

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        name = f"{FOLDER}/{dataset.model}/latest.json"
        self._versions.change_record(name, lambda stored: accepted(stored, dataset, arrival))
        if self._references.find(dataset.model) is None:
            self._references.keep(dataset, profile)

    def latest(self, model: str) -> Dataset:
        content = self._versions.read_record(f"{FOLDER}/{model}/latest.json")
        if content is not None:
            try:
                dataset = load(Dataset, content)
            except ContractError as error:
                text = f"latest.json of {model} does not name the newest data. {again(model)}"
                raise NotFoundError(text) from error
            self._read(dataset)
            return dataset
        reference = self._references.find(model)
        if reference is None:
            text = f"{model} has no data yet. Put a CSV file into its folder of the container."
            raise NotFoundError(text)
        # As a version like any other: a model trained on it finds it again.
        kept = f"{FOLDER}/{model}/{reference.dataset.version}.csv"
        self._versions.create(kept, self._read(reference.dataset))
        return replace(reference.dataset, uri=self._versions.url(kept))

    def reference(self, model: str) -> Reference | None:
        return self._references.find(model)

    def _read(self, dataset: Dataset) -> bytes:
        name = self._versions.name_of(dataset.uri)
        content = self._versions.read(name) if name else None
        if content is None:
            raise NotFoundError(f"Version {dataset.version[:12]} is gone. {again(dataset.model)}")
        if hashlib.sha256(content).hexdigest() != dataset.version:
            raise ContractError(f"{name} was changed. Delete it and send the file again.")
        return content

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        if container != self._settings.data_container:
            return ()
        return limited(
            ArrivedFile(path=b.name, uri=self._landed.url(quote(b.name)), etag=b.etag, size=b.size)
            for b in self._landed.list(f"{folder}/")
        )

    def announce(self) -> int:
        return 0
