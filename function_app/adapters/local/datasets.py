"""Data on this machine: a watched inbox folder, and a folder of versions named by digest."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from function_app.adapters.accepted_data import accepted, read_reference
from function_app.adapters.csv_profile import profile_csv
from function_app.adapters.local.containment import Containment
from function_app.adapters.local.files import (
    locked,
    read_json,
    read_object,
    sha256,
    write_json,
    write_whole,
)
from function_app.adapters.local.platform_job import run_job
from function_app.addresses import below, file_address, file_path
from function_app.codec import dump, load
from function_app.domain.arrivals import Arrival, limited
from function_app.domain.data_quality import DataProfile
from function_app.domain.event_types import BLOB_CREATED
from function_app.domain.events import ArrivedFile
from function_app.domain.training import Dataset, Reference, again
from function_app.errors import ConflictError, ContractError, NotFoundError
from function_app.ports import Events

REFERENCE = "reference.json"
MAX_BYTES = 200 * 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


class LocalDatasets:
    """Keeps each version once; announces a file when two looks found it unchanged."""

    def __init__(
        self,
        state: Path,
        root: Path,
        events: Events,
        trainings: Mapping[str, str] | None = None,
        containment: Containment | None = None,
    ) -> None:
        """Take where the app is, and by model the module that writes its reference data.

        `containment` says what that module may see: by default as little as this machine can show.
        """
        self._containment = containment or Containment(state=state, root=root)
        self._trainings = trainings or {}
        self._inbox = state / "inbox"
        self._versions = state / "datasets"
        self._announced = state / "announced.json"
        self._events = events
        self._seen: dict[str, list[int]] = {}

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        content = self._read(uri)
        version = sha256(content)
        # The watcher's etags are digests; whoever sends others vouches for the file himself.
        if _DIGEST.fullmatch(etag) and etag != version:
            message = f"{file_path(uri).name} has changed since its event; the newer event counts."
            raise ConflictError(message, code="DATA_CHANGED")
        return self._keep(model, content)

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        path = below(self._versions, dataset.model, "latest.json")
        with locked(path.with_suffix(".lock")):
            record = accepted(read_object(path), dataset, arrival)
            if record is not None:
                write_json(path, record)
        if self.reference(dataset.model) is None:
            self._keep_reference(dataset, profile)

    def latest(self, model: str) -> Dataset:
        path = below(self._versions, model, "latest.json")
        if path.exists():
            try:
                newest = load(Dataset, read_object(path))
            except ContractError as error:
                text = f"{path} does not name the newest data any more. {again(model)}"
                raise NotFoundError(text) from error
            return self._whole(newest)
        reference = self.reference(model)
        if reference is None:
            text = f"{model} has no data yet. Put a CSV file into its folder of the inbox."
            raise NotFoundError(text)
        return self._whole(reference.dataset)

    def reference(self, model: str) -> Reference | None:
        path = below(self._versions, model, REFERENCE)
        content = read_json(path)
        return None if content is None else read_reference(content, str(path))

    def ensure_reference(self, model: str) -> str:
        """Keep the model's sample, or a baseline.csv put by hand, as its reference data.

        Returns in a few words what the reference data is. A model without a sample stops nothing.
        """
        if self.reference(model) is not None:
            return f"{model}: kept"
        baseline = below(self._versions, model, "baseline.csv")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            if baseline.exists():
                profile = profile_csv(baseline.read_bytes())
            else:
                found = None
                if model in self._trainings:
                    module = self._trainings[model]
                    words = ["sample", "--module", module, "--out", str(out)]
                    run_job(self._containment, words, out)
                    found = read_json(out / "sample.json")["profile"]
                if found is None:
                    return f"{model}: none yet, its first accepted data becomes it"
                profile = load(DataProfile, found)
                write_whole(baseline, (out / "rows.csv").read_bytes())
        self._keep_reference(self._keep(model, baseline.read_bytes()), profile)
        return f"{model}: {baseline.name}"

    def _keep_reference(self, dataset: Dataset, profile: DataProfile) -> None:
        reference = Reference(dataset=dataset, profile=profile)
        write_json(below(self._versions, dataset.model, REFERENCE), dump(reference))

    def _keep(self, model: str, content: bytes) -> Dataset:
        """Keep the bytes as a version like any other: a model trained on it finds it again."""
        version = sha256(content)
        path = below(self._versions, model, f"{version}.csv")
        if not path.exists():
            write_whole(path, content)
        return Dataset(model=model, version=version, uri=str(path))

    def _whole(self, dataset: Dataset) -> Dataset:
        """Return the version when its bytes are the ones that its name says."""
        try:
            content = Path(dataset.uri).read_bytes()
        except OSError:
            text = f"Version {dataset.version[:12]} is gone. {again(dataset.model)}"
            raise NotFoundError(text) from None
        if sha256(content) != dataset.version:
            text = f"{dataset.uri} was changed. Delete it and put the file into the inbox again."
            raise ContractError(text)
        return dataset

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        top, inbox = self._inbox / container / folder, self._inbox.resolve()
        # A folder that climbs out of the inbox holds no data.
        if not top.resolve().is_relative_to(inbox):
            return ()
        paths = (path for path in sorted(top.rglob("*")) if path.is_file())
        return limited(
            ArrivedFile(
                path=path.relative_to(self._inbox / container).as_posix(),
                uri=path.as_uri(),
                etag=sha256(path.read_bytes()),
                size=path.stat().st_size,
            )
            for path in paths
        )

    def announce(self) -> int:
        with locked(self._announced.with_suffix(".lock")):
            before = read_object(self._announced)
            now, count = dict(before), 0
            for path in sorted(self._inbox.glob("*/**/*")):
                name = path.relative_to(self._inbox).as_posix()
                if path.name.startswith(".") or not path.is_file():
                    continue
                # Not its mtime: a file that is moved or restored keeps the old one.
                stat = path.stat()
                look = [stat.st_ctime_ns, stat.st_size]
                # A file that still grows is not complete: wait for two looks that agree.
                if before.get(name) == look or self._seen.get(name) != look:
                    self._seen[name] = look
                    continue
                self._publish(path, name, stat.st_ctime_ns)
                now[name] = look
                count += 1
            if count:
                write_json(self._announced, now)
            return count

    def _publish(self, path: Path, name: str, changed: int) -> None:
        container, _, blob = name.partition("/")
        content = path.read_bytes()
        data = {
            "api": "PutBlob",
            "contentType": "text/csv",
            "contentLength": len(content),
            "blobType": "BlockBlob",
            "eTag": sha256(content),
            "url": file_address(path),
            # The time of the file's last change sorts the events of one path.
            "sequencer": f"{changed:032x}",
        }
        subject = f"/blobServices/default/containers/{container}/blobs/{blob}"
        self._events.publish(BLOB_CREATED, subject, data)

    def _read(self, uri: str) -> bytes:
        path = file_path(uri).resolve()
        if not path.is_relative_to(self._inbox.resolve()):
            raise ContractError(f"{uri} is not in the inbox. Put the file under {self._inbox}.")
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise ContractError(f"{path.name} has {size} bytes; {MAX_BYTES} are allowed.")
            return path.read_bytes()
        except OSError as error:
            raise NotFoundError(
                f"{path.name} cannot be read. Put it into the inbox again."
            ) from error
