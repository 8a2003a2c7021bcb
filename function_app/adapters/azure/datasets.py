"""Data in Blob storage: what lands in one container, its versions, named by digest, in another."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from function_app.adapters.accepted_data import accepted
from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.data_addresses import landed_name
from function_app.adapters.azure.data_assets import DataAssets
from function_app.adapters.azure.workspace import Workspace
from function_app.adapters.csv_profile import OWN, again, profile_csv, write_sample
from function_app.codec import load
from function_app.domain.arrivals import Arrival, limited
from function_app.domain.data_quality import DataProfile
from function_app.domain.events import ArrivedFile
from function_app.domain.training import Dataset
from function_app.errors import ConflictError, ContractError, NotFoundError, PlatformError

MAX_BYTES = 200 * 1024 * 1024
FOLDER = "datasets"


class AzureDatasets:
    """Keeps each version once; the storage itself announces what lands."""

    def __init__(
        self, workspace: Workspace, root: Path, trainings: Mapping[str, str] | None = None
    ) -> None:
        """Take where the app is, and by model the module that writes its reference data."""
        self._trainings = trainings or {}
        connection = workspace.connection
        self._settings = connection.settings
        self._landed = Blobs(connection, connection.settings.data_container)
        self._versions, self._root = Blobs(connection), root
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

    def accept(self, dataset: Dataset, arrival: Arrival | None = None) -> None:
        name = f"{FOLDER}/{dataset.model}/latest.json"
        self._versions.change_record(name, lambda stored: accepted(stored, dataset, arrival))

    def latest(self, model: str) -> Dataset:
        content = self._versions.read_record(f"{FOLDER}/{model}/latest.json")
        if content is None:
            return self._baseline_version(model)
        try:
            return load(Dataset, content)
        except ContractError as error:
            text = f"latest.json of {model} does not name the newest data. {again(model)}"
            raise NotFoundError(text) from error

    def profile(self, dataset: Dataset) -> DataProfile:
        name = self._versions.name_of(dataset.uri)
        content = self._versions.read(name) if name else None
        if content is None:
            raise NotFoundError(f"Version {dataset.version[:12]} is gone. {again(dataset.model)}")
        if hashlib.sha256(content).hexdigest() != dataset.version:
            text = f"{name} was changed. Delete it and send the file again."
            raise PlatformError("azure", "read the data", text)
        return profile_csv(content)

    def baseline(self, model: str) -> DataProfile:
        try:
            return self.profile(self.ensure_baseline(model))
        except ContractError as error:
            text = f"{_baseline(model)}, the reference data, is unreadable: {error.message} "
            raise ContractError(f"{text}Delete or restore it.") from error

    def _baseline_version(self, model: str) -> Dataset:
        """Return the reference data as a version like any other: who was trained on it finds it."""
        baseline = self.ensure_baseline(model)
        kept = f"{FOLDER}/{model}/{baseline.version}.csv"
        content = self._versions.read(_baseline(model))
        assert content is not None
        self._versions.create(kept, content)
        return replace(baseline, uri=self._versions.url(kept))

    def find_baseline(self, model: str) -> Dataset | None:
        """Return the reference data when it was kept; changes nothing."""
        name = _baseline(model)
        digest = self._versions.digest(name)
        if digest is None:
            return None
        return Dataset(model=model, version=digest, uri=self._versions.url(name))

    def ensure_baseline(self, model: str) -> Dataset:
        """Keep the reference data once; the model's own training code knows it."""
        found = self.find_baseline(model)
        if found is None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "baseline.csv"
                write_sample(self._root, self._trainings.get(model, OWN), path, "azure")
                self._versions.create(_baseline(model), path.read_bytes())
            # Of two that write it at once the first counts, also when their libraries differ.
            found = self.find_baseline(model)
        assert found is not None
        return found

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        if container != self._settings.data_container:
            return ()
        return limited(
            ArrivedFile(path=b.name, uri=self._landed.url(quote(b.name)), etag=b.etag, size=b.size)
            for b in self._landed.list(f"{folder}/")
        )

    def announce(self) -> int:
        return 0


def _baseline(model: str) -> str:
    return f"{FOLDER}/{model}/baseline.csv"
