"""A running app with one release, and an attacker who has the system key of Durable."""

from typing import Any

import httpx

from tests.attacks.targets import (
    MODEL,
    CloudTarget,
    LocalTarget,
    ask,
    keys,
    logged,
)
from tests.azure_servers.azure import EVALUATIONS
from tests.funchost.conftest import until

FIRST, SECOND = f"release-{MODEL}-1", f"release-{MODEL}-1-try2"
ADA = {"approvers": ["mallory"], "max_p95_ms": 1e9, "smoke_tolerance": 1e9, "replicas": 9}


class Scene:
    """An app with one release, and an attacker who has the system key."""

    def __init__(self, target: LocalTarget | CloudTarget, data: str) -> None:
        self.target: LocalTarget | CloudTarget = target
        if isinstance(target, CloudTarget):
            target.cloud.upload(f"{MODEL}/a.csv", data.encode())
        else:
            file = target.state / "inbox" / "data" / MODEL / "a.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(data)
        self.at_step(FIRST, "awaiting approval")

    def manage(self, path: str, content: Any = None, **query: str) -> httpx.Response:
        """Send a request to the Durable management API with the stolen system key."""
        url = f"{self.target.host.url}/runtime/webhooks/durabletask/{path}"
        code = {"code": keys(self.target)["system"], **query}
        return httpx.post(url, params=code, json=content)

    def start(self, story: str, instance_id: str, content: Any) -> dict[str, Any]:
        """Start a story with this input and return its state once it has ended."""
        answer = self.manage(f"orchestrators/{story}/{instance_id}", content)
        assert answer.status_code == 202, answer.text
        return self.ended(instance_id)

    def find(self, instance_id: str) -> dict[str, Any]:
        return self.target.api.find(f"/api/status/{instance_id}") or {}

    def ended(self, instance_id: str) -> dict[str, Any]:
        until(lambda: self.find(instance_id).get("ended"), f"{instance_id} to end", 300)
        return self.find(instance_id)

    def at_step(self, instance_id: str, step: str) -> None:
        def is_at_step() -> bool:
            found = self.find(instance_id)
            assert not found.get("ended"), (found["outcome"], found["reasons"])
            return (found.get("step") or {}).get("step") == step

        until(is_at_step, f"{instance_id} to be at {step}", 300)

    def served(self) -> str | None:
        """Return the digest that production serves, read back from production."""
        view = self.target.api.get(f"/api/models/{MODEL}")
        assert view["error"] is None
        digest: str | None = view["image_digest"]
        return digest

    def calls(self, activity: str, instance_id: str) -> int:
        """Return how many calls of an activity by a story succeeded, as the host's log says."""
        log = (self.target.host.state / "host.log").read_text(errors="replace")
        return log.count(f"'Functions.{activity}' (Succeeded, Instance={instance_id},")

    def release(self, release_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.target.api.get(f"/api/releases/{release_id}")
        return shown

    def decide(self, release_id: str, person: str = "ada") -> httpx.Response:
        shown = self.release(release_id)
        body = {name: shown[name] for name in ("image_digest", "evidence_hash")}
        path, token = f"/api/releases/{release_id}/approve", self.target.token(person)
        return ask(self.target, "POST", path, token=token, json=body)

    def change_schema(self, suffix: bytes) -> None:
        """Change the file beside the model folder that the image would have too."""
        if isinstance(self.target, CloudTarget):
            blobs = self.target.cloud.azure.blobs.containers[EVALUATIONS]
            (name,) = [n for n in blobs if n.endswith("/evaluation/model_schema.json")]
            self.target.cloud.azure.wrote(name, blobs[name].rstrip() + suffix)
            return
        models = self.target.state / "models"
        (path,) = models.glob(f"{MODEL}/*/evaluation/model_schema.json")
        path.write_bytes(path.read_bytes().rstrip() + suffix)


def refused(scene: Scene, view: dict[str, Any], served: str | None, reason: str) -> None:
    """Assert that a story changed nothing and that the app's log says why."""
    assert view["status"] == "Failed", view
    assert scene.served() == served
    assert logged(scene.target, reason)
