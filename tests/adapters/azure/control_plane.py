"""A control plane of Kubernetes without nodes: the test reports pods as a kubelet would."""

import ssl
import threading
import time
from pathlib import Path
from typing import Any, Self

import httpx

from tests.patience import PATIENCE

NODE, MERGE = "node-of-the-tests", {"Content-Type": "application/merge-patch+json"}
Json = dict[str, Any]


class Kubelet:
    """Binds the pods of a namespace and tells that they are ready, but for `broken` images."""

    def __init__(self, url: str, ca: Path, token: str, namespace: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        trust = ssl.create_default_context(cafile=str(ca))
        self._client = httpx.Client(base_url=url, verify=trust, headers=headers, timeout=PATIENCE)
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self.broken: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        meta = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        self._client.post("/api/v1/namespaces", json=meta).raise_for_status()
        self._client.post("/api/v1/nodes", json={"metadata": {"name": NODE}})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        namespace = self._pods.removesuffix("/pods")
        self._client.delete(namespace)
        time.sleep(1)
        self._ended.set()
        self._thread.join()
        self._client.close()

    def change(self, path: str, change: Json) -> None:
        """Change an object."""
        self._client.patch(path, headers=MERGE, json=change).raise_for_status()

    def list(self, path: str) -> list[Json]:
        """Return the objects there."""
        found: list[Json] = self._client.get(path).raise_for_status().json()["items"]
        return found

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            for pod in self.list(self._pods):
                self._look_after(pod, f"{self._pods}/{pod['metadata']['name']}")

    def _look_after(self, pod: Json, path: str) -> None:
        name, image = pod["metadata"]["name"], pod["spec"]["containers"][0]["image"]
        if pod["metadata"].get("deletionTimestamp"):
            self._client.request("DELETE", path, json={"gracePeriodSeconds": 0})
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
            self._client.post(f"{path}/binding", json={**binding, "target": target})
        elif not pod["status"].get("containerStatuses"):
            status = {"status": _status(pod["spec"]["containers"][0]["name"], image in self.broken)}
            self._client.patch(f"{path}/status", headers=MERGE, json=status)


def _status(container: str, broken: bool) -> Json:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    ready = {"type": "Ready", "status": str(not broken), "lastTransitionTime": now}
    return {
        "phase": "Pending" if broken else "Running",
        "podIP": "10.1.0.2",
        "conditions": [ready],
        "containerStatuses": [
            {
                "name": container,
                "image": "",
                "imageID": "",
                "ready": not broken,
                "restartCount": 0,
                "state": {"waiting": waiting} if broken else {"running": {"startedAt": now}},
            }
        ],
    }
