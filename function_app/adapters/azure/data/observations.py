"""Observations of production in Azure: prediction logs of replicas in a container, and labels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, Any

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.references import FOLDER as DATASETS
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.clock import SystemClock
from function_app.adapters.csv_rows import LABEL_LIMIT
from function_app.adapters.scoring_service.observation_records import (
    LabelFile,
    RecordedObservations,
)
from function_app.adapters.scoring_service.prediction_logs import Segment
from function_app.domain.drift.observations import Watched
from function_app.domain.events.arrivals import FileLimit
from function_app.domain.project import ModelProject
from function_app.errors import NotFoundError

# The storage has times in whole seconds, and clocks differ. A file is read only when no later file
# can sort before it, because a file that sorts before the cursor would never be read.
_REST = timedelta(seconds=60)
_ENDING = ".jsonl"
FOLDER = "production"


class AzureObservations(RecordedObservations):
    """Reads blobs, also while replicas append to them."""

    def __init__(
        self,
        connection: Connection,
        projects: Mapping[str, ModelProject],
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(AzureRecords(connection, now or SystemClock().now), projects)


class AzureRecords:
    """The containers of predictions, of versions, of evaluations and of data."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        settings = connection.settings
        self._logs = Blobs(connection, settings.predictions_container)
        self._versions = Blobs(connection)
        self._containers = RunContainers(self._versions)
        self._landed, self._now = Blobs(connection, settings.data_container), now

    def segments(self, model: str) -> list[Segment]:
        segments = []
        try:
            entries = self._logs.list(f"{model}/")
        except NotFoundError:
            # No container: the platform was made before there were logs, and none are sent.
            return []
        for entry in entries:
            process, slash, name = entry.name.removeprefix(f"{model}/").partition("/")
            if slash and name.endswith(_ENDING):
                name = name.removesuffix(_ENDING)
                segments.append(Segment(process=process, name=name, size=entry.size))
        return sorted(segments, key=lambda segment: (segment.process, segment.name))

    def content(self, model: str, segment: Segment, begin: int, length: int) -> bytes:
        name = f"{model}/{segment.process}/{segment.name}{_ENDING}"
        return self._logs.read_part(name, begin, length)

    def stored(self, model: str, name: str) -> Any:
        return self._versions.read_json(f"{FOLDER}/{model}/{name}.json")

    def store(self, model: str, name: str, content: object) -> None:
        self._versions.write_json(f"{FOLDER}/{model}/{name}.json", content)

    def forget(self, model: str, prefix: str, *but: str) -> None:
        spared = {f"{FOLDER}/{model}/{name}.json" for name in but}
        for entry in self._versions.list(f"{FOLDER}/{model}/{prefix}"):
            if entry.name not in spared:
                self._versions.delete(entry.name)

    def schema(self, watched: Watched) -> Any:
        return self._evaluated(watched, "model_schema.json")

    @contextmanager
    def training_rows(self, watched: Watched) -> Iterator[IO[bytes]]:
        name = f"{DATASETS}/{watched.model}/{watched.dataset_version}.csv"
        with self._open(self._versions, name, None) as file:
            yield file

    def evaluation(self, watched: Watched) -> Any:
        return self._evaluated(watched, "predictions.json")

    def _evaluated(self, watched: Watched, file: str) -> Any:
        evaluation = self._containers.evaluation_with(watched.run_id, file)
        return (
            self._containers.read_json(evaluation, specs.EVALUATION, file) if evaluation else None
        )

    def label_files(self, project: ModelProject) -> Sequence[LabelFile]:
        before = self._now() - _REST
        return sorted(
            (int(entry.last_modified.timestamp()), entry.name)
            for entry in self._landed.list(project.labels)
            if entry.name.endswith(".csv") and entry.last_modified <= before
        )

    @contextmanager
    def labels(self, label_file: LabelFile) -> Iterator[IO[bytes]]:
        with self._open(self._landed, label_file[1], LABEL_LIMIT) as file:
            yield file

    @contextmanager
    def _open(self, blobs: Blobs, name: str, limit: FileLimit | None) -> Iterator[IO[bytes]]:
        """Yield a copy of a blob on disk, so that a large one takes no memory."""
        with TemporaryFile() as file:
            blobs.copy_at(name, "", limit, file)
            file.seek(0)
            yield file
