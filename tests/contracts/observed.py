"""Each platform's store of observations; tests fill it as trainings and replicas do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from function_app.adapters.azure.data.observations import AzureObservations
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.local.data.observations import LocalObservations
from function_app.domain.project import ModelProject
from function_app.ports import Observations
from scoring.log_shipping import Destination, Shipper
from scoring.prediction_log import LogRules, PredictionLog, Served

FEATURES = ("age", "bmi")
LABELS = "diabetes/labels"
Entry = tuple[str, list[list[float]], list[float]]


class Kept(Protocol):
    """The records of one platform."""

    def observe(self, projects: dict[str, ModelProject]) -> Observations:
        """Return new observations, as another process of the app has them."""

    def train(self, rows: str, schema: object, evaluation: object) -> str:
        """Keep the outputs of the training r1; return the address of its model."""

    def predict(self, image: str, *entries: Entry) -> None:
        """Let one process answer, and end."""

    def label(self, name: str, text: str, *, later: bool = False) -> None:
        """Let a file of labels land; `later` than a clock of whole seconds can tell apart."""

    def tear(self, missing: int) -> Callable[[bytes], object]:
        """Cut so many bytes off the only segment; return a function that appends them and more."""

    def change_reference(self, digest: str, content: object) -> None:
        """Put something else where the reference of an image was kept."""

    def forget(self) -> None:
        """Delete the only segment, as its bound does, after another one was begun."""


@dataclass(frozen=True, slots=True)
class LocalKept:
    """Folders."""

    state: Path

    def observe(self, projects: dict[str, ModelProject]) -> Observations:
        return LocalObservations(self.state, projects)

    def train(self, rows: str, schema: object, evaluation: object) -> str:
        for name, text in {
            "datasets/diabetes/d1.csv": rows,
            "evaluation/model_schema.json": json.dumps(schema),
            "runs/r1-vs-nothing/evaluation/predictions.json": json.dumps(evaluation),
        }.items():
            path = self.state / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
        return str(self.state / "model")

    def predict(self, image: str, *entries: Entry) -> None:
        answer(self._log, image, *entries)

    def label(self, name: str, text: str, *, later: bool = False) -> None:
        path = self.state / "inbox" / "data" / LABELS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def tear(self, missing: int) -> Callable[[bytes], object]:
        [segment] = self._log.glob("*/*.jsonl")
        whole, part = segment.read_bytes(), segment.with_suffix(".part")
        segment.rename(part)
        part.write_bytes(whole[:-missing])

        def finish(more: bytes) -> None:
            part.write_bytes(whole + more)
            part.rename(segment)

        return finish

    def change_reference(self, digest: str, content: object) -> None:
        path = self.state / "production" / "diabetes" / f"reference-{digest}.json"
        path.write_text(json.dumps(content))

    def forget(self) -> None:
        [segment] = self._log.glob("*/*.jsonl")
        segment.rename(segment.with_name("00000007.jsonl"))

    @property
    def _log(self) -> Path:
        return self.state / "production" / "diabetes" / "log"


class AzureKept:
    """Containers; a replica has a folder of its own until its log is sent."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        from azure.storage.blob import ContainerClient

        self._connection, self._folder = connection, folder
        settings = connection.settings
        self._logs = Blobs(connection, settings.predictions_container)
        self._versions, self._landed = Blobs(connection), Blobs(connection, settings.data_container)
        for blobs in (self._logs, self._versions, self._landed):
            blobs.ensure_container()
        self.client = ContainerClient(
            settings.blob_endpoint,
            settings.predictions_container,
            credential=connection.credential,
            initial_backoff=1,
            **connection.options(),
        )

    def observe(self, projects: dict[str, ModelProject]) -> Observations:
        # As seen after the files of labels have come to rest.
        return AzureObservations(
            self._connection, projects, lambda: datetime.now(UTC) + timedelta(seconds=90)
        )

    def train(self, rows: str, schema: object, evaluation: object) -> str:
        self._versions.write("datasets/diabetes/d1.csv", rows.encode())
        self._versions.write_json("runs/r1-vs-nothing/evaluation/model_schema.json", schema)
        self._versions.write_json("runs/r1-vs-nothing/evaluation/predictions.json", evaluation)
        return "azureml:diabetes:1"

    def predict(self, image: str, *entries: Entry) -> None:
        pod = self._folder / str(len(list(self._folder.iterdir())))
        answer(pod, image, *entries)
        destination = Destination(container=self._logs.address, folder="diabetes")
        shipper = Shipper(LogRules(folder=pod), destination, self.client)
        shipper.start()
        shipper.close()
        assert shipper.sent == len(entries)

    def label(self, name: str, text: str, *, later: bool = False) -> None:
        blob = f"{LABELS}/{name}"
        former = {entry.last_modified for entry in self._landed.list(blob)}
        self._landed.write(blob, text.encode())
        while later and self._landed.list(blob)[0].last_modified in former:
            self._landed.write(blob, text.encode())

    def tear(self, missing: int) -> Callable[[bytes], object]:
        [entry] = self._logs.list("")
        whole, blob = self._logs.read(entry.name) or b"", self.client.get_blob_client(entry.name)
        blob.create_append_blob()
        blob.append_block(whole[:-missing])
        return lambda more: blob.append_block(whole[-missing:] + more)

    def change_reference(self, digest: str, content: object) -> None:
        self._versions.write_json(f"production/diabetes/reference-{digest}.json", content)

    def forget(self) -> None:
        [entry] = self._logs.list("")
        next_day = self.client.get_blob_client(entry.name.replace(".jsonl", "9.jsonl"))
        next_day.create_append_blob()
        next_day.append_block(self._logs.read(entry.name) or b"")
        self._logs.delete(entry.name)


def answer(log: Path, image: str, *entries: Entry) -> None:
    """Write the answers of one process of the scoring service."""
    opened = PredictionLog(LogRules(folder=log), FEATURES, Served(image=image))
    for entry in entries:
        opened.record(*entry)
    opened.close()
