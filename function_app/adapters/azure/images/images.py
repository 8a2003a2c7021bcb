"""Images by ACR Tasks: one build a model version, whose digest is kept and read back.

Queueing a build is not idempotent. So a request is stored before, the run after it. A request
without a run takes over a build that was queued since, when that build pushed the tag that only
this request has: anybody may queue a build of the same model and version.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from function_app.adapters.azure.images.build_context import BuildContext, BuildContexts
from function_app.adapters.azure.images.build_runs import UNDER_WAY, BuildRuns, output_digest
from function_app.adapters.azure.images.manifests_api import Manifests
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.project import ModelProject
from function_app.domain.release.serving import Build, Image
from function_app.domain.text.redaction import redact
from function_app.domain.training import ModelVersion
from function_app.errors import AttemptError, NotFoundError, PlatformError

# Another process may be between wish and run that long.
GRACE = timedelta(minutes=2)
SKEW = timedelta(minutes=1)  # of the registry's clock
TAG = "tag"  # in the record of a build


class AzureImages:
    """Builds what a model version and its code make; asks are short, builds are not."""

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
        project = self._projects.get(version.model)
        if project is None:
            raise NotFoundError(f"mlops.toml names no model {version.model!r}. Add it.")
        note = self._record(version)
        if note.get("digest"):
            return self._kept(version, note["digest"])
        if note.get("failed_at"):
            # It was reported: this call is a new attempt.
            passed = [*note.get("passed_over", []), note["run_id"]]
            context, wish = self._pack(version, project), self._wish()
            self._note(version, {**wish, "passed_over": passed})
            return self._queue(version, context, wish)
        if note.get("run_id"):
            return self._follow(version, project, note)
        if note.get("asked_at"):
            return self._take_over(version, project, note)
        # A tag without a record may be somebody else's push: only a digest that a build of ours
        # names is served, so the image is built again and the tag moves to it.
        importing = self._contexts.missing_bases(version, project.scoring)
        if importing:
            return Build(detail=f"The base image {', '.join(importing)} is being imported.")
        context = self._pack(version, project)
        if not self._claim(version):
            return Build(detail="Another process queues the build.")
        return self._queue(version, context, self._record(version))

    def find(self, model: str, version: str) -> str | None:
        return self._manifests.digest(model, version)

    def _pack(self, version: ModelVersion, project: ModelProject) -> BuildContext:
        """Return the files of the build; raises what forbids it.

        Pack before the record is written: a record without a run delays the next attempt by GRACE,
        because another process may be queueing the build.
        """
        return self._contexts.pack(version, project.scoring, project.model.trusted_types)

    def _queue(self, version: ModelVersion, context: BuildContext, wish: dict[str, Any]) -> Build:
        source = self._builds.upload(context.content)
        tags = [f"{version.model}:{version.version}", f"{version.model}:{wish[TAG]}"]
        run_id = self._builds.queue(tags, source, context.dockerfile)
        if run_id is None:
            # The record without a run makes the next call adopt the run that the registry lists.
            return Build(detail="The registry has taken the build and not named its run yet.")
        queued = {**self._wish(), TAG: wish[TAG], "run_id": run_id, "context": context.digest}
        self._note(version, queued)
        return Build(detail=f"Build {run_id} is queued.")

    def _take_over(
        self, version: ModelVersion, project: ModelProject, note: dict[str, Any]
    ) -> Build:
        """Go on where a process stopped between its wish and the run."""
        asked_at = datetime.fromisoformat(note["asked_at"])
        runs = self._builds.list_since(asked_at - SKEW)
        passed = note.get("passed_over", [])
        candidates = [run for run in runs if run["runId"] not in passed]
        # A request of an earlier version of the app has no tag that would tell its own build.
        if candidates and note.get(TAG):
            found = {**note, "run_id": candidates[0]["runId"], "adopted": True}
            self._note(version, found)
            return self._follow(version, project, found)
        if self._now() - asked_at < GRACE:
            return Build(detail="The build is being queued.")
        context, wish = self._pack(version, project), {**self._wish(), **_tagged(note)}
        self._note(version, wish)
        return self._queue(version, context, wish)

    def _follow(self, version: ModelVersion, project: ModelProject, note: dict[str, Any]) -> Build:
        run_id = str(note["run_id"])
        run = self._builds.get(run_id)
        status = str(run["status"]) if run else "forgotten"
        if run and status.lower() in UNDER_WAY:
            return Build(detail=f"Build {run_id} is {status.lower()}.")
        digest = output_digest(run, version.model, version.version) if run else None
        is_own = TAG not in note or (
            run is not None and output_digest(run, version.model, note[TAG]) == digest
        )
        if digest is not None and status == "Succeeded" and is_own:
            return self._keep(version, digest)
        if note.get("adopted"):
            # It was somebody else's, or came to nothing: ours was perhaps never queued.
            passed = [*note.get("passed_over", []), run_id]
            wish = {"asked_at": note["asked_at"], "passed_over": passed, **_tagged(note)}
            self._note(version, wish)
            return self._take_over(version, project, wish)
        if run is None:
            # The registry has deleted the run, which alone says what was pushed: build again.
            context, wish = self._pack(version, project), self._wish()
            self._note(version, wish)
            return self._queue(version, context, wish)
        raise self._failure(version, note, run, status)

    def _failure(
        self,
        version: ModelVersion,
        note: dict[str, Any],
        run: dict[str, Any] | None,
        status: str,
    ) -> AttemptError:
        self._note(version, {**note, "failed_at": self._now().isoformat()})
        run_id = note["run_id"]
        reason = str((run or {}).get("runErrorMessage") or "")
        tail = self._builds.log_tail(run_id) if run else ""
        text = redact(
            f"Build {run_id} of {version.model}:{version.version} is {status.lower()}. {reason}"
            f" Its log ends: {tail} Correct the code or the Dockerfile and release again."
        )
        return AttemptError("azure", "build the image", text)

    def _kept(self, version: ModelVersion, digest: str) -> Build:
        if self._manifests.digest(version.model, digest) is None:
            text = (
                f"{version.model}@{digest} is gone from {self._manifests.server}."
                f" Restore it, or delete the blob {_note(version)} and release again."
            )
            raise PlatformError("azure", "find the image", text)
        return Build(image=self.at(version.model, version.version, digest))

    def _keep(self, version: ModelVersion, digest: str) -> Build:
        note = self._record(version)
        self._note(version, {**note, "digest": digest})
        return self._kept(version, digest)

    def at(self, model: str, version: str, digest: str) -> Image:
        uri = f"{self._manifests.server}/{model}@{digest}"
        return Image(model=model, version=version, digest=digest, uri=uri)

    def _wish(self) -> dict[str, str]:
        """Return a new request of a build, with a tag that no other build pushes."""
        return {"asked_at": self._now().isoformat(), TAG: f"build-{secrets.token_hex(16)}"}

    def _record(self, version: ModelVersion) -> dict[str, Any]:
        """Return the record of the build; an empty one when it is absent or unreadable."""
        return _readable(self._blobs.read_record(_note(version)))

    def _claim(self, version: ModelVersion) -> bool:
        """Write the wish unless there is a record; tell whether this process wrote it."""
        written = False

        def change(content: dict[str, Any]) -> dict[str, Any] | None:
            nonlocal written
            written = not _readable(content)
            return self._wish() if written else None

        self._blobs.change_record(_note(version), change)
        return written

    def _note(self, version: ModelVersion, content: dict[str, Any]) -> None:
        self._blobs.write_json(_note(version), content)


def _tagged(note: dict[str, Any]) -> dict[str, str]:
    """Return the tag of a request; empty for one of an earlier version of the app."""
    return {TAG: str(note[TAG])} if note.get(TAG) else {}


def _readable(record: dict[str, Any] | None) -> dict[str, Any]:
    """Return a record of a build; an empty one when somebody left something else there."""
    try:
        asked_at = datetime.fromisoformat((record or {}).get("asked_at", ""))
    except (TypeError, ValueError):
        return {}
    return record or {} if asked_at.tzinfo else {}


def _note(version: ModelVersion) -> str:
    # With the digest of the model: a number may come again in a new registry.
    return f"images/{version.model}/{version.version}-{version.digest[:16]}.json"
