"""Data on this machine: a watched inbox folder, and a folder of versions named by digest."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import IO

from function_app.adapters.accepted_data import SAMPLE_LIMIT, accepted, read_reference
from function_app.adapters.csv_profile import profile_csv
from function_app.adapters.local.data.part_folders import PartFolder
from function_app.adapters.local.jobs.platform_job import run_job
from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.files import locked, read_json, read_object, write_json
from function_app.adapters.local.reach.inbox_files import copy_file, open_file, why_unreadable
from function_app.addresses import below, file_address, file_path
from function_app.domain.change.program import Program
from function_app.domain.codec import dump, load
from function_app.domain.data_quality import DataProfile
from function_app.domain.event_types import BLOB_CREATED
from function_app.domain.events.arrivals import Arrival, FileLimit, is_marker, limited
from function_app.domain.events.events import ArrivedFile
from function_app.domain.project import Limits
from function_app.domain.text.identifiers import DATA_VERSION
from function_app.domain.training import Dataset, Reference, training_advice
from function_app.errors import ConflictError, ContractError, MlopsError, NotFoundError
from function_app.ports import Events
from sandbox.forkserver import SharedForkServer, can_fork

REFERENCE = "reference.json"
# Begins the etag of an entry that is never read, whose content has no digest.
UNREADABLE = "unreadable"
_PARQUET = "application/vnd.apache.parquet"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class LocalDatasets:
    """Stores each version once; announces a file once two scans found it unchanged."""

    def __init__(
        self,
        state: Path,
        root: Path,
        events: Events,
        programs: Mapping[str, Program] | None = None,
        containment: Containment | None = None,
        limit: FileLimit | None = None,
        forks: SharedForkServer | None = None,
    ) -> None:
        """Take the state folder, the app's folder, and by model the program that writes its sample.

        `containment` limits the files that it sees, by default to as few as this machine can.
        `limit` is that of a file that arrives, by default that of an app without `[limits]`.
        `forks` imports libraries once for the sample and for runs.
        """
        self._forks = forks
        self._limit = limit or Limits().data_file()
        self._containment = containment or Containment(state=state, root=root)
        self._programs = programs or {}
        self._inbox = state / "inbox"
        self._versions = state / "datasets"
        self._announced = state / "announced.json"
        self._events = events
        self._seen: dict[str, list[int]] = {}

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        path = file_path(uri)
        if not path.resolve().is_relative_to(self._inbox.resolve()):
            raise ContractError(f"{uri} is not in the inbox. Put the file under {self._inbox}.")
        if is_marker(path.name):
            return self._add_folder(model, path, etag)
        with open_file(self._inbox, path, self._limit) as file:
            return self._store(model, file, etag)

    def _add_folder(self, model: str, marker: Path, etag: str) -> Dataset:
        """Store the parts beside a marker as one version."""
        parts = PartFolder(self._inbox, marker, self._limit)
        if not marker.is_file() or not parts.parts:
            text = f"{marker.parent} has no {marker.name} with parts beside it. Write it again."
            raise NotFoundError(text)
        folder = _made(self._versions, model)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp") as archive:
            digest = parts.pack(archive)
            _check_etag(marker.parent.name, etag, digest)
            archive.seek(0)
            return self._store(model, archive, is_archive=True)

    def find(self, container: str, path: str, etag: str = "") -> ArrivedFile | None:
        steps = (container, *path.split("/"))
        if any(step in ("", ".", "..") or "\0" in step for step in steps):
            return None
        file_of = self._inbox.joinpath(*steps)
        if is_marker(path):
            return self._find_folder(path, file_of, etag)
        try:
            with open_file(self._inbox, file_of, self._limit) as file:
                size = os.fstat(file.fileno()).st_size
                digest = copy_file(file, None, self._limit)
        except NotFoundError:
            return None
        _check_etag(file_of.name, etag, digest)
        return ArrivedFile(path=path, uri=file_address(file_of), etag=digest, size=size)

    def _find_folder(self, path: str, marker: Path, etag: str) -> ArrivedFile | None:
        """Return the parts beside a marker as one file; None without marker or parts."""
        try:
            with open_file(self._inbox, marker, self._limit):
                parts = PartFolder(self._inbox, marker, self._limit)
                size, digest = parts.size(), parts.digest()
        except (NotFoundError, FileNotFoundError):
            return None
        if not parts.parts:
            return None
        _check_etag(marker.parent.name, etag, digest)
        return ArrivedFile(path=path, uri=file_address(marker), etag=digest, size=size)

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        path = below(self._versions, dataset.model, "latest.json")
        with locked(path.with_suffix(".lock")):
            record = accepted(read_object(path), dataset, arrival)
            if record is not None:
                write_json(path, record)
        if self.reference(dataset.model) is None:
            self._store_reference(dataset, profile)

    def latest(self, model: str) -> Dataset:
        path = below(self._versions, model, "latest.json")
        if path.exists():
            try:
                newest = load(Dataset, read_object(path))
            except ContractError as error:
                text = f"{path} does not name the newest data any more. {training_advice(model)}"
                raise NotFoundError(text) from error
            return self._whole(newest)
        reference = self.reference(model)
        if reference is None:
            advice = "Put a CSV or Parquet file into its folder of the inbox."
            raise NotFoundError(f"{model} has no data yet. {advice}")
        return self._whole(reference.dataset)

    def version(self, model: str, version: str) -> Dataset:
        path = below(self._versions, model, f"{DATA_VERSION.check(version, 'data version')}.csv")
        return self._whole(Dataset(model=model, version=version, uri=str(path)))

    def reference(self, model: str) -> Reference | None:
        path = below(self._versions, model, REFERENCE)
        content = read_json(path)
        return None if content is None else read_reference(content, str(path))

    def ensure_reference(self, model: str) -> str:
        """Store the model's sample, or a baseline.csv of a person, as its reference data.

        Return a short sentence about the result. A model without a sample is no error.
        """
        if self.reference(model) is not None:
            return f"{model}: kept"
        baseline = below(self._versions, model, "baseline.csv")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            if baseline.exists():
                profile = profile_csv(baseline)
            else:
                sample = None
                if model in self._programs:
                    words = ["sample", *self._programs[model].options(), "--out", str(out)]
                    run_job(self._containment, words, out, self._server())
                    sample = read_json(out / "sample.json")["profile"]
                if sample is None:
                    return f"{model}: none yet, its first accepted data becomes it"
                profile = load(DataProfile, sample)
                os.replace(self._copy(baseline.parent, out / "rows.csv"), baseline)
        with open_file(self._versions, baseline, self._limit) as file:
            self._store_reference(self._store(model, file), profile)
        return f"{model}: {baseline.name}"

    def begin_imports(self) -> None:
        """Let the fork server import its libraries when a model lacks its sample.

        The imports take seconds, in which the host does other things.
        """
        if any(self.reference(model) is None for model in self._programs):
            self._server()

    def _server(self) -> Path | None:
        """Return the socket of the running fork server; None where commands cannot be forked."""
        if self._forks is None or not can_fork(self._containment.level):
            return None
        return self._forks.path if self._forks.start() else None

    def _store_reference(self, dataset: Dataset, profile: DataProfile) -> None:
        reference = Reference(dataset=dataset, profile=profile)
        write_json(below(self._versions, dataset.model, REFERENCE), dump(reference))

    def _copy(self, folder: Path, source: Path) -> Path:
        """Return an unfinished file in a folder with the content of another file."""
        with source.open("rb") as file, _unfinished(folder).open("wb") as out:
            copy_file(file, out, SAMPLE_LIMIT)
            return Path(out.name)

    def _store(
        self, model: str, file: IO[bytes], etag: str = "", *, is_archive: bool = False
    ) -> Dataset:
        """Store the bytes as a version, which later trainings and releases can read.

        The parts of an archive were within the limit before.
        """
        part = _unfinished(below(self._versions, model))
        try:
            with part.open("wb") as out:
                version = copy_file(file, out, None if is_archive else self._limit)
                out.flush()
                os.fsync(out.fileno())
            _check_etag(Path(file.name).name, etag, version)
            path = below(self._versions, model, f"{version}.csv")
            if not path.exists():
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return Dataset(model=model, version=version, uri=str(path))

    def _whole(self, dataset: Dataset) -> Dataset:
        """Return the version when its bytes are the ones that its name says."""
        try:
            with open_file(self._versions, Path(dataset.uri)) as file:
                digest = copy_file(file, None)
        except NotFoundError:
            text = f"Version {dataset.version[:12]} is gone. {training_advice(dataset.model)}"
            raise NotFoundError(text) from None
        if digest != dataset.version:
            text = f"{dataset.uri} was changed. Delete it and put the file into the inbox again."
            raise ContractError(text)
        return dataset

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        top, inbox = self._inbox / container / folder, self._inbox.resolve()
        # A folder that climbs out of the inbox holds no data.
        if not top.resolve().is_relative_to(inbox):
            return ()
        return limited(self._arrived(container, path) for path in _files(top))

    def _arrived(self, container: str, path: Path) -> ArrivedFile:
        name, etag = path.relative_to(self._inbox / container).as_posix(), UNREADABLE
        # A file that is never read gets its own refusal, so that the others are still taken.
        if not why_unreadable(self._inbox, path, self._limit):
            with suppress(ContractError):
                etag = self._digest(path)
        return ArrivedFile(path=name, uri=path.as_uri(), etag=etag, size=path.lstat().st_size)

    def list_unreadable(self) -> tuple[str, ...]:
        reasons = (
            (path, why_unreadable(self._inbox, path, self._limit)) for path in _files(self._inbox)
        )
        return tuple(f"{path.relative_to(self._inbox)}: {why}" for path, why in reasons if why)

    def announce(self) -> int:
        with locked(self._announced.with_suffix(".lock")):
            before = read_object(self._announced)
            now, count = dict(before), 0
            for path in _files(self._inbox):
                name = path.relative_to(self._inbox).as_posix()
                if path.name.startswith(".") or "/" not in name:
                    continue
                try:
                    # The change time counts, because a moved or restored file keeps its mtime.
                    status = path.lstat()
                    state = [status.st_ctime_ns, status.st_size]
                    if is_marker(name):
                        own = state
                        # A copy of a folder may bring the marker before the last part.
                        state = PartFolder(self._inbox, path, self._limit).state(status)
                        # Earlier versions trained on each part, and recorded the marker's state.
                        if before.get(name) == own:
                            now[name] = state
                            continue
                except (FileNotFoundError, NotFoundError):
                    continue
                # A growing file is not complete: wait for two scans with the same time and size.
                if before.get(name) == state or self._seen.get(name) != state:
                    self._seen[name] = state
                    continue
                self._publish(path, name, state)
                now[name] = state
                count += 1
            if now != before:
                write_json(self._announced, now)
            return count

    def _digest(self, path: Path) -> str:
        """Return the digest of a file, of a marker that of the parts beside it."""
        if is_marker(path.name):
            return PartFolder(self._inbox, path, self._limit).digest()
        with open_file(self._inbox, path, self._limit) as file:
            return copy_file(file, None, self._limit)

    def _publish(self, path: Path, name: str, state: list[int]) -> None:
        """Announce a file; `state` begins with its last change in ns and its size in bytes."""
        container, _, blob = name.partition("/")
        changed, size, *_ = state
        etag = f"{UNREADABLE}-{changed}-{size}"
        # Its event is refused with the reason, which an operator sees among the dead letters.
        if not why_unreadable(self._inbox, path, self._limit):
            # A file may change or vanish in this moment: `find` reads its present state.
            with suppress(MlopsError):
                etag = self._digest(path)
        data = {
            "api": "PutBlob",
            "contentType": _PARQUET if path.suffix == ".parquet" else "text/csv",
            "contentLength": size,
            "blobType": "BlockBlob",
            "eTag": etag,
            "url": file_address(path),
            # The time of the file's last change sorts the events of one path.
            "sequencer": f"{changed:032x}",
        }
        subject = f"/blobServices/default/containers/{container}/blobs/{blob}"
        self._events.publish(BLOB_CREATED, subject, data)


def _files(folder: Path) -> Iterator[Path]:
    """Yield all that lies below a folder and is no folder, by name; links are not followed."""
    for top, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if Path(top, name).is_symlink()]
        yield from (Path(top, name) for name in sorted([*names, *links]))


def _made(versions: Path, model: str) -> Path:
    """Return the folder of a model's versions, which exists then."""
    folder = below(versions, model)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unfinished(folder: Path) -> Path:
    """Return a name in a folder for a file that is written; each thread has its own."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f".{os.getpid()}-{get_ident()}.tmp"


def _check_etag(name: str, etag: str, digest: str) -> None:
    # The watcher's etags are digests; a sender of others vouches for the file.
    if _DIGEST.fullmatch(etag) and etag != digest:
        message = f"{name} has changed since its event; the newer event counts."
        raise ConflictError(message, code="DATA_CHANGED")
