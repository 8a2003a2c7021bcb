"""The containers that runs write: each identity writes one, and no model's code another.

Runs of an earlier version of this app wrote the container of versions, which no run may write any
more. Their outputs are read there as long as the newer container has none.
"""

from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.reach.blobs import BlobEntry, Blobs
from function_app.adapters.azure.reach.workspace import (
    CHECKS_DATASTORE,
    DATASTORE,
    EVALUATIONS_DATASTORE,
    RUNS_DATASTORE,
    datastore_path,
)
from function_app.domain.events.arrivals import FileLimit
from function_app.errors import NotFoundError

_T = TypeVar("_T")


class RunContainers:
    """Reads the outputs of runs; `versions` is the container that only this app writes."""

    def __init__(self, versions: Blobs) -> None:
        settings = versions.settings
        self._by_datastore = {
            RUNS_DATASTORE: versions.beside(settings.runs_container),
            EVALUATIONS_DATASTORE: versions.beside(settings.evaluations_container),
            CHECKS_DATASTORE: versions.beside(settings.checks_container),
            DATASTORE: versions,
        }

    def read(self, run_id: str, kind: str, file: str) -> bytes | None:
        """Return a file of a run's output; None when there is none."""
        return self._first(run_id, kind, file, Blobs.read)

    def read_within(self, run_id: str, kind: str, file: str, limit: FileLimit) -> bytes | None:
        """Return a file of a run's output; None when there is none.

        ContractError, code TOO_LARGE, when it is larger than the limit.
        """

        def read(blobs: Blobs, name: str) -> bytes | None:
            try:
                return blobs.read_at(name, "", limit)
            except NotFoundError:
                return None

        return self._first(run_id, kind, file, read)

    def copy(
        self, run_id: str, kind: str, file: str, limit: FileLimit, out: IO[bytes]
    ) -> str | None:
        """Write a file of a run's output to `out`; return its SHA-256 as hex digits.

        None when there is none. ContractError, code TOO_LARGE, when it is larger than the limit.
        """

        def copy(blobs: Blobs, name: str) -> str | None:
            try:
                return blobs.copy_at(name, "", limit, out)
            except NotFoundError:
                return None

        return self._first(run_id, kind, file, copy)

    def read_json(self, run_id: str, kind: str, file: str) -> object:
        """Return the JSON of a file of a run's output; None without the file.

        PlatformError when the file is not JSON.
        """
        return self._first(run_id, kind, file, Blobs.read_json)

    def read_record(self, run_id: str, kind: str, file: str) -> dict[str, Any] | None:
        """Return a JSON object of a run's output; {} for anything else, None without the file."""
        return self._first(run_id, kind, file, Blobs.read_record)

    def digest(self, run_id: str, kind: str, file: str) -> str | None:
        """Return the SHA-256 of a file of a run's output as hex digits; None without the file."""
        return self._first(run_id, kind, file, Blobs.digest)

    def files(self, run_id: str, kind: str) -> tuple[str, ...]:
        """Return the names of the files of a run's output, below its folder."""
        folder = f"{specs.output_folder(run_id, kind)}/"
        _, _, entries = self._listed(folder, kind)
        return tuple(entry.name.removeprefix(folder) for entry in entries)

    def folds(self, preparation_id: str) -> int:
        """Return the number of folds into which a preparation split its rows; 1 without folds."""
        record = self.read_record(preparation_id, specs.PREPARATION, "prepared.json") or {}
        folds = record.get("folds")
        return folds if isinstance(folds, int) else 1

    def all_rows(self, preparation_id: str, part: str) -> str:
        """Return the folder with all rows of a part of a preparation, `seen` or `asked`."""
        folder = f"{self.uri(preparation_id, specs.PREPARATION)}{part}/"
        return f"{folder}all/" if self.folds(preparation_id) > 1 else folder

    def uri(self, run_id: str, kind: str) -> str:
        """Return the folder of a run's output as Azure ML addresses it, wherever it lies."""
        datastore, _, entries = self._listed(f"{specs.output_folder(run_id, kind)}/", kind)
        return specs.output_uri(run_id, kind, datastore if entries else "")

    def log(self, run_id: str, kind: str, most: int) -> bytes:
        """Return at most the last `most` bytes of a run's log; b"" when there is none."""
        name = f"{specs.log_folder(run_id)}/{specs.LOG_FILE}"
        _, blobs, entries = self._listed(name, kind)
        size = next((entry.size for entry in entries if entry.name == name), 0)
        return blobs.read_part(name, max(0, size - most), most) if size else b""

    def environment(self, run_id: str) -> dict[str, object] | None:
        """Return the record that a training's job wrote beside its log; None without one."""
        name = f"{specs.log_folder(run_id)}/{specs.ENVIRONMENT}"
        records = (blobs.read_record(name) for _, blobs in self._of(specs.TRAINING))
        return next((record for record in records if record is not None), None)

    def evaluation_with(self, run_id: str, file: str) -> str | None:
        """Return the id of an evaluation of a run's model that wrote this file; None without."""
        for _, blobs in self._of(specs.EVALUATION):
            for entry in _list(blobs, f"runs/{run_id}-vs-"):
                evaluation_id = entry.name.split("/")[1]
                if entry.name == f"{specs.output_folder(evaluation_id, specs.EVALUATION)}/{file}":
                    return evaluation_id
        return None

    def address(self, url: str) -> str:
        """Return a blob as runs address it: through its datastore; any other address unchanged."""
        for datastore, blobs in self._by_datastore.items():
            if (name := blobs.name_of(url)) is not None:
                return datastore_path(name, datastore)
        return url

    def _first(
        self, run_id: str, kind: str, file: str, read: Callable[[Blobs, str], _T | None]
    ) -> _T | None:
        name = f"{specs.output_folder(run_id, kind)}/{file}"
        contents = (read(blobs, name) for _, blobs in self._of(kind))
        return next((content for content in contents if content is not None), None)

    def _of(self, kind: str) -> Iterator[tuple[str, Blobs]]:
        """Yield the datastore and the container of runs of a kind: of today, then the former."""
        datastore = specs.datastore_of(kind)
        yield datastore, self._by_datastore[datastore]
        if datastore != CHECKS_DATASTORE:
            yield DATASTORE, self._by_datastore[DATASTORE]

    def _listed(self, prefix: str, kind: str) -> tuple[str, Blobs, list[BlobEntry]]:
        """Return the first datastore and container with such blobs, and the blobs; [] for none."""
        for datastore, blobs in self._of(kind):
            if entries := _list(blobs, prefix):
                return datastore, blobs, entries
        return DATASTORE, self._by_datastore[DATASTORE], []


def _list(blobs: Blobs, prefix: str) -> list[BlobEntry]:
    """Return the blobs with this prefix; [] also before the platform made the container."""
    try:
        return blobs.list(prefix)
    except NotFoundError:
        return []
