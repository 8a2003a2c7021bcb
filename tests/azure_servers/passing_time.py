"""Time that passes in Azure: real processes do the work that the servers were asked for.

A run runs its command, an image contains the files of its build, a container serves its image, and
a registration of Azure ML raises its event.
"""

import base64
import io
import os
import re
import subprocess
import sys
import tarfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from function_app.adapters.azure.production.kubernetes.manifests import deployment_name, keys_name
from function_app.adapters.local.reach.processes import free_port
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.compute import Compute
from tests.azure_servers.identity import EXCHANGE, REPLICA, TENANT, IdentityServer, Signer
from tests.azure_servers.tls import Tls
from tests.patience import PATIENCE

PAUSE = 0.1
Event = dict[str, Any]


class PassingTime:
    """Advances the running operations, again and again, until it is closed."""

    def __init__(
        self, azure: Azure, folder: Path, publish: Callable[[Event], None], entra: IdentityServer
    ) -> None:
        """Take the folder of containers, the topic for events, and the issuer of pods' tokens."""
        self.errors: list[str] = []
        self._entra, self._cluster_key = entra, Signer("cluster")
        self._azure, self._folder, self._publish = azure, folder, publish
        self._compute = Compute(azure.ml, azure.blobs)
        self._serving: dict[tuple[str, str], tuple[subprocess.Popen[bytes], int]] = {}
        self._told: set[str] = set()
        self._fronts: dict[str, Server] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the time, and the processes that serve."""
        self._ended.set()
        self._thread.join(PATIENCE)
        for front in self._fronts.values():
            front.close()
        for process, _ in self._serving.values():
            process.terminate()
            process.wait(PATIENCE)

    def _pass(self) -> None:
        while not self._ended.wait(PAUSE):
            try:
                self._step()
            except Exception:  # a thread that dies in silence would only look slow
                self.errors.append(traceback.format_exc())
                return

    def _step(self) -> None:
        azure = self._azure
        azure.ml.provide()
        azure.grid.succeed()
        for rest, found in list(azure.ml.resources.items()):
            if rest.startswith("/jobs/") and found["properties"].get("status") == "Starting":
                self._compute.run(rest.removeprefix("/jobs/"))
            if rest.startswith("/models/") and rest not in self._told:
                self._told.add(rest)
                self._publish(_registered(rest, found["properties"].get("tags") or {}))
        for run_id, run in list(azure.acr.runs.items()):
            if run["properties"]["status"] == "Queued":
                azure.acr.finish(run_id)
        for name, group in list(azure.aci.groups.items()):
            self._move_group(name, group)
        self._move_cluster()

    def _move_group(self, name: str, group: dict[str, Any]) -> None:
        properties = group["properties"]
        if properties["provisioningState"] == "Deleting":
            del self._azure.aci.groups[name]
        if properties["provisioningState"] == "Creating":
            container = properties["containers"][0]["properties"]
            environ = read_environ(container.get("environmentVariables"))
            port = self._serve("staging", container["image"], environ)
            front = self._run_tls(name, properties, port)
            properties["ipAddress"]["ports"][0]["port"] = front
            self._azure.aci.run(name, fqdn="127.0.0.1")

    def _run_tls(self, name: str, properties: dict[str, Any], target: int) -> int:
        """Run the TLS proxy of a group, when it has one; return the address of the group."""
        volumes = properties.get("volumes") or []
        if not volumes:
            return target
        files = {
            key: base64.b64decode(value).decode() for key, value in volumes[0]["secret"].items()
        }
        folder = self._folder / "tls" / name
        folder.mkdir(parents=True, exist_ok=True)
        for key, text in files.items():
            (folder / key).write_text(text)
        routes = re.findall(r"location = (\S+) { proxy_pass", files["nginx.conf"])

        def forward(request: Request) -> Answer:
            if request.path not in routes:
                return Answer(status=404)
            dropped = ("host", "content-length", "connection")
            headers = {k: v for k, v in request.headers.items() if k not in dropped}
            url = f"http://127.0.0.1:{target}{request.path}"
            told = httpx.request(request.method, url, headers=headers, content=request.body)
            kept = {k: v for k, v in told.headers.items() if k in ("content-type",)}
            return Answer(status=told.status_code, body=told.content, headers=kept)

        own = Tls(
            ca_file=folder / "tls.crt", certificate=folder / "tls.crt", key=folder / "tls.key"
        )
        if (old := self._fronts.pop(name, None)) is not None:
            old.close()
        self._fronts[name] = Server(forward, own)
        return self._fronts[name].port

    def _move_cluster(self) -> None:
        cluster = self._azure.cluster
        objects = list(cluster.objects.items())
        for (kind, name), service in objects:
            if kind != "services":
                continue
            version = (service["spec"].get("selector") or {}).get("version", "")
            deployment = cluster.objects.get(("deployments", deployment_name(name, version)))
            if deployment is not None:
                container = deployment["spec"]["template"]["spec"]["containers"][0]
                environ = read_environ(container.get("env")) | self._identity(deployment)
                environ = self._mounted(name, environ)
                port = self._serve("production", container["image"], environ)
                cluster.address = f"127.0.0.1:{port}"
        cluster.settle()

    def _mounted(self, model: str, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment of a pod whose mounted keys are files of this machine.

        As kubelet does, the files are renewed when the Secret changes.
        """
        secret = self._azure.cluster.objects.get(("secrets", keys_name(model)))
        if secret is None:
            return environ
        folder = self._folder / "keys" / model
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in secret["data"].items():
            content, file = base64.b64decode(value), folder / name
            if not file.exists() or file.read_bytes() != content:
                fresh = file.with_suffix(".fresh")
                fresh.write_bytes(content)
                fresh.replace(file)
        # The figures' port is the same for all pods; on one machine they would collide.
        kept = {k: v for k, v in environ.items() if k != "SCORING_METRICS_PORT"}
        return {**kept, "SCORING_KEYS_FILE": str(folder / "keys.json")}

    def _identity(self, deployment: dict[str, Any]) -> dict[str, str]:
        """Return the variables that the webhook of workload identity gives to pods with its label."""
        template = deployment["spec"]["template"]
        if template["metadata"]["labels"].get("azure.workload.identity/use") != "true":
            return {}
        name = template["spec"]["serviceAccountName"]
        account = self._azure.cluster.objects["serviceaccounts", name]["metadata"]
        subject = f"system:serviceaccount:{account['namespace']}:{name}"
        token = self._folder / "pod-token"
        # Moved into place, as kubelet does, because a reader caches half a token for ten minutes.
        fresh = token.with_suffix(".fresh")
        fresh.write_text(self._cluster_key.token(EXCHANGE, sub=subject))
        fresh.replace(token)
        # infra/ makes Entra trust this cluster's account, for the replicas' identity.
        self._entra.trusted["system:serviceaccount:models:scoring"] = self._cluster_key, REPLICA
        return {
            "AZURE_CLIENT_ID": account["annotations"]["azure.workload.identity/client-id"],
            "AZURE_TENANT_ID": TENANT,
            "AZURE_FEDERATED_TOKEN_FILE": str(token),
            "AZURE_AUTHORITY_HOST": self._entra.url,
            "REQUESTS_CA_BUNDLE": self._azure.settings.ca_file,
        }

    def _serve(self, place: str, image: str, environ: dict[str, str]) -> int:
        """Run the image in a place, once, from the files of its build; return its address."""
        if (place, image) not in self._serving:
            folder = self._folder / place / image.rpartition(":")[2][:16]
            with tarfile.open(fileobj=io.BytesIO(self._context(image)), mode="r:gz") as archive:
                archive.extractall(folder, filter="data")
            port = free_port()
            given = {"PATH": os.environ["PATH"], **environ}
            if "PREDICTION_LOG" in given:
                # A container's /tmp is its own; and here a minute has a second.
                given["PREDICTION_LOG"] = given["PREDICTION_LOG"].replace("/tmp", str(folder), 1)
                given["PREDICTION_LOG_SEGMENT_SECONDS"] = "1"
            process = subprocess.Popen(
                [sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)],
                cwd=folder,
                env=given,
            )
            self._serving[place, image] = process, port
            while process.poll() is None and not _answers(port):
                self._ended.wait(PAUSE)
            assert process.poll() is None, f"{image} does not serve"
        return self._serving[place, image][1]

    def _context(self, image: str) -> bytes:
        acr, digest = self._azure.acr, image.partition("@")[2]
        for run_id, run in acr.runs.items():
            if any(i["digest"] == digest for i in run["properties"].get("outputImages") or []):
                return acr.contexts[acr.requests_of[run_id]["sourceLocation"]]
        raise AssertionError(f"nobody built {image}")


def read_environ(entries: list[dict[str, Any]] | None) -> dict[str, str]:
    """Return the plain variables of a container."""
    return {entry["name"]: entry["value"] for entry in entries or [] if "value" in entry}


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _registered(rest: str, tags: dict[str, str]) -> Event:
    """Return the event of a model, as Azure ML raises it."""
    _, _, model, _, version = rest.split("/")
    return {
        "id": f"registered-{model}-{version}",
        "topic": "/subscriptions/s/resourceGroups/group/providers/w",
        "subject": f"models/{model}:{version}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "2",
        "data": {"ModelName": model, "ModelVersion": version, "ModelTags": tags},
    }
