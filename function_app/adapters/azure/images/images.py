"""Images by ACR Tasks: one build per model version, whose digest is stored and read back.

Queueing a build is not idempotent, and a build has no reference to the request for it. So the
request is recorded first and the run after it. A record without a run adopts a build that was
queued since, when that build pushed the tag that only this record has: anybody may queue a build
of the same model and version.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, cast

from function_app.adapters.azure.images.build_context import BuildContext, BuildContexts
from function_app.adapters.azure.images.build_runs import (
    UNDER_WAY,
    BuildRun,
    BuildRuns,
    output_digest,
)
from function_app.adapters.azure.images.manifests_api import Manifests
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.project import ModelProject, project_of
from function_app.domain.release.serving import Build, Image
from function_app.domain.text.redaction import redact
from function_app.domain.training import ModelVersion
from function_app.errors import AttemptError, PlatformError

# The longest time that another process may take between the record and the run.
GRACE = timedelta(minutes=2)
SKEW = timedelta(minutes=1)  # of the registry's clock


class BuildRecord(TypedDict, total=False):
    """The stored request of a build, and its progress; times are in ISO 8601.

    A record of an earlier version of the app has no `tag`, which identifies the app's own build.
    """

    asked_at: str
    tag: str
    passed_over: list[str]
    run_id: str
    adopted: bool
    context: str
    failed_at: str
    digest: str


class AzureImages:
    """Builds images of model versions; calls return at once, because a build takes minutes."""

    def __init__(
        self,
        contexts: BuildContexts,
        blobs: Blobs,
        builds: BuildRuns,
        manifests: Manifests,
        projects: Mapping[str, ModelProject],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._contexts, self._blobs, self._builds = contexts, blobs, builds
        self._manifests, self._projects, self._now = manifests, projects, now

    def build(self, version: ModelVersion) -> Build:
        project = project_of(self._projects, version.model)
        record = self._record(version)
        if record.get("digest"):
            return self._built(version, record["digest"])
        if record.get("failed_at"):
            # It was reported: this call is a new attempt.
            passed = [*record.get("passed_over", []), record["run_id"]]
            request = self._request()
            with self._pack(version, project) as context:
                self._save(version, {**request, "passed_over": passed})
                return self._queue(version, context, request)
        if record.get("run_id"):
            return self._follow(version, project, record)
        if record.get("asked_at"):
            return self._take_over(version, project, record)
        # A tag without a record may be foreign. Only a digest that the app's own build names is
        # served, so the image is built again and the tag moves to it.
        importing = self._contexts.missing_bases(version, project.scoring)
        if importing:
            return Build(detail=f"The base image {', '.join(importing)} is being imported.")
        with self._pack(version, project) as context:
            if not self._claim(version):
                return Build(detail="Another process queues the build.")
            return self._queue(version, context, self._record(version))

    def find(self, model: str, version: str) -> str | None:
        return self._manifests.digest(model, version)

    def _pack(
        self, version: ModelVersion, project: ModelProject
    ) -> AbstractContextManager[BuildContext]:
        """Return the files of the build; ContractError when the model must not be built.

        Pack before the record is written: a record without a run delays the next attempt by GRACE,
        because another process may be queueing the build.
        """
        return self._contexts.pack(version, project.scoring, project.model.trusted_types)

    def _queue(self, version: ModelVersion, context: BuildContext, request: BuildRecord) -> Build:
        source = self._builds.upload(context.content)
        names = [f"{version.model}:{version.version}", f"{version.model}:{request['tag']}"]
        run_id = self._builds.queue(names, source, context.dockerfile)
        if run_id is None:
            # The record without a run makes the next call adopt the run that the registry lists.
            return Build(detail="The registry has taken the build and not named its run yet.")
        queued: BuildRecord = {
            **self._request(),
            "tag": request["tag"],
            "run_id": run_id,
            "context": context.digest,
        }
        self._save(version, queued)
        return Build(detail=f"Build {run_id} is queued.")

    def _take_over(
        self, version: ModelVersion, project: ModelProject, record: BuildRecord
    ) -> Build:
        """Continue after a process stopped between its record and the run."""
        asked_at = datetime.fromisoformat(record["asked_at"])
        runs = self._builds.list_since(asked_at - SKEW)
        passed = record.get("passed_over", [])
        candidates = [run for run in runs if run["runId"] not in passed]
        # A record of an earlier version of the app has no tag that identifies its own build.
        if candidates and record.get("tag"):
            adopted: BuildRecord = {**record, "run_id": candidates[0]["runId"], "adopted": True}
            self._save(version, adopted)
            return self._follow(version, project, adopted)
        if self._now() - asked_at < GRACE:
            return Build(detail="The build is being queued.")
        request: BuildRecord = {**self._request(), **_tagged(record)}
        with self._pack(version, project) as context:
            self._save(version, request)
            return self._queue(version, context, request)

    def _follow(self, version: ModelVersion, project: ModelProject, record: BuildRecord) -> Build:
        run_id = str(record["run_id"])
        run = self._builds.get(run_id)
        status = str(run["status"]) if run else "forgotten"
        if run and status.lower() in UNDER_WAY:
            return Build(detail=f"Build {run_id} is {status.lower()}.")
        digest = output_digest(run, version.model, version.version) if run else None
        if digest is not None and status == "Succeeded" and _is_own(run, version, record, digest):
            return self._finish(version, digest)
        if record.get("adopted"):
            # The adopted build was foreign or failed; the app's own build may never have been
            # queued.
            passed = [*record.get("passed_over", []), run_id]
            request: BuildRecord = {
                "asked_at": record["asked_at"],
                "passed_over": passed,
                **_tagged(record),
            }
            self._save(version, request)
            return self._take_over(version, project, request)
        if run is None:
            # The registry has deleted the run, and only the run names the pushed digest: build
            # again.
            request = self._request()
            with self._pack(version, project) as context:
                self._save(version, request)
                return self._queue(version, context, request)
        raise self._failure(version, record, run, status)

    def _failure(
        self,
        version: ModelVersion,
        record: BuildRecord,
        run: BuildRun | None,
        status: str,
    ) -> AttemptError:
        self._save(version, {**record, "failed_at": self._now().isoformat()})
        run_id = record["run_id"]
        reason = str(run.get("runErrorMessage") or "") if run else ""
        tail = self._builds.log_tail(run_id) if run else ""
        text = redact(
            f"Build {run_id} of {version.model}:{version.version} is {status.lower()}. {reason}"
            f" Its log ends: {tail} Correct the code or the Dockerfile and release again."
        )
        return AttemptError("azure", "build the image", text)

    def _built(self, version: ModelVersion, digest: str) -> Build:
        if self._manifests.digest(version.model, digest) is None:
            text = (
                f"{version.model}@{digest} is gone from {self._manifests.server}."
                f" Restore it, or delete the blob {_record_name(version)} and release again."
            )
            raise PlatformError("azure", "find the image", text)
        return Build(image=self.at(version.model, version.version, digest))

    def _finish(self, version: ModelVersion, digest: str) -> Build:
        record = self._record(version)
        self._save(version, {**record, "digest": digest})
        return self._built(version, digest)

    def at(self, model: str, version: str, digest: str) -> Image:
        uri = f"{self._manifests.server}/{model}@{digest}"
        return Image(model=model, version=version, digest=digest, uri=uri)

    def _request(self) -> BuildRecord:
        """Return the record of a new request, with a tag that no other build pushes."""
        return {"asked_at": self._now().isoformat(), "tag": f"build-{secrets.token_hex(16)}"}

    def _record(self, version: ModelVersion) -> BuildRecord:
        """Return the record of the build; an empty one when it is absent or unreadable."""
        return _readable(self._blobs.read_record(_record_name(version)))

    def _claim(self, version: ModelVersion) -> bool:
        """Create the record unless there is one; return whether this process created it."""
        written = False

        def change(content: dict[str, Any]) -> BuildRecord | None:
            nonlocal written
            written = not _readable(content)
            return self._request() if written else None

        self._blobs.change_record(_record_name(version), change)
        return written

    def _save(self, version: ModelVersion, content: BuildRecord) -> None:
        self._blobs.write_json(_record_name(version), content)


def _tagged(record: BuildRecord) -> BuildRecord:
    """Return the tag of a request; empty for one of an earlier version of the app."""
    return {"tag": record["tag"]} if record.get("tag") else {}


def _is_own(run: BuildRun | None, version: ModelVersion, record: BuildRecord, digest: str) -> bool:
    """Return whether a run pushed this digest under the tag of the record, too.

    A run whose id an earlier version of the app recorded when it queued the build is its own.
    """
    if not record.get("tag"):
        return not record.get("adopted")
    return run is not None and output_digest(run, version.model, record["tag"]) == digest


def _readable(record: dict[str, Any] | None) -> BuildRecord:
    """Return a record of a build; {} when the blob holds anything else."""
    try:
        asked_at = datetime.fromisoformat((record or {}).get("asked_at", ""))
    except (TypeError, ValueError):
        return {}
    return cast(BuildRecord, record) if asked_at.tzinfo else {}


def _record_name(version: ModelVersion) -> str:
    # The name contains the digest of the model, because a new registry may reuse a number.
    return f"images/{version.model}/{version.version}-{version.digest[:16]}.json"
