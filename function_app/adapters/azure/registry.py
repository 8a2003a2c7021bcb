"""The registry of models: Azure ML's, each run registered once under a number claimed first.

Azure ML lists new versions late and accepts a PUT of an existing version, so neither shows whether
a number is free. A blob that can be created only once does.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.tracking import EVIDENCE_FILES, VERSION
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.clock import SystemClock
from function_app.adapters.run_facts import EVIDENCE, MOST_REPORT_BYTES, version_tags
from function_app.domain.change.change import CodeVersion
from function_app.domain.events.arrivals import FileLimit
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
from function_app.errors import NotFoundError, PlatformError
from function_app.late_imports import importing
from function_app.ports.rows import Rows
from function_app.records.submissions import Submissions, Untracked
from function_app.telemetry import TRACEPARENT

if TYPE_CHECKING:
    from azure.ai.ml.entities import Model

_LOG = logging.getLogger(__name__)
CHAMPION = "champion"
RUN, DIGEST, CODE_URI, EVALUATION = "run_id", "digest", "code_uri", "evaluation"
SCHEMA_DIGEST = "schema_digest"
_METRIC = "metric."
# The first words of each model card (domain/lineage/model_card.py).
_CARD = "# Model card"
# Characters. Azure ML does not document its limit of a description.
MOST_OF_DESCRIPTION = 4_000
# Stages as people read them in the studio.
REGISTERED, PRODUCTION, FORMER = "Development", "Production", "Archived"


class AzureRegistry:
    """Registers the outputs of runs; nothing is copied, a version points at the run's output."""

    def __init__(
        self, workspace: Workspace, blobs: Blobs, rows: Rows, patience: float = 10.0
    ) -> None:
        self._workspace, self._blobs, self._patience = workspace, blobs, patience
        self._submissions, self._containers = Submissions(rows), RunContainers(blobs)

    def register(self, run: Run, judged: Judged, authors: Authors = ()) -> ModelVersion:
        digest = self._digest(run)
        if digest != judged.digest:
            text = f"The model of {run.run_id} has changed since it was judged. Train again."
            raise PlatformError("azure", "register the model", text)
        number = self._claim(run)
        version = self._find(run.model, number)
        if version is None:
            self._create(run, number, judged, authors)
            version = self._read_back(run.model, number)
        if version.run_id != run.run_id or version.digest != digest:
            text = (
                f"{run.model}:{number} is of run {version.run_id}, not {run.run_id}. Compare both."
            )
            raise PlatformError("azure", "register the model", text)
        self._submissions.track(
            Untracked(
                key=f"{run.run_id} as version {number}",
                run_id=run.run_id,
                since=SystemClock().now(),
                tags={VERSION: number},
            )
        )
        return version

    def get(self, model: str, version: str) -> ModelVersion:
        return self._read(self._get(model, version))

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        # The record of a version costs one read, so that `get` alone reads it.
        return (_unrecorded(entry) for entry in self._list(model))

    def attach(self, version: ModelVersion, files: Mapping[str, bytes]) -> None:
        # The entry first: once a file is there, no later call may repeat this.
        self._submissions.track(
            Untracked(
                key=f"{version.run_id} evidence of version {version.version}",
                run_id=version.run_id,
                since=SystemClock().now(),
                tags={EVIDENCE_FILES: self._blobs.url(_evidence_name(version, ""))},
            )
        )
        if card := files.get(MODEL_CARD):
            self._describe(version, MODEL_CARD, card.decode())
        for name, content in files.items():
            self._blobs.create(_evidence_name(version, name), content)

    def describe(self, version: ModelVersion, card: str) -> None:
        content = self.attached(version, card)
        if content is not None:
            self._describe(version, card, content.decode(), replaced=_CARD)

    def _describe(
        self, version: ModelVersion, name: str, text: str, *, replaced: str | None = None
    ) -> None:
        """Make a card the description of a version, unless it has one.

        A description that begins with `replaced` is replaced. A failure is logged, because the card
        is attached, and its copy in the registry is for readers only.
        """
        if len(text) > MOST_OF_DESCRIPTION:
            more = f"\n\n[…] The whole card is {_evidence_name(version, name)}."
            text = text[: MOST_OF_DESCRIPTION - len(more)] + more
        try:
            entry = self._get(version.model, version.version)
            before = str(entry.description or "")
            stays = before and (replaced is None or not before.startswith(replaced))
            if stays or before == text:
                return
            entry.description = text
            with translate("describe a model", f"{version.model}:{version.version}"):
                self._workspace.client.models.create_or_update(entry)
        except PlatformError as error:
            _LOG.warning("%s", error)

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        try:
            return self._blobs.read_at(
                _evidence_name(version, name), "", FileLimit(most=MOST_REPORT_BYTES)
            )
        except NotFoundError:
            return None

    def mark_champion(self, version: ModelVersion) -> None:
        # The new one first: for a moment there are two, never none.
        entry = self._get(version.model, version.version)
        tags = entry.tags or {}
        if CHAMPION not in tags or entry.stage != PRODUCTION:
            self._change(entry, {**tags, CHAMPION: "true"}, PRODUCTION)
        # The stage selects the champion among all versions that ever were: it is set with the tag.
        # They are listed before one changes its stage, so that no page lacks one.
        for other in list(self._list(version.model, PRODUCTION)):
            tags = other.tags or {}
            if other.version != version.version and CHAMPION in tags:
                rest = {name: text for name, text in tags.items() if name != CHAMPION}
                self._change(self._get(version.model, str(other.version)), rest, FORMER)

    def archive(self, model: str, version: str) -> None:
        """Hide a version from people's lists; it can still be got and served."""
        with translate("archive a model", f"{model}:{version}"):
            self._workspace.client.models.archive(model, version=version)

    def _digest(self, run: Run) -> str:
        """Return the digest of the folder that a training wrote."""
        run_id, find = run.run_id, self._containers
        names = find.files(run_id, specs.TRAINING)
        return folder_digest({n: find.digest(run_id, specs.TRAINING, n) or "" for n in names})

    def _claim(self, run: Run) -> str:
        """Return the number that belongs to this run alone, also after an interrupted attempt."""
        pointer = f"models/{run.model}/runs/{run.run_id}.json"
        claim = self._blobs.read_record(pointer) or {}
        if isinstance(claim.get("version"), str):
            return str(claim["version"])
        number = self._last(run.model) + 1
        while not (self._take(run, number) and self._is_free(run, number)):
            number += 1
        self._blobs.write_json(pointer, {"version": str(number)})
        self._blobs.write_json(_last_claim(run.model), {"version": str(number)})
        return str(number)

    def _last(self, model: str) -> int:
        """Return the number of the last claim; the highest number when no claim can be read.

        Listing reads every version. The last claim may be older than another process's: numbers
        that are taken are tried and left then.
        """
        last = (self._blobs.read_record(_last_claim(model)) or {}).get("version")
        if isinstance(last, str) and last.isdigit():
            return int(last)
        return max((_number(entry.version) for entry in self._list(model)), default=0)

    def _take(self, run: Run, number: int) -> bool:
        name = f"models/{run.model}/versions/{number}.json"
        if self._blobs.create_json(name, {RUN: run.run_id}):
            return True
        # A garbled claim belongs to no run: the next number is tried.
        owner = self._blobs.read_record(name) or {}
        return bool(owner.get(RUN) == run.run_id)

    def _is_free(self, run: Run, number: int) -> bool:
        """Return whether no other run and no foreign writer has registered this number."""
        version = self._find(run.model, str(number))
        return version is None or version.run_id == run.run_id

    def _create(self, run: Run, number: str, judged: Judged, authors: Authors) -> None:
        with importing():
            from azure.ai.ml.entities import Model

        evaluation = judged.evaluation_id
        schema = self._containers.digest(evaluation, specs.EVALUATION, specs.SCHEMA)
        version = ModelVersion(
            model=run.model,
            version=number,
            run_id=run.run_id,
            uri=f"azureml:{run.model}:{number}",
            digest=judged.digest,
            metrics=dict(judged.metrics),
            code=replace(run.code, authors=()) if run.code else None,
            evaluation_id=evaluation,
            schema_digest=schema or "",
            authors=read_authors(write_authors(authors)),
        )
        self._submissions.register(version, judged.types)
        tags = _tags(run, version)
        # Azure ML never changes properties, whereas any identity that may register can change tags.
        properties = {RUN: run.run_id, DIGEST: judged.digest, SCHEMA_DIGEST: version.schema_digest}
        if authors:
            properties[AUTHORS] = write_authors(authors)
        job = run.tags.get(specs.JOB, run.run_id)
        model = Model(
            name=run.model,
            version=number,
            type="custom_model",
            path=f"azureml://jobs/{job}/outputs/{specs.OUTPUTS[specs.TRAINING]}",
            stage=REGISTERED,
            tags=tags,
            properties=properties,
        )
        with translate("register the model", f"{run.model}:{number}"):
            self._workspace.client.models.create_or_update(model)

    def _read_back(self, model: str, number: str) -> ModelVersion:
        """Return the version once Azure ML shows it, because reads may lag behind writes."""
        # Azure ML answers with the version and not with a long-running operation, so that no poller
        # of the SDK waits for this; its retry policy does not repeat a 404.
        end = time.monotonic() + self._patience
        while True:
            version = self._find(model, number)
            if version is not None:
                return version
            if time.monotonic() >= end:
                text = f"{model}:{number} was registered but is not shown. Try again later."
                raise PlatformError("azure", "read the model back", text)
            time.sleep(min(0.5, self._patience / 4))

    def _find(self, model: str, version: str) -> ModelVersion | None:
        try:
            return self.get(model, version)
        except NotFoundError:
            return None

    def _read(self, entry: "Model") -> ModelVersion:
        stored = self._submissions.registered(str(entry.name), str(entry.version))
        return stored or _unrecorded(entry)

    def _get(self, model: str, version: str) -> "Model":
        try:
            with translate("read a model", f"{model}:{version}"):
                entry: Model = self._workspace.client.models.get(model, version=version)
        except NotFoundError as error:
            # A workspace that is gone answers like a version that is.
            self._workspace.confirm()
            text = f"{model} has no version {version}. See the registry."
            raise NotFoundError(text) from error
        return entry

    def _list(self, model: str, stage: str | None = None) -> Iterator["Model"]:
        """Yield the versions, those of a stage when it is given; the SDK reads page by page."""
        with suppress(NotFoundError), translate("list the versions", model):
            yield from self._workspace.client.models.list(name=model, stage=stage)

    def _change(self, entry: "Model", tags: dict[str, str], stage: str) -> None:
        entry.tags, entry.stage = tags, stage
        with translate("mark a model", f"{entry.name}:{entry.version}"):
            self._workspace.client.models.create_or_update(entry)


def _tags(run: Run, version: ModelVersion) -> dict[str, str]:
    """Return the tags of a version, which people see in the studio and Azure ML's event repeats."""
    tags = {RUN: run.run_id, DIGEST: version.digest, specs.DATASET: run.dataset_version}
    tags |= {EVALUATION: version.evaluation_id, **version_tags(run)}
    if version.schema_digest:
        tags |= {SCHEMA_DIGEST: version.schema_digest}
    tags |= figure_tags(version.metrics, _METRIC)
    if run.code is not None:
        tags |= {specs.CODE: run.code.version, CODE_URI: run.code.uri}
        tags[specs.COMMIT] = run.code.commit
    # Azure ML's event about the model names its origin in these properties.
    passed_on = ("instance_id", TRACEPARENT)
    return tags | {name: run.tags[name] for name in passed_on if run.tags.get(name)}


def _unrecorded(entry: "Model") -> ModelVersion:
    """Return a version without a record of this app: it has no digest and is never released.

    An earlier version of this app or a foreign writer made it: any identity that may write models,
    and the code in a job, may register versions with any tags and properties.
    """
    tags = {str(name): str(text) for name, text in (entry.tags or {}).items()}
    code = None
    if digest := tags.get(specs.CODE):
        code = CodeVersion(
            model=str(entry.name),
            version=digest,
            uri=tags.get(CODE_URI, ""),
            commit=tags.get(specs.COMMIT, ""),
        )
    return ModelVersion(
        model=str(entry.name),
        version=str(entry.version),
        run_id=tags.get(RUN, ""),
        uri=f"azureml:{entry.name}:{entry.version}",
        digest="",
        metrics=tagged_figures(tags, _METRIC),
        code=code,
        evaluation_id=tags.get(EVALUATION, ""),
    )


def _evidence_name(version: ModelVersion, name: str) -> str:
    """Return the name of the blob with a file that is attached to a version."""
    return f"models/{version.model}/{EVIDENCE}/{version.version}/{name}"


def _last_claim(model: str) -> str:
    """Return the name of the blob with the number that was claimed last."""
    return f"models/{model}/last.json"


def _number(version: object) -> int:
    text = str(version)
    return int(text) if text.isdigit() else 0
