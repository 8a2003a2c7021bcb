"""Staging on this machine: the image as a container, or its content as a process.

A container needs an engine and an image with a base. Which of the two runs is recorded and shown.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from function_app.adapters.local.containers import Containers
from function_app.adapters.local.files import read_object, write_json
from function_app.adapters.local.images import LocalImages
from function_app.adapters.local.jobs import serving_environ
from function_app.adapters.local.processes import Processes, free_port
from function_app.codec import dump
from function_app.domain.serving import STAGING_LIFE, Deployment, Environment, Image, Rollout
from function_app.errors import PlatformError
from function_app.late_imports import importing
from function_app.telemetry import OTLP_ENDPOINT

PROCESS = "process"
EXPIRES = "expires"


class LocalStaging:
    """One service per release, removed after the decision."""

    def __init__(
        self,
        state: Path,
        images: LocalImages,
        processes: Processes,
        containers: Containers | None = None,
        ready_seconds: float = 30.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records = state / "staging"
        self._images, self._processes, self._containers = images, processes, containers
        self._ready, self._now = ready_seconds, now

    def deploy(self, release_id: str, image: Image) -> Rollout:
        name = f"staging-{release_id}"
        stored = read_object(self._record(release_id)) or None
        if stored is not None and stored["digest"] != image.digest:
            self.remove(release_id)
            stored = None
        engine = self._containers if self._images.has_base(image) else None
        if stored is None:
            # Before anything runs: whatever runs is found by it.
            expires = (self._now() + STAGING_LIFE).isoformat(timespec="seconds")
            write_json(self._record(release_id), {**dump(image), EXPIRES: expires})
        if engine is None:
            self._start_process(name, image)
        elif engine.find(name) is None:
            engine.stop(name)
            collector = serving_environ().get(OTLP_ENDPOINT, "")
            engine.start(name, image.digest, self._images.extract(image), collector)
        deployment = Deployment(
            deployment_id=name,
            environment=Environment.STAGING,
            endpoint=self._wait(name, image, engine),
            image=image,
            runtime=engine.kind if engine else PROCESS,
        )
        return Rollout(deployment=deployment)

    def remove(self, release_id: str) -> None:
        name = f"staging-{release_id}"
        self._processes.stop(name)
        if self._containers is not None and self._record(release_id).exists():
            self._containers.stop(name)
        self._record(release_id).unlink(missing_ok=True)

    def list_releases(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self._records.glob("*.json")))

    def expired(self, now: datetime) -> tuple[str, ...]:
        return tuple(r for r in self.list_releases() if self._is_expired(r, now))

    def _is_expired(self, release_id: str, now: datetime) -> bool:
        stored = read_object(self._record(release_id))
        # One without a date is of an earlier version of this app, or somebody else's.
        try:
            return EXPIRES in stored and datetime.fromisoformat(stored[EXPIRES]) <= now
        except (TypeError, ValueError):
            return False

    def _start_process(self, name: str, image: Image) -> None:
        folder, port = self._images.unpack(image), free_port()
        command = [sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)]
        environ = {**serving_environ(), "IMAGE_DIGEST": image.digest}
        self._processes.start(name, command, cwd=folder, environ=environ, port=port)

    def _wait(self, name: str, image: Image, engine: Containers | None) -> str:
        """Return the endpoint once the service of this very image answers there."""
        with importing():
            import httpx

        runner = engine or self._processes
        end = time.monotonic() + self._ready
        while time.monotonic() < end:
            running = runner.find(name)
            if running is None:
                break
            endpoint = f"http://127.0.0.1:{running.port}"
            try:
                if httpx.get(f"{endpoint}/healthz", timeout=2).json()["image"] == image.digest:
                    return endpoint
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(0.05)
        tail = runner.log_tail(name)
        runner.stop(name)
        message = f"{image.digest[:19]} did not get healthy in {self._ready:.0f} s. Its log: {tail}"
        raise PlatformError("local", "deploy to staging", message)

    def _record(self, release_id: str) -> Path:
        return self._records / f"{release_id}.json"
