"""Production on this machine: one server per model, which runs the replicas behind it."""

import fcntl
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.production.desired import (
    REPORTED,
    SERVER_LOCK,
    STATE,
    read_desired,
)
from function_app.adapters.local.reach.containment import Containment
from function_app.adapters.local.reach.environ import serving_environ
from function_app.adapters.local.reach.files import locked, write_json
from function_app.adapters.local.reach.processes import Processes, free_port
from function_app.adapters.scoring_service.log_rules import log_rules
from function_app.adapters.scoring_service.scoring_keys import KEYS_FILE, PROBE_KEY
from function_app.addresses import below
from function_app.domain.codec import dump, load
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout, Serving
from function_app.errors import AttemptError, PlatformError
from function_app.late_imports import importing

_OURS = ("port", "wish", REPORTED)


class LocalProduction:
    """Writes the desired state and reads the served image back from the server."""

    def __init__(
        self,
        state: Path,
        root: Path,
        images: LocalImages,
        processes: Processes,
        keys: LocalKeys,
        *,
        ready_seconds: float,
        watched: Mapping[str, DriftPolicy] | None = None,
        patience: float = 5.0,
        containment: Containment | None = None,
    ) -> None:
        """Take the folders of the state and the app, and the time limit for a start in seconds.

        After `patience` seconds a call answers that the change is under way.
        """
        self._containment = containment or Containment(state=state, root=root)
        self._watched = watched or {}
        self._folder, self._root = state / "production", root
        self._images, self._processes, self._keys = images, processes, keys
        self._ready, self._patience = ready_seconds, patience

    def champion(self, model: str) -> Image | None:
        served = self._served(model)
        return None if served is None else load(Image, served["image"])

    def endpoint(self, model: str) -> str | None:
        return self._endpoint(model) if self.champion(model) else None

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        desired = {
            "image": dump(image),
            "folder": str(self._images.unpack(image)),
            "replicas": replicas,
            "release_id": release_id,
        }
        return self._reach(image.model, desired, image)

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        if image is None:
            if read_desired(self._desired(model)) is None:
                return Rollout()
            return self._reach(model, {"image": None, "folder": "", "replicas": 0}, None)
        former = read_desired(self._desired(model)) or {}
        return self.promote("roll-back", image, int(former.get("replicas") or 1))

    def caller_header(self, model: str) -> str:
        return self._keys.header(model)

    def rotate_keys(self, model: str) -> str:
        return self._keys.rotate(model)

    def serving(self, model: str) -> Serving | None:
        served = self._served(model)
        if served is None:
            return None
        return Serving(
            image=load(Image, served["image"]),
            replicas=served["replicas"],
            ready=served["ready"],
            detail=served["missing"],
        )

    def repair(self, model: str) -> None:
        with importing():
            import httpx

        # The server starts again when it has ended; its replicas follow without more.
        served = self._served(model)
        if served is not None:
            self._images.unpack(load(Image, served["image"]))
            try:
                url, headers = f"{self._endpoint(model)}/-/retry", self._credential(model)
                httpx.post(url, headers=headers, timeout=self._patience)
            except httpx.HTTPError as error:
                raise PlatformError("local", "repair production", str(error)) from error

    def restore(self) -> list[str]:
        """Restart the servers of all models; return per model its image or the error."""
        lines = []
        paths = [*self._folder.glob("*/desired.json"), *self._folder.glob(f"*/{STATE}")]
        for model in sorted({path.parent.name for path in paths}):
            try:
                serving = self.serving(model)
            except PlatformError as error:
                lines.append(f"{model}: {error.message}")
                continue
            if serving is not None:
                version, endpoint = serving.image.version, self._endpoint(model)
                lines.append(f"{model} {version} at {endpoint}")
        return lines

    def _reach(self, model: str, desired: dict[str, Any], image: Image | None) -> Rollout:
        """Write the desired state; return the state of the attempt, AttemptError when it failed."""
        keys = {KEYS_FILE: str(self._keys.ensure(model))}
        desired = {**desired, "environ": {**self._log_rules(model), **keys}}
        stored = read_desired(self._desired(model))
        if (
            stored is None
            or {k: v for k, v in stored.items() if k not in _OURS} != desired
            or stored.get(REPORTED) == stored["wish"]
        ):
            port = stored["port"] if stored else free_port()
            number = stored["wish"] + 1 if stored else 1
            stored = {**desired, "port": port, "wish": number, REPORTED: 0}
            write_json(self._desired(model), stored)
        answer = self._ask(model, stored["wish"], self._patience)
        if answer is None or answer["wish"] < stored["wish"]:
            return Rollout(done=False, detail=f"Replicas of {model} are being started.")
        if answer["failure"]:
            # Reported once: the next call starts a new attempt.
            write_json(self._desired(model), {**stored, REPORTED: stored["wish"]})
            raise AttemptError("local", "promote", answer["failure"])
        return Rollout(deployment=self._deployment(image) if image else None)

    def _served(self, model: str) -> dict[str, Any] | None:
        """Return the server's view of the image that has the traffic, None without one."""
        if read_desired(self._desired(model)) is None:
            return None
        answer = self._ask(model, 0, self._ready)
        if answer is None:
            tail = self._processes.log_tail(f"production-{model}")
            text = f"{model} does not answer. Log: {tail}"
            raise PlatformError("local", "reach production", text)
        return answer if answer["image"] is not None else None

    def _log_rules(self, model: str) -> dict[str, str]:
        """Return the variables that let replicas log predictions, {} for unwatched models."""
        policy = self._watched.get(model)
        if policy is None:
            return {}
        return log_rules(policy, str(below(self._folder, model, "log")))

    def _deployment(self, image: Image) -> Deployment:
        return Deployment(
            deployment_id=f"production-{image.model}",
            environment=Environment.PRODUCTION,
            endpoint=self._endpoint(image.model),
            image=image,
            runtime="process",
        )

    def _ask(self, model: str, number: int, seconds: float) -> dict[str, Any] | None:
        """Return the server's newest answer, when it has handled this attempt or time is over.

        None when the server did not answer.
        """
        with importing():
            import httpx

        answer: dict[str, Any] | None = None
        headers = self._credential(model)
        end = time.monotonic() + seconds
        # One client for all questions: a new one reads the certificates of all authorities.
        with httpx.Client(headers=headers, timeout=2) as client:
            while True:
                self._start(model)
                with suppress(httpx.HTTPError, ValueError):
                    url = f"{self._endpoint(model)}/-/champion"
                    answer = client.get(url).raise_for_status().json()
                if (answer is not None and answer["wish"] >= number) or time.monotonic() >= end:
                    return answer
                time.sleep(0.05)

    def _credential(self, model: str) -> dict[str, str]:
        return {PROBE_KEY: self._keys.production_secret(model)}

    def _start(self, model: str) -> None:
        self._keys.ensure(model)  # the server refuses everybody without it
        name, module = (
            f"production-{model}",
            "function_app.adapters.local.production.production_server",
        )
        port = self._port(model)
        self._containment.check("start production")
        limits = (str(port), str(self._ready), self._containment.level.name)
        command = [sys.executable, "-m", module, str(self._desired(model)), *limits]
        if self._is_orphaned(model):
            with locked(below(self._folder, model, "start.lock")):
                if self._is_orphaned(model):
                    self._processes.stop(name)
        self._processes.start(name, command, cwd=self._root, environ=serving_environ(), port=port)

    def _is_orphaned(self, model: str) -> bool:
        """Return whether replicas outlived their server and keep the next one from starting."""
        group = self._processes.find(f"production-{model}")
        try:
            with (below(self._folder, model, SERVER_LOCK)).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A server that still starts has not written its group yet.
                return group is not None and lock.read().strip() == str(group.pid)
        except OSError:
            return False

    def _port(self, model: str) -> int:
        return int((read_desired(self._desired(model)) or {})["port"])

    def _endpoint(self, model: str) -> str:
        return f"http://127.0.0.1:{self._port(model)}"

    def _desired(self, model: str) -> Path:
        return below(self._folder, model, "desired.json")
