"""The model registry on this machine: MLflow on SQLite."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from function_app.adapters.local.jobs.mlflow_client import import_mlflow
from function_app.adapters.local.jobs.run_reports import EVALUATION
from function_app.adapters.local.jobs.tracking import LocalTracking
from function_app.adapters.local.reach.files import locked, read_regular, sha256, write_whole
from function_app.adapters.run_facts import EVIDENCE, MOST_REPORT_BYTES, version_tags
from function_app.addresses import below, file_address, file_path
from function_app.domain.change.change import CodeVersion
from function_app.domain.codec import dump, load
from function_app.domain.event_types import MODEL_REGISTERED, registered
from function_app.domain.lineage.evidence_files import MODEL_CARD
from function_app.domain.people.authorship import AUTHORS, Authors, read_authors, write_authors
from function_app.domain.training import (
    Judged,
    ModelVersion,
    Run,
    figure_tags,
    folder_digest,
    tagged_figures,
)
from function_app.errors import ContractError, NotFoundError, PlatformError
from function_app.ports import Events
from sandbox.trees import remove_tree

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

CHAMPION = "champion"
# So many versions are read at once.
PAGE = 500
# MLflow's codes for a version that is not there, or that can be none.
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_RUN, _METRIC, _CODE, _EVALUATION = "run_id", "metric.", "code.", "evaluation"
SCHEMA, _SCHEMA_DIGEST = "model_schema.json", "schema_digest"


class LocalRegistry:
    """Registers each run once; the model files are copied, so that a run may be deleted."""

    def __init__(
        self, state: Path, events: Events, released: Callable[[str], int] = lambda model: 0
    ) -> None:
        """Take a function that returns the highest released version of a model, 0 for none."""
        self._state, self._events, self._tracking = state, events, LocalTracking(state)
        self._released = released
        self._made: MlflowClient | None = None

    def ensure(self) -> None:
        """Make the database; MLflow's migrations must run in one process at a time."""
        with locked(self._state / "mlflow.lock"):
            self._client().search_model_versions(max_results=1)

    def register(self, run: Run, judged: Judged, authors: Authors = ()) -> ModelVersion:
        with self._database("register the model"):
            version = self._find_run(run)
            if version is None:
                folder = below(self._state / "runs", run.run_id)
                tracked = self._tracking.record_locked(run, judged.metrics, folder)
                version = self._create(run, judged, authors, tracked)
        # The event is published also after a crash between version and event; its consumer claims
        # it once.
        self._events.publish(MODEL_REGISTERED, *registered(version))
        return version

    def get(self, model: str, version: str) -> ModelVersion:
        try:
            return _read(self._client().get_model_version(model, version))
        except import_mlflow().exceptions.MlflowException as error:
            if error.error_code not in _ABSENT:
                text = f"MLflow says: {error.error_code}. Is {self._state / 'mlflow.db'} readable?"
                raise PlatformError("local", "read a model", text) from error
            raise NotFoundError(f"{model} has no version {version}. See the registry.") from error

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        token: str | None = None
        while True:
            page = self._client().search_model_versions(
                f"name = '{model}'", PAGE, ["version_number ASC"], token
            )
            yield from (_read(entry) for entry in page)
            token = page.token
            if not token:
                return

    def attach(self, version: ModelVersion, files: Mapping[str, bytes]) -> None:
        folder = self._evidence_of(version)
        with self._database("attach files to the model"):
            new = {name: files[name] for name in files if not (folder / name).exists()}
            if not new:
                return
            tracked = self._client().get_model_version(version.model, version.version).run_id
            if tracked:
                self._tracking.attach(tracked, new, EVIDENCE)
            if card := new.get(MODEL_CARD):
                self._client().update_model_version(version.model, version.version, card.decode())
            # Written last: a file that is there is also in MLflow.
            for name, content in new.items():
                write_whole(below(folder, name), content)

    def describe(self, version: ModelVersion, card: str) -> None:
        content = self.attached(version, card)
        if content is None:
            return
        with self._database("describe the model"):
            client, text = self._client(), content.decode()
            if client.get_model_version(version.model, version.version).description != text:
                client.update_model_version(version.model, version.version, text)

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        return read_regular(below(self._evidence_of(version), name), MOST_REPORT_BYTES)

    def _evidence_of(self, version: ModelVersion) -> Path:
        """Return the folder with the files that are attached to an own version."""
        return below(self._folder_of(version.model, version.digest, version.run_id), EVIDENCE)

    def _folder_of(self, model: str, digest: str, run_id: str) -> Path:
        """Return the folder with the copies of a model and its evaluation."""
        return below(self._state / "models", model, f"{digest[:16]}-{run_id}")

    def mark_champion(self, version: ModelVersion) -> None:
        self._client().set_registered_model_alias(version.model, CHAMPION, version.version)

    @contextmanager
    def _database(self, operation: str) -> Iterator[None]:
        """Hold the lock of MLflow's database; its errors become PlatformError of the operation."""
        try:
            with locked(self._state / "mlflow.lock"):
                yield
        except import_mlflow().exceptions.MlflowException as error:
            text = (
                f"MLflow says: {error}. Was {self._state / 'mlflow.db'} deleted or replaced while "
            )
            text += "the app ran? Restore it, stop the app and start it again, then retry."
            raise PlatformError("local", operation, text) from error

    def _find_run(self, run: Run) -> ModelVersion | None:
        query = f"name = '{run.model}' and tags.{_RUN} = '{run.run_id}'"
        versions = (_read(entry) for entry in self._client().search_model_versions(query))
        return next((version for version in versions if version.digest), None)

    def _create(self, run: Run, judged: Judged, authors: Authors, tracked: str) -> ModelVersion:
        version_folder = self._folder_of(run.model, judged.digest, run.run_id)
        folder = version_folder / "model"
        evaluation = below(self._state / "runs", judged.evaluation_id, EVALUATION)
        # The folder is made again, because files of a crash or of another attempt were not judged.
        remove_tree(version_folder)
        try:
            shutil.copytree(run.output_uri, folder)
            shutil.copytree(evaluation, version_folder / EVALUATION)
        except FileNotFoundError as error:
            text = f"{error.filename} is gone. Train again."
            raise PlatformError("local", "register the model", text) from error
        if digest_of_folder(folder) != judged.digest:
            text = f"{run.output_uri} has changed since it was judged. Train again."
            raise PlatformError("local", "register the model", text)
        tags = {_RUN: run.run_id, "digest": judged.digest, "dataset": run.dataset_version}
        tags |= {_EVALUATION: judged.evaluation_id, **version_tags(run)}
        if (schema := version_folder / EVALUATION / SCHEMA).is_file():
            tags[_SCHEMA_DIGEST] = sha256(schema.read_bytes())
        tags |= figure_tags(judged.metrics, _METRIC)
        if run.code is not None:
            plain = dump(run.code).items()
            tags |= {f"{_CODE}{name}": text for name, text in plain if isinstance(text, str)}
        if authors:
            tags[AUTHORS] = write_authors(authors)
        source_address, released = file_address(folder), self._released(run.model)
        while True:
            made = self._create_version(run.model, source_address, tracked, tags)
            if int(made.version) > released:
                return _read(made)
            # MLflow's database was deleted, so it counts from 1 again. A version with the number
            # of a release would get that release's outcome. MLflow never reuses a deleted number.
            self._client().delete_model_version(run.model, made.version)

    def _create_version(
        self, model: str, source: str, tracked: str, tags: dict[str, str]
    ) -> "MlflowVersion":
        """Create a version, and its model before the first one.

        MLflow reads every version of a model that is created again. The model is therefore created
        only when the creation of a version shows that it is missing.
        """
        client = self._client()
        try:
            return client.create_model_version(model, source=source, run_id=tracked, tags=tags)
        except import_mlflow().exceptions.MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        client.create_registered_model(model)
        return client.create_model_version(model, source=source, run_id=tracked, tags=tags)

    def _client(self) -> "MlflowClient":
        if self._made is None:
            self._made = self._tracking.client()
        return self._made


def _read(entry: "MlflowVersion") -> ModelVersion:
    """Return a version of this app, or a foreign one, which has no run and no digest."""
    code = {k.removeprefix(_CODE): v for k, v in entry.tags.items() if k.startswith(_CODE)}
    return ModelVersion(
        model=entry.name,
        version=str(entry.version),
        run_id=entry.tags.get(_RUN, ""),
        uri=_folder(entry.source or ""),
        digest=entry.tags.get("digest", ""),
        metrics=tagged_figures(entry.tags, _METRIC),
        code=_code(code) if code else None,
        evaluation_id=entry.tags.get(_EVALUATION, ""),
        schema_digest=entry.tags.get(_SCHEMA_DIGEST, ""),
        authors=read_authors(entry.tags.get(AUTHORS, "")),
    )


def evaluation_of(version: ModelVersion) -> Path:
    """Return the folder that the platform's evaluation of a version wrote."""
    return Path(version.uri).parent / EVALUATION


def digest_of_folder(folder: Path) -> str:
    """Return the digest of a model folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return folder_digest(
        {path.relative_to(folder).as_posix(): sha256(path.read_bytes()) for path in files}
    )


def _folder(source: str) -> str:
    # A version that was registered by hand may have a plain path, or an address elsewhere.
    return str(file_path(source)) if source.startswith("file:") else source


def _code(tags: dict[str, str]) -> CodeVersion | None:
    try:
        return load(CodeVersion, tags)
    except ContractError:
        return None
