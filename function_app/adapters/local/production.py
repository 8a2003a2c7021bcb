"""Production on this machine: one server per model, which runs the replicas behind it."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from function_app.adapters.local.files import read_json, write_json
from function_app.adapters.local.images import LocalImages
from function_app.adapters.local.jobs import serving_environ
from function_app.adapters.local.processes import Processes, free_port
from function_app.adapters.log_rules import log_rules
from function_app.codec import dump, load
from function_app.domain.retraining import DriftPolicy
from function_app.domain.serving import Deployment, Environment, Image, Rollout
from function_app.errors import PlatformError
from function_app.late_imports import importing


class LocalProduction:
    """Writes what shall be served and reads back, from the server, what is."""

    def __init__(
        self,
        state: Path,
        root: Path,
        images: LocalImages,
        processes: Processes,
        ready_seconds: float = 60.0,
        watched: Mapping[str, DriftPolicy] | None = None,
    ) -> None:
        self._watched = watched or {}
        self._folder, self._root = state / "production", root
        self._images, self._processes, self._ready = images, processes, ready_seconds

    def champion(self, model: str) -> Image | None:
        if not self._desired(model).exists():
            return None
        served = self._ask(model)["image"]
        return None if served is None else load(Image, served)

    def endpoint(self, model: str) -> str | None:
        return self._endpoint(model) if self.champion(model) else None

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        folder = self._images.unpack(image)
        wish = {
            "image": dump(image),
            "folder": str(folder),
            "replicas": replicas,
            "release_id": release_id,
        }
        self._reach(image.model, wish, image)
        return Rollout(deployment=self._deployment(image))

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        if image is None:
            if self._desired(model).exists():
                self._reach(model, {"image": None, "folder": "", "replicas": 0}, None)
            return Rollout()
        former = read_json(self._desired(model)) or {}
        replicas = int(former.get("replicas") or 1)
        wish = {"image": dump(image), "folder": str(self._images.unpack(image))}
        self._reach(model, {**wish, "replicas": replicas, "release_id": "roll-back"}, image)
        return Rollout(deployment=self._deployment(image))

    def restore(self) -> list[str]:
        """Start the servers of all models again; return what they serve."""
        found = []
        for path in sorted(self._folder.glob("*/desired.json")):
            model = path.parent.name
            served = self.champion(model)
            if served is not None:
                found.append(f"{model} {served.version} at {self._endpoint(model)}")
        return found

    def _reach(self, model: str, wish: dict[str, Any], image: Image | None) -> None:
        wish = {**wish, "environ": self._log_rules(model)}
        stored = read_json(self._desired(model))
        if stored is None or {k: v for k, v in stored.items() if k not in ("port", "wish")} != wish:
            port = stored["port"] if stored else free_port()
            number = stored["wish"] + 1 if stored else 1
            write_json(self._desired(model), {**wish, "port": port, "wish": number})
        answer = self._ask(model)
        if answer["image"] != (dump(image) if image else None):
            detail = answer["failure"] or self._processes.log_tail(f"production-{model}")
            raise PlatformError("local", "promote", f"It did not get ready. {detail}")

    def _log_rules(self, model: str) -> dict[str, str]:
        """Return what tells the replicas to log predictions, when somebody watches them."""
        policy = self._watched.get(model)
        if policy is None:
            return {}
        return log_rules(policy, str(self._folder / model / "log"))

    def _deployment(self, image: Image) -> Deployment:
        return Deployment(
            deployment_id=f"production-{image.model}",
            environment=Environment.PRODUCTION,
            endpoint=self._endpoint(image.model),
            image=image,
            runtime="process",
        )

    def _ask(self, model: str) -> dict[str, Any]:
        """Return what the server says once it has dealt with the newest wish."""
        with importing():
            import httpx

        wish = read_json(self._desired(model))["wish"]
        end = time.monotonic() + self._ready
        while time.monotonic() < end:
            self._start(model)
            try:
                url = f"{self._endpoint(model)}/-/champion"
                answer: dict[str, Any] = httpx.get(url, timeout=2).json()
                if answer["wish"] >= wish:
                    return answer
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.05)
        tail = self._processes.log_tail(f"production-{model}")
        raise PlatformError("local", "reach production", f"{model} does not answer. Log: {tail}")

    def _start(self, model: str) -> None:
        name, module = f"production-{model}", "function_app.adapters.local.production_server"
        port = read_json(self._desired(model))["port"]
        command = [sys.executable, "-m", module, str(self._desired(model)), str(port)]
        self._processes.start(name, command, cwd=self._root, environ=serving_environ(), port=port)

    def _endpoint(self, model: str) -> str:
        return f"http://127.0.0.1:{read_json(self._desired(model))['port']}"

    def _desired(self, model: str) -> Path:
        return self._folder / model / "desired.json"
