"""The whole app on the local host with the Azure adapters: only settings differ from Azure.

The services are the servers of tests/azure_servers and Azurite; what those are asked for is done by
real processes, as tests/azure_servers/passing_time.py says.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlopsctl.client import Api
from mlopsctl.local_host import ensure_platform
from tests.azure_servers.azure import Azure, azure, sdk_warnings
from tests.azure_servers.azurite import Account
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.identity import CLIENT, TENANT, IdentityServer
from tests.azure_servers.names import NAMES
from tests.azure_servers.passing_time import PassingTime
from tests.azure_servers.storage import account, azurite, identity, tls
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import Host, until
from tests.stories.conftest import DIABETES, ROOT
from tests.stories.traffic import REQUESTS, ROWS, Traffic

__all__ = ["account", "azure", "azurite", "identity", "tls"]
AUDIENCE = "api://mlops"


def object_id(person: str) -> str:
    """Return the object id that a person has in Entra."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, person))


class CloudApp:
    """The app on a host of this machine, acting on an Azure of this machine."""

    def __init__(self, folder: Path, azure: Azure, entra: IdentityServer, tables: str) -> None:
        self.azure, self.entra = azure, entra
        self.receiver = Server(lambda _: Answer())
        projects = folder / "mlops.toml"
        projects.write_text(
            DIABETES.replace("poll_interval_seconds = 10", "poll_interval_seconds = 1")
            + f'[people.ada]\noid = "{object_id("ada")}"\n'
        )
        settings = azure.settings
        environ = {
            **NAMES,
            "MLOPS_PLATFORM": "azure",
            "MLOPS_STATE": str(folder / "state"),
            "MLOPS_PROJECTS": str(projects),
            "MLOPS_AZURE_MANAGEMENT_ENDPOINT": settings.management_endpoint,
            "MLOPS_AZURE_BLOB_ENDPOINT": settings.blob_endpoint,
            "MLOPS_AZURE_TABLES_ENDPOINT": tables,
            "MLOPS_AZURE_REGISTRY_SERVER": settings.registry_server,
            "MLOPS_AZURE_CLUSTER": settings.cluster,
            "MLOPS_AZURE_COMPUTE": settings.compute,
            "MLOPS_AZURE_CA_FILE": settings.ca_file,
            "MLOPS_AZURE_REPLICA_CLIENT_ID": CLIENT,
            "MLOPS_AZURE_AUTHORITY": entra.url,
            "MLOPS_AZURE_APPROVER_AUDIENCE": AUDIENCE,
            "MLOPS_NOTIFY_WEBHOOK_URL": self.receiver.url,
        }
        self.host = Host(folder / "state", ROOT, **environ)
        self.host.start()
        self.api = Api(self.host.url, folder)
        self.time = PassingTime(azure, folder / "containers", self._publish, entra)

    def close(self) -> None:
        self.time.close()
        self.api.close()
        self.host.stop()
        self.receiver.close()

    def token(self, person: str, *roles: str) -> str:
        """Return a person's token, as Entra signs it."""
        issuer = f"{self.entra.url}/{TENANT}/v2.0"
        return self.entra.signers[0].token(
            AUDIENCE, iss=issuer, ver="2.0", roles=list(roles), oid=object_id(person)
        )

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Let a file land, and its storage tell of it."""
        self.azure.blobs.put("data", name, content)
        return self.tell_of_upload(name)

    def tell_of_upload(self, name: str) -> dict[str, Any]:
        """Deliver the event of a file, which Event Grid may do more than once."""
        event = {
            "id": f"upload-{name}",
            "topic": "/subscriptions/s/resourceGroups/group/providers/storage",
            "subject": f"/blobServices/default/containers/data/blobs/{name}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "",
            "data": {
                "api": "PutBlob",
                "contentType": "text/csv",
                "contentLength": len(self.azure.blobs.containers["data"][name]),
                "blobType": "BlockBlob",
                "eTag": self.azure.blobs.etag("data", name),
                "url": f"{self.azure.blobs.url}/data/{name}",
                "sequencer": "0" * 32,
            },
        }
        receipt: dict[str, Any] = self.api.post("/api/events", event)["receipts"][0]
        return receipt

    def find(self, instance_id: str) -> dict[str, Any]:
        assert not self.time.errors, self.time.errors[0]
        return self.api.find(f"/api/status/{instance_id}") or {}

    def ended(self, instance_id: str) -> dict[str, Any]:
        until(lambda: self.find(instance_id).get("ended"), f"{instance_id} to end", 120)
        return self.find(instance_id)

    def at_step(self, instance_id: str, step: str) -> None:
        def look() -> bool:
            found = self.find(instance_id)
            assert not found.get("ended"), found
            return (found.get("step") or {}).get("step") == step

        until(look, f"{instance_id} to be at {step}", 120)

    def decide(self, verb: str, release_id: str, token: str) -> httpx.Response:
        release = self.api.get(f"/api/releases/{release_id}")
        body = {name: release[name] for name in ("image_digest", "evidence_hash")}
        url = f"{self.host.url}/api/releases/{release_id}/{verb}"
        return httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def _publish(self, event: dict[str, Any]) -> None:
        self.api.post("/api/events", event)


@pytest.fixture
def app(
    azure: Azure, account: Account, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudApp]:
    # Azure ML's SDK leaves this in the process that made a client; the app is another process.
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
    azure.blobs.containers |= {"data": {}, "predictions": {}}
    with IdentityServer(tls) as entra:
        made = CloudApp(tmp_path, azure, entra, account.tables_endpoint)
        yield made
        made.close()


@sdk_warnings
def test_an_upload_is_trained_released_approved_and_promoted(
    app: CloudApp, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_platform(app.api)
    receipt = app.upload("diabetes/a.csv", diabetes.encode())
    assert receipt["outcome"] == "started"
    trained = app.ended(receipt["instance_id"])["output"]
    assert (trained["outcome"], trained["version"]) == ("registered", "1"), trained

    # What Azure ML's own event started waits for a person of the tenant with the role.
    release = "release-diabetes-1"
    app.at_step(release, "awaiting approval")
    assert app.azure.aci.groups.keys() == {"staging-diabetes-1"}
    refused = app.decide("approve", release, app.token("ada"))
    stranger = app.decide("approve", release, app.token("mallory", "Model.Approver"))
    assert _code(refused) == (401, "UNAUTHENTICATED")
    assert _code(stranger) == (403, "NOT_AN_APPROVER")
    # As the command line does, whose person's token is in its environment.
    monkeypatch.setenv("MLOPS_TOKEN", app.token("ada", "Model.Approver"))
    app.api.decide(release, "approve", "ada", "seen")

    promoted = app.ended(release)["output"]
    assert promoted["status"] == "promoted", promoted
    assert promoted["image_digest"] == app.azure.acr.manifests["diabetes:1"]

    _check_cluster(app, promoted)
    told = [r.json["title"] for r in app.receiver.requests]
    assert told == ["diabetes 1 waits for approval", "diabetes 1: promoted"]
    assert app.tell_of_upload("diabetes/a.csv")["outcome"] == "repeated"
    _check_drift(app, promoted["endpoint"], diabetes)


def _check_drift(app: CloudApp, endpoint: str, diabetes: str) -> None:
    """What replicas were asked comes by their storage, and drift starts one training."""
    Traffic(diabetes, endpoint).send(2.0)
    seen: dict[str, Any] = {}

    def look() -> bool:
        story = app.api.post("/api/models/diabetes/drift")["instance_id"]
        seen.update(app.ended(story)["output"])
        return bool(seen["rows"] >= REQUESTS * ROWS)

    until(look, "the replicas' logs", 60)
    assert seen["verdict"] == "retrain", seen
    assert "bmi went up" in seen["reason"]
    started: list[str] = []

    def is_claimed() -> bool:
        claims = app.api.get("/api/status")["claims"]
        started.extend(c["owner"] for c in claims if c["type"] == "Mlops.DriftDetected")
        return bool(started)

    until(is_claimed, "the event of the drift")
    ended = app.ended(started[0])["output"]
    assert ended["outcome"] == "rejected", "the same data teaches nothing new"


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _check_cluster(app: CloudApp, promoted: dict[str, Any]) -> None:
    """What the cluster serves is the run's model, and staging is gone."""
    champion = app.azure.production().champion("diabetes")
    assert champion is not None
    assert champion.digest == promoted["image_digest"]
    version = app.azure.registry().get("diabetes", champion.version)
    blobs = app.azure.blobs.containers["versions"]
    golden = json.loads(blobs[f"runs/{version.evaluation_id}/evaluation/golden.json"])
    served = httpx.post(f"{promoted['endpoint']}/score", json={"data": golden["data"]}).json()
    assert served["result"] == pytest.approx(golden["result"], abs=1e-9)
    until(lambda: not app.azure.aci.groups, "staging to be gone")
