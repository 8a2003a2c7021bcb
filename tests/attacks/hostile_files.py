"""Files of attackers, and the folders in which they land on each platform."""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

from function_app.adapters.azure.data.datasets import AzureDatasets
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import choose_events
from function_app.domain.events.inbox import Outcome
from function_app.ports import Datasets, Ports
from tests.attacks.hostile_events import blob
from tests.azure_servers.azure import Azure
from tests.triggers.office import ROOT, Office

# Bytes that a correct reader of a refused file needs, far below the files of these attacks.
LITTLE = 16 * 1024 * 1024


class Inbox(ABC):
    """An invocation over real datasets of a platform, and a folder of files that land there."""

    def __init__(self, folder: Path, datasets: Callable[["Inbox"], Datasets]) -> None:
        self.office, self.folder = Office(folder), folder / "landing"
        self.folder.mkdir()
        self.datasets = datasets(self)
        ports = replace(self.office.ports, datasets=self.datasets)
        self.office.invocation = replace(self.office.invocation, ports=cast(Ports, ports))

    def refused(self) -> list[tuple[str, str]]:
        """Return the subject and the code of each refused event."""
        refused = self.office.inbox.list_events(Outcome.REFUSED)
        return sorted((e.payload["subject"].rpartition("/")[2], e.code or "") for e in refused)

    @abstractmethod
    def land(self, name: str, make: Callable[[Path], object]) -> str:
        """Let the file that `make` writes arrive under this name; return its address."""

    @abstractmethod
    def watch(self) -> None:
        """Process the events of the files that have arrived."""

    @abstractmethod
    def versions(self) -> list[str]:
        """Return the names of kept data."""


class LocalInbox(Inbox):
    """The inbox folder of this machine, whose own events are taken."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"

        def make(inbox: Inbox) -> LocalDatasets:
            events = choose_events("", "", inbox.office.inbox, inbox.office.clock)
            return LocalDatasets(self.state, folder, events)

        super().__init__(folder, make)
        self._landed = self.state / "inbox" / "data" / "diabetes"
        self._landed.mkdir(parents=True)

    def land(self, name: str, make: Callable[[Path], object]) -> str:
        make(self._landed / name)
        return (self._landed / name).as_uri()

    def watch(self) -> None:
        for _ in range(2):
            self.datasets.announce()
        self.office.clock.moment = self.office.clock.moment.replace(minute=5)
        self.office.sweep()

    def versions(self) -> list[str]:
        return [str(path) for path in (self.state / "datasets").rglob("*.csv")]


class CloudInbox(Inbox):
    """The container of data in Azure, of which Event Grid tells."""

    def __init__(self, folder: Path, azure: Azure) -> None:
        self._blobs, self._names = azure.blobs, list[str]()
        azure.blobs.containers["data"] = {}
        super().__init__(folder, lambda _: AzureDatasets(Workspace(azure.connection())))
        # Loads the SDK, whose memory is not that of a file.
        self.datasets.find("data", "diabetes/none.csv")

    def land(self, name: str, make: Callable[[Path], object]) -> str:
        path = self.folder / name
        make(path)
        size = path.stat().st_size
        # Zeros that are not written take no memory.
        content = bytes(size) if size > LITTLE else path.read_bytes()
        self._blobs.put("data", f"diabetes/{name}", content)
        self._names.append(name)
        return f"{self._blobs.url}/data/diabetes/{name}"

    def watch(self) -> None:
        for number, name in enumerate(self._names):
            claim = blob(f"diabetes/{name}", eTag=self._blobs.etag("data", f"diabetes/{name}"))
            self.office.take({**claim, "id": str(number)})

    def versions(self) -> list[str]:
        return [n for n in self._blobs.containers["versions"] if n.endswith(".csv")]


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # The path of a socket may have 107 bytes only.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_link_out(path: Path) -> None:
    path.symlink_to(ROOT / "README.md")


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_link_to_folder(path: Path) -> None:
    path.symlink_to(ROOT / "docs")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(700_000_000)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo": (make_fifo, "NOT_A_FILE"),
    "socket": (make_socket, "NOT_A_FILE"),
    "link out of the inbox": (make_link_out, "NOT_A_FILE"),
    "link to a device": (make_link_to_device, "NOT_A_FILE"),
    "link to a folder": (make_link_to_folder, "NOT_A_FILE"),
    "700 MB": (make_large, "TOO_LARGE"),
}
