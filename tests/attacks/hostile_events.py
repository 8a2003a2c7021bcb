"""Events of attackers, and the app that takes them."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from function_app.adapters.azure.data.datasets import AzureDatasets
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.git.sources import GitSources
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.project import CodeRules
from function_app.ports import Datasets, Ports
from function_app.settings.git import GitSettings
from tests.adapters.git.repositories import Repository, make_repository
from tests.attacks.targets import MODEL
from tests.azure_servers.azure import Azure
from tests.triggers.office import PROJECTS, Office, Records

ML, STORAGE = "Microsoft.MachineLearningServices", "Microsoft.Storage"
DIGEST = "sha256:" + "f" * 64


def event(kind: str, data: dict[str, Any], subject: str = "s", event_id: str = "1") -> Any:
    """Return an event in Event Grid's schema."""
    return {"id": event_id, "topic": "t", "subject": subject, "eventType": kind, "data": data}


def blob(path: str, url: str = "file:///nowhere.csv", **data: Any) -> Any:
    """Return an event about a file of the container data."""
    content = {"api": "PutBlob", "url": url, "eTag": "0x8D", **data}
    subject = f"/blobServices/default/containers/data/blobs/{path}"
    return event(f"{STORAGE}.BlobCreated", content, subject)


def registered(version: str) -> Any:
    data = {"modelName": MODEL, "modelVersion": version, "modelTags": {"run_id": "train-x"}}
    return event(f"{ML}.ModelRegistered", data)


class Inbox(ABC):
    """An invocation over the real datasets of a platform, whose files have an address and an etag."""

    def __init__(self, folder: Path, datasets: Datasets) -> None:
        self.office = Office(folder)
        ports = replace(self.office.ports, datasets=datasets)
        self.office.invocation = replace(self.office.invocation, ports=cast(Ports, ports))

    @abstractmethod
    def put(self, name: str, content: str = "a,Y\n1,2\n") -> str:
        """Let a file land; return its address."""

    def announced(self, name: str, event_id: str = "1", **data: Any) -> Any:
        """Return the event of the file that lies there now."""
        return {**blob(name, eTag=self.etag(name), **data), "id": event_id}

    @abstractmethod
    def etag(self, name: str) -> str:
        """Return the etag of a file."""


class LocalInbox(Inbox):
    """The inbox folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._inbox = folder / "state" / "inbox" / "data"
        super().__init__(folder, LocalDatasets(folder / "state", folder, LocalEvents("", "")))

    def put(self, name: str, content: str = "a,Y\n1,2\n") -> str:
        path = self._inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path.as_uri()

    def etag(self, name: str) -> str:
        return hashlib.sha256((self._inbox / name).read_bytes()).hexdigest()


class CloudInbox(Inbox):
    """The container of data in Azure's storage."""

    def __init__(self, folder: Path, azure: Azure) -> None:
        self._blobs = azure.blobs
        azure.blobs.containers["data"] = {}
        super().__init__(folder, AzureDatasets(Workspace(azure.connection())))

    def put(self, name: str, content: str = "a,Y\n1,2\n") -> str:
        self._blobs.put("data", name, content.encode())
        return f"{self._blobs.url}/data/{name}"

    def etag(self, name: str) -> str:
        return self._blobs.etag("data", name)


def code_office(folder: Path, records: Records | None = None) -> tuple[Repository, Office]:
    """Return a repository and an invocation for a model whose code it has."""
    repository = make_repository(folder / "repository")
    code = CodeRules(repository=str(repository.bare))
    office = Office(folder, {MODEL: replace(PROJECTS[MODEL], code=code)}, records)
    sources = GitSources(folder / "fetched", cast(Any, None), GitSettings())
    office.invocation = replace(
        office.invocation, ports=cast(Ports, replace(office.ports, sources=cast(Any, sources)))
    )
    return repository, office


def pushed(repository: Repository, commit: str) -> Any:
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "commit": commit}
    return event("Mlops.CodePushed", data)
