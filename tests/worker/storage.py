"""The host's own storage in Azurite: the lock of one host per app, and the status of its timers.

The real host keeps both in the container `azure-webjobs-hosts` of AzureWebJobsStorage and does not
start without it.
"""

import json
import threading
from contextlib import suppress
from typing import Any

CONTAINER = "azure-webjobs-hosts"
LEASE_SECONDS = 60
SHIPPED = "UseDevelopmentStorage=true"
# The account and key of every Azurite: published in Microsoft's documentation.
DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEt"
    "lCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)


class HostStorage:
    """Holds the lock of one host until it is closed."""

    def __init__(self, connection: str, host: str) -> None:
        """Take AzureWebJobsStorage and the host's id; raises when the storage does not answer."""
        from azure.core.exceptions import ResourceExistsError

        self._host, self._container = host, _container(connection)
        with suppress(ResourceExistsError):
            self._container.create_container()
        lock = self._container.get_blob_client(f"locks/{host}/host")
        lock.upload_blob(b"", overwrite=True)
        self._lease = lock.acquire_lease(LEASE_SECONDS)
        self._closed = threading.Event()
        threading.Thread(target=self._renew, daemon=True).start()

    def keep_timer(self, function: str, status: dict[str, Any]) -> None:
        """Store when a timer function ran last and runs next."""
        name = f"timers/{self._host}/Host.Functions.{function}/status"
        self._container.upload_blob(name, json.dumps(status), overwrite=True)

    def _renew(self) -> None:
        while not self._closed.wait(LEASE_SECONDS / 4):
            self._lease.renew()

    def close(self) -> None:
        """Let another host take the lock."""
        self._closed.set()
        self._lease.release()


def read_timers(host: str) -> dict[str, dict[str, Any]]:
    """Return the status of every timer of this host in the development storage, by function."""
    found, container = {}, _container(SHIPPED)
    for name in container.list_blob_names(name_starts_with=f"timers/{host}/"):
        content = container.download_blob(name).readall()
        found[name.split("/")[2].removeprefix("Host.Functions.")] = json.loads(content)
    return found


def _container(connection: str) -> Any:
    from azure.storage.blob import BlobServiceClient

    text = DEVELOPMENT if connection == SHIPPED else connection
    service = BlobServiceClient.from_connection_string(text, retry_total=2)
    return service.get_container_client(CONTAINER)
