"""A whole release on the local host with the Azure adapters: only settings differ from Azure.

The services are the servers of tests/azure_servers and Azurite; the compute really runs the job's
command, and a real scoring service stands where staging and production say that they listen.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from function_app.adapters.local.processes import free_port
from mlopsctl.client import Api
from mlopsctl.local_host import LocalHost, choose_port
from tests.azure_servers.azure import VERSIONS, Azure, azure, sdk_warnings
from tests.azure_servers.azurite import Account
from tests.azure_servers.compute import Compute
from tests.azure_servers.identity import TENANT, IdentityServer
from tests.azure_servers.tls import Tls
from tests.contracts.conftest import account, azurite, identity, tls
from tests.funchost.conftest import until
from tests.stories.conftest import ROOT, project

__all__ = ["account", "azure", "azurite", "identity", "tls"]
pytestmark = [sdk_warnings, pytest.mark.timeout(400)]
AUDIENCE, STAGING = "api://mlops", "127.77.0.1"
DONE = ("Completed", "Failed", "Canceled")


class Operator(threading.Thread):
    """Does what Azure does by itself: runs jobs, builds, starts containers, moves traffic."""

    def __init__(self, cloud: Azure, folder: Path) -> None:
        super().__init__(daemon=True)
        self.cloud, self.folder, self.stopped = cloud, folder, threading.Event()
        self.compute = Compute(cloud.ml, cloud.blobs, VERSIONS)
        self.port = free_port()
        self.services: list[subprocess.Popen[bytes]] = []
        self.failure = ""
        cloud.cluster.address = f"127.0.0.1:{self.port}"

    def run(self) -> None:
        while not self.stopped.wait(0.1):
            try:
                self._turn()
            except Exception as error:
                self.failure = repr(error)
                raise

    def end(self) -> None:
        self.stopped.set()
        self.join()
        for service in self.services:
            service.kill()
            service.wait()

    def _turn(self) -> None:
        cloud = self.cloud
        for path, found in list(cloud.ml.resources.items()):
            if path.startswith("/jobs/") and found["properties"].get("status") not in DONE:
                print(self.compute.run(path.removeprefix("/jobs/")))
        for run_id, run in list(cloud.acr.runs.items()):
            if run["properties"]["status"] not in ("Succeeded", "Failed"):
                cloud.acr.finish(run_id)
        for name, group in list(cloud.aci.groups.items()):
            state = group["properties"]["provisioningState"]
            if state == "Creating":
                self._serve(group)
                cloud.aci.run(name, fqdn=STAGING)
            elif state == "Deleting":
                del cloud.aci.groups[name]
        cloud.cluster.settle()

    def _serve(self, group: dict[str, Any]) -> None:
        """Let the image's service listen where staging and production will say."""
        image = group["properties"]["containers"][0]["properties"]["image"]
        model = self.folder / "model"
        model.mkdir(exist_ok=True)
        files = self.cloud.blobs.containers[VERSIONS]
        for name, content in files.items():
            if name.startswith("runs/") and "/model/" in name:
                (model / name.rpartition("/")[2]).write_bytes(content)
        for host, port in ((STAGING, 8080), ("127.0.0.1", self.port)):
            command = [sys.executable, "-m", "scoring", "--model", str(model), "--host", host]
            environ = {**os.environ, "IMAGE_DIGEST": image.rpartition("@")[2]}
            service = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, env=environ)
            self.services.append(service)
            until(lambda h=host, p=port: _healthy(h, p), "the service", 30)


def _healthy(host: str, port: int) -> bool:
    try:
        return httpx.get(f"http://{host}:{port}/healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def entra(tls: Tls) -> Iterator[IdentityServer]:
    with IdentityServer(tls) as server:
        yield server


@pytest.fixture
def api(
    azure: Azure,
    account: Account,
    entra: IdentityServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Api]:
    cloud = azure.with_settings(
        tables_endpoint=account.tables_endpoint,
        authority=entra.url,
        approver_audience=AUDIENCE,
        poll_seconds=0.1,
    )
    for entry in fields(cloud.settings):
        name = f"MLOPS_AZURE_{entry.name.upper()}"
        monkeypatch.setenv(name, str(getattr(cloud.settings, entry.name)))
    approver = project("diabetes", poll_interval_seconds="1", approvers='["ada@example.com"]')
    (tmp_path / "mlops.toml").write_text(approver)
    monkeypatch.setenv("MLOPS_PROJECTS", str(tmp_path / "mlops.toml"))
    # Azure ML's SDK names its cloud in the environment of whoever used it before, this process.
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
    operator = Operator(cloud, tmp_path)
    operator.start()
    host = LocalHost(ROOT, tmp_path / "state", choose_port(0), platform="azure")
    try:
        host.start()
        made = Api(host.url, tmp_path / "state")
        yield made
        made.close()
        assert not operator.failure
    finally:
        host.stop()
        operator.end()


def ended(api: Api, instance_id: str, seconds: float = 200) -> dict[str, Any]:
    def look() -> bool:
        return bool((api.find(f"/api/status/{instance_id}") or {}).get("ended"))

    until(look, f"{instance_id} to end", seconds)
    found: dict[str, Any] = api.find(f"/api/status/{instance_id}")
    return found


def test_a_blob_becomes_the_champion_of_a_cluster(
    api: Api, azure: Azure, entra: IdentityServer, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.blobs.containers["data"] = {}
    azure.blobs.put("data", "diabetes/new.csv", diabetes.encode())
    event = {
        "id": "1",
        "topic": "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/in",
        "subject": "/blobServices/default/containers/data/blobs/diabetes/new.csv",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "data": {
            "api": "PutBlob",
            "url": f"{azure.blobs.url}/data/diabetes/new.csv",
            "eTag": f"0x{azure.blobs.etags['data', 'diabetes/new.csv']:016X}",
        },
    }

    receipt = api.post("/api/events", event)["receipts"][0]
    training = ended(api, receipt["instance_id"])
    assert training["status"] == "Completed", training["output"]
    trained = training["output"]
    assert trained["outcome"] == "registered", trained

    # Azure ML tells of the version; here the test does.
    registered = {
        "id": "2",
        "topic": "/subscriptions/s/workspaces/w",
        "subject": f"models/diabetes:{trained['version']}",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "data": {"ModelName": "diabetes", "ModelVersion": int(trained["version"])},
    }
    release = api.post("/api/events", registered)["receipts"][0]["instance_id"]

    def waits() -> bool:
        found = api.find(f"/api/status/{release}") or {}
        assert not found.get("ended"), found
        return ((found.get("step") or {}).get("step")) == "awaiting approval"

    until(waits, "the release to wait", 120)
    issuer = f"{entra.url}/{TENANT}/v2.0"
    claims = {"iss": issuer, "roles": ["Model.Approver"], "preferred_username": "ada@example.com"}
    monkeypatch.setenv("MLOPS_TOKEN", entra.signers[0].token(AUDIENCE, **claims))
    api.decide(release, "approve", "ada", "seen")

    result = ended(api, release)["output"]
    assert result["status"] == "promoted", result
    service = azure.cluster.objects["services", "diabetes"]
    assert service["spec"]["selector"], "production's own record names the version"
    assert f"@{result['image_digest']}" in str(azure.cluster.objects)
    until(lambda: not azure.aci.groups, "staging to be gone", 30)
