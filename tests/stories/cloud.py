"""The whole app on the local host with the Azure adapters: only settings differ from Azure.

The services are the servers of tests/azure_servers and Azurite. Real processes do the work that
those services are asked for, as tests/azure_servers/passing_time.py says.
"""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx

from mlopsctl.reach.client import Api
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.identity import REPLICA, TENANT, IdentityServer
from tests.azure_servers.names import NAMES
from tests.azure_servers.passing_time import PassingTime
from tests.funchost.conftest import Host, until
from tests.stories.conftest import DIABETES, ROOT

AUDIENCE = "api://mlops"


def object_id(person: str) -> str:
    """Return the object id that a person has in Entra."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, person))


class CloudApp:
    """The app on a host of this machine, acting on an Azure of this machine."""

    def __init__(
        self,
        folder: Path,
        azure: Azure,
        entra: IdentityServer,
        tables: str,
        *options: str,
        **extra: str,
    ) -> None:
        """Start the app with more options of the host and more environment variables."""
        self.azure, self.entra = azure, entra
        self.receiver = Server(lambda _: Answer())
        projects = folder / "mlops.toml"
        projects.write_text(
            DIABETES.replace("poll_interval_seconds = 10", "poll_interval_seconds = 1").replace(
                "days = 2", "days = 1"
            )
            + "".join(f'[people.{name}]\noid = "{object_id(name)}"\n' for name in ("ada", "grace"))
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
            "MLOPS_AZURE_KEYS_VAULT": settings.keys_vault,
            "MLOPS_AZURE_COMPUTE": settings.compute,
            "MLOPS_AZURE_CA_FILE": settings.ca_file,
            "MLOPS_AZURE_REPLICA_CLIENT_ID": REPLICA,
            "MLOPS_AZURE_AUTHORITY": entra.url,
            "MLOPS_AZURE_APPROVER_AUDIENCE": AUDIENCE,
            "MLOPS_NOTIFY_WEBHOOK_URL": self.receiver.url,
            **extra,
        }
        self.host = Host(folder / "state", ROOT, *options, **environ)
        self.host.start()
        self.api = Api(self.host.url, folder, _master_key(folder / "state"))
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
        def is_at_step() -> bool:
            found = self.find(instance_id)
            assert not found.get("ended"), found
            return (found.get("step") or {}).get("step") == step

        until(is_at_step, f"{instance_id} to be at {step}", 120)

    def decide(self, verb: str, release_id: str, token: str) -> httpx.Response:
        release = self.api.get(f"/api/releases/{release_id}")
        body = {name: release[name] for name in ("image_digest", "evidence_hash")}
        url = f"{self.host.url}/api/releases/{release_id}/{verb}"
        return httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"})

    def _publish(self, event: dict[str, Any]) -> None:
        self.api.post("/api/events", event)


def _master_key(state: Path) -> str:
    """Return the key that opens every function of a host with `--auth`."""
    return str(json.loads((state / "keys.json").read_text())["master"])
