"""Staging on this machine: the image as a container, or its content as a process.

A container needs an engine and an image with a base. The record shows which of the two runs.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.reach.containers import Containers
from function_app.adapters.local.reach.containment import Access, Containment
from function_app.adapters.local.reach.environ import serving_environ
from function_app.adapters.local.reach.files import read_object, write_json
from function_app.adapters.local.reach.processes import Processes, free_port, start_limit
from function_app.adapters.scoring_service.scoring_keys import KEYS, describe_keys
from function_app.addresses import below
from function_app.domain.codec import dump
from function_app.domain.release.serving import (
    STAGING_LIFE,
    Deployment,
    Environment,
    Image,
    Rollout,
)
from function_app.errors import AttemptError
from function_app.late_imports import importing
from function_app.telemetry import OTLP_ENDPOINT

# The prefix of the names of deployments; the release id follows.
STAGING = "staging-"
PROCESS = "process"
EXPIRES = "expires"
# The start of the present attempt; "" after it succeeded or its failure was reported.
BEGAN = "began"
FAILURES = "failures"  # how many attempts failed

Runner = Containers | Processes


class LocalStaging:
    """A service per release, removed after the decision."""

    def __init__(
        self,
        state: Path,
        images: LocalImages,
        processes: Processes,
        keys: LocalKeys,
        containers: Containers | None = None,
        *,
        ready_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = 5.0,
        containment: Containment | None = None,
    ) -> None:
        """Take the time limit for a service to get healthy, in seconds.

        After `patience` seconds a call answers that the start is under way.
        """
        self._containment = containment or Containment(state=state, root=state)
        self._records, self._keys = state / "staging", keys
        self._images, self._processes, self._containers = images, processes, containers
        self._ready, self._now, self._patience = ready_seconds, now, patience

    def deploy(self, release_id: str, image: Image) -> Rollout:
        name = f"{STAGING}{release_id}"
        record = read_object(self._record(release_id))
        stored = record if _is_own(record) else None
        if stored is not None and stored["digest"] != image.digest:
            self.remove(release_id)
            stored = None
        engine = self._containers if self._images.has_base(image) else None
        if stored is None:
            # The record is written before the process starts, so that the process can always be
            # found.
            expires = (self._now() + STAGING_LIFE).isoformat(timespec="seconds")
            stored = {**dump(image), EXPIRES: expires, BEGAN: ""}
            write_json(self._record(release_id), stored)
        runner = engine or self._processes
        if not stored.get(BEGAN):
            stored = {**stored, BEGAN: str(time.time())}
            write_json(self._record(release_id), stored)
            if runner.find(name) is None:
                self._start(release_id, name, image, engine)
        endpoint = self._wait(name, image, runner)
        if endpoint is None:
            return self._judge(release_id, name, stored, runner)
        write_json(self._record(release_id), {**stored, BEGAN: ""})
        deployment = Deployment(
            deployment_id=name,
            environment=Environment.STAGING,
            endpoint=endpoint,
            image=image,
            runtime=engine.kind if engine else PROCESS,
        )
        return Rollout(deployment=deployment)

    def _start(self, release_id: str, name: str, image: Image, engine: Containers | None) -> None:
        # Digests: they are no secret that the container's environment could give away.
        keys = describe_keys(None, self._keys.staging_secret(release_id))
        if engine is None:
            self._start_process(name, image, keys)
            return
        engine.stop(name)
        collector = serving_environ().get(OTLP_ENDPOINT, "")
        engine.start(name, image.digest, self._images.extract(image), keys, collector)

    def _judge(self, release_id: str, name: str, stored: dict[str, Any], runner: Runner) -> Rollout:
        """Return that the service is under way; raise once when this attempt has failed."""
        seconds = time.time() - float(stored[BEGAN])
        runs = runner.find(name) is not None
        failures = int(stored.get(FAILURES, 0))
        limit = start_limit(self._ready, failures)
        if runs and seconds < limit:
            return Rollout(done=False, detail=f"{name} started {seconds:.0f} s ago.")
        cause = f"No answer within {limit:g} s (MLOPS_READY_SECONDS)." if runs else "It ended."
        tail = runner.log_tail(name)
        runner.stop(name)
        # Reported once: the next call starts a new attempt.
        write_json(self._record(release_id), {**stored, BEGAN: "", FAILURES: failures + 1})
        text = f"{stored['digest'][:19]} did not get healthy. {cause}"
        text += f" Its log ends: {tail}" if tail else " It logged nothing."
        raise AttemptError("local", "deploy to staging", text)

    def remove(self, release_id: str) -> None:
        name = f"{STAGING}{release_id}"
        self._processes.stop(name)
        if self._containers is not None and self._record(release_id).exists():
            self._containers.stop(name)
        self._record(release_id).unlink(missing_ok=True)

    def list_releases(self) -> tuple[str, ...]:
        records = self._records.glob("*.json")
        return tuple(sorted(path.stem for path in records if _is_own(read_object(path))))

    def list_foreign(self) -> tuple[str, ...]:
        records = self._records.glob("*.json")
        return tuple(sorted(str(path) for path in records if not _is_own(read_object(path))))

    def expired(self, now: datetime) -> tuple[str, ...]:
        return tuple(r for r in self.list_releases() if self._is_expired(r, now))

    def _is_expired(self, release_id: str, now: datetime) -> bool:
        stored = read_object(self._record(release_id))
        # A record without a date belongs to an earlier version of this app, or is foreign.
        try:
            return EXPIRES in stored and datetime.fromisoformat(stored[EXPIRES]) <= now
        except (TypeError, ValueError):
            return False

    def _start_process(self, name: str, image: Image, keys: str) -> None:
        folder, port = self._images.unpack(image), free_port()
        command = [sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)]
        environ = {**serving_environ(), "IMAGE_DIGEST": image.digest, KEYS: keys}
        self._containment.check("deploy to staging")
        # It outlives this host: the process group of its name ends it.
        command = self._containment.wrap(command, folder, Access(network=True), parent=0)
        self._processes.start(name, command, cwd=folder, environ=environ, port=port)

    def _wait(self, name: str, image: Image, runner: Runner) -> str | None:
        """Return the endpoint once the service of this very image answers there.

        None when the service ended, or does not answer yet.
        """
        with importing():
            import httpx

        end = time.monotonic() + min(self._patience, self._ready)
        # One client for all questions: a new one reads the certificates of all authorities.
        with httpx.Client(timeout=2) as client:
            while time.monotonic() < end:
                running = runner.find(name)
                if running is None:
                    return None
                endpoint = f"http://127.0.0.1:{running.port}"
                try:
                    if client.get(f"{endpoint}/healthz").json()["image"] == image.digest:
                        return endpoint
                except (httpx.HTTPError, ValueError, KeyError):
                    pass
                time.sleep(0.05)
        return None

    def _record(self, release_id: str) -> Path:
        return below(self._records, f"{release_id}.json")


def _is_own(record: dict[str, Any]) -> bool:
    """Return whether this app wrote a record: it names the image that it deployed."""
    return all(isinstance(record.get(name), str) for name in ("model", "version", "digest"))
