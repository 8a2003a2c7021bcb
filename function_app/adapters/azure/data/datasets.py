"""Data in Blob storage: files arrive in one container, versions lie in another, named by digest."""

import hashlib
import tempfile
from typing import IO
from urllib.parse import quote

from function_app.adapters.accepted_data import accepted
from function_app.adapters.azure.data.data_addresses import landed_name
from function_app.adapters.azure.data.data_assets import DataAssets
from function_app.adapters.azure.jobs.references import FOLDER, ReferenceRecords
from function_app.adapters.azure.reach.blobs import BlobEntry, Blobs
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.parts import Part, pack
from function_app.domain.codec import load
from function_app.domain.data_quality import DataProfile
from function_app.domain.events.arrivals import (
    MARKER,
    Arrival,
    FileLimit,
    is_marker,
    limited,
    parts_beside,
)
from function_app.domain.events.events import ArrivedFile
from function_app.domain.project import Limits
from function_app.domain.text.identifiers import DATA_VERSION
from function_app.domain.training import Dataset, Reference, training_advice
from function_app.errors import ConflictError, ContractError, NotFoundError, PlatformError

_CHUNK = 1 << 20  # bytes
_ATTEMPTS = 3  # to read parts of which one changes meanwhile


class AzureDatasets:
    """Stores each version once; the storage itself publishes the events of new files."""

    def __init__(self, workspace: Workspace, limit: FileLimit | None = None) -> None:
        """Take the limit of a file that arrives, by default that of an app without `[limits]`."""
        self._limit = limit or Limits().data_file()
        connection = workspace.connection
        self._settings = connection.settings
        self._landed = Blobs(connection, connection.settings.data_container)
        self._versions = Blobs(connection)
        self._references = ReferenceRecords(self._versions)
        self._assets = DataAssets(workspace, self._versions)

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        name = landed_name(self._settings, uri)
        with tempfile.TemporaryFile() as file:
            version: str | None
            if is_marker(name):
                version = self._pack(name, etag, file)
            else:
                version = self._landed.copy_at(name, etag, self._limit, file)
            if version is None:
                raise _changed(name)
            blob = f"{FOLDER}/{model}/{version}.csv"
            file.seek(0)
            self._versions.create(blob, file)
        dataset = Dataset(model=model, version=version, uri=self._versions.url(blob))
        self._assets.register(dataset)
        return dataset

    def _pack(self, marker: str, etag: str, out: IO[bytes]) -> str | None:
        """Write the archive of the parts beside a marker; return its digest.

        None when the marker has another etag or is gone. PlatformError when parts change again and
        again meanwhile.
        """
        for _ in range(_ATTEMPTS):
            out.seek(0)
            out.truncate()
            is_whole = self._pack_once(marker, out)
            # Read last, because a marker that is there again was written after other parts.
            entry = self._landed.entry(marker)
            if entry is None or (etag and etag.strip('"') != entry.etag):
                return None
            if is_whole:
                break
        else:
            # No event announces a part that is written again, so that this event reads it.
            text = f"Parts beside {marker} changed meanwhile, {_ATTEMPTS} times."
            raise PlatformError("azure", "read a folder of parts", text)
        digest = hashlib.sha256()
        out.seek(0)
        while chunk := out.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def _pack_once(self, marker: str, out: IO[bytes]) -> bool:
        """Write the archive; return False when a part has changed or is gone meanwhile."""
        parts = self._parts(marker)
        if not parts:
            raise NotFoundError(f"{marker} has no part beside it. Write the folder again.")

        def read(entry: BlobEntry) -> Part:
            def copy(to: IO[bytes]) -> None:
                if self._landed.copy_at(entry.name, entry.etag, self._limit, to) is None:
                    raise _changed(entry.name)

            return entry.name.rpartition("/")[2], copy

        try:
            pack(map(read, parts), out)
        except (ConflictError, NotFoundError):
            return False
        return True

    def _parts(self, marker: str) -> list[BlobEntry]:
        """Return the parts beside a marker by name; ContractError when they are too large."""
        folder = marker.removesuffix(MARKER)
        entries = {entry.name: entry for entry in self._landed.pages(folder)}
        parts = [entries[name] for name in parts_beside(marker, entries)]
        self._limit.check(folder.rstrip("/") or marker, sum(entry.size for entry in parts))
        return parts

    def find(self, container: str, path: str, etag: str = "") -> ArrivedFile | None:
        # An address with such steps would be another file's on its way.
        odd = any(step in ("", ".", "..") for step in path.split("/"))
        if odd or container != self._settings.data_container:
            return None
        entry = self._landed.entry(path)
        if entry is None:
            return None
        self._limit.check(path, entry.size)
        size = entry.size
        if is_marker(path):
            parts = self._parts(path)
            if not parts:
                return None
            size = sum(part.size for part in parts)
        if etag and etag.strip('"') != entry.etag:
            raise _changed(path)
        uri = self._landed.url(quote(path))
        return ArrivedFile(path=path, uri=uri, etag=entry.etag, size=size)

    def list_unreadable(self) -> tuple[str, ...]:
        try:
            large = [entry for entry in self._landed.pages() if entry.size > self._limit.most]
        except NotFoundError:
            return ()  # the platform has not made the container yet
        container = self._settings.data_container
        return tuple(
            f"{container}/{entry.name}: {self._limit.refusal(entry.name, entry.size).message}"
            for entry in large
        )

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        name = f"{FOLDER}/{dataset.model}/latest.json"
        self._versions.change_record(name, lambda stored: accepted(stored, dataset, arrival))
        if self._references.adopt(dataset.model) is None:
            self._references.store(dataset, profile)

    def latest(self, model: str) -> Dataset:
        content = self._versions.read_record(f"{FOLDER}/{model}/latest.json")
        if content is not None:
            try:
                dataset = load(Dataset, content)
            except ContractError as error:
                advice = training_advice(model)
                text = f"latest.json of {model} does not name the newest data. {advice}"
                raise NotFoundError(text) from error
            self._check(dataset)
            return dataset
        reference = self._references.adopt(model)
        if reference is None:
            advice = "Put a CSV or Parquet file into its folder of the container."
            raise NotFoundError(f"{model} has no data yet. {advice}")
        self._check(reference.dataset)
        return reference.dataset

    def version(self, model: str, version: str) -> Dataset:
        blob = f"{FOLDER}/{model}/{DATA_VERSION.check(version, 'data version')}.csv"
        dataset = Dataset(model=model, version=version, uri=self._versions.url(blob))
        self._check(dataset)
        return dataset

    def reference(self, model: str) -> Reference | None:
        return self._references.adopt(model)

    def _check(self, dataset: Dataset) -> None:
        """Raise unless the version is there and has the bytes that its name says."""
        name = self._versions.name_of(dataset.uri)
        digest = self._versions.digest(name) if name else None
        if digest is None:
            raise NotFoundError(
                f"Version {dataset.version[:12]} is gone. {training_advice(dataset.model)}"
            )
        if digest != dataset.version:
            raise ContractError(f"{name} was changed. Delete it and send the file again.")

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        if container != self._settings.data_container:
            return ()
        return limited(
            ArrivedFile(path=b.name, uri=self._landed.url(quote(b.name)), etag=b.etag, size=b.size)
            for b in self._landed.list(f"{folder}/")
        )

    def announce(self) -> int:
        return 0


def _changed(name: str) -> ConflictError:
    message = f"{name} has changed since its event; the newer event counts."
    return ConflictError(message, code="DATA_CHANGED")
