"""Staging on this machine: the image's content as a process on a port of its own."""

import sys
import time
from pathlib import Path

from function_app.adapters.local.files import read_json, write_json
from function_app.adapters.local.images import LocalImages
from function_app.adapters.local.jobs import plain_environ
from function_app.adapters.local.processes import Processes, free_port
from function_app.codec import dump
from function_app.domain.serving import Deployment, Environment, Image
from function_app.errors import PlatformError


class LocalStaging:
    """One process per release, removed after the decision."""

    def __init__(
        self, state: Path, images: LocalImages, processes: Processes, ready_seconds: float = 30.0
    ) -> None:
        self._records = state / "staging"
        self._images, self._processes, self._ready = images, processes, ready_seconds

    def deploy(self, release_id: str, image: Image) -> Deployment:
        name = f"staging-{release_id}"
        record = self._records / f"{release_id}.json"
        stored = read_json(record)
        if stored is not None and stored["digest"] != image.digest:
            self._processes.stop(name)
        folder, port = self._images.unpack(image), free_port()
        write_json(record, dump(image))
        command = [sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)]
        environ = {**plain_environ(), "IMAGE_DIGEST": image.digest}
        self._processes.start(name, command, cwd=folder, environ=environ, port=port)
        endpoint = self._wait(name, image)
        return Deployment(
            deployment_id=name,
            environment=Environment.STAGING,
            endpoint=endpoint,
            image=image,
            runtime="process",
        )

    def remove(self, release_id: str) -> None:
        self._processes.stop(f"staging-{release_id}")
        (self._records / f"{release_id}.json").unlink(missing_ok=True)

    def _wait(self, name: str, image: Image) -> str:
        import httpx

        end = time.monotonic() + self._ready
        while time.monotonic() < end:
            process = self._processes.find(name)
            if process is None:
                break
            endpoint = f"http://127.0.0.1:{process.port}"
            try:
                if httpx.get(f"{endpoint}/healthz", timeout=2).json()["image"] == image.digest:
                    return endpoint
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(0.05)
        tail = self._processes.log_tail(name)
        self._processes.stop(name)
        message = f"{image.digest[:19]} did not get healthy in {self._ready:.0f} s. Its log: {tail}"
        raise PlatformError("local", "deploy to staging", message)
