"""Events of attackers, and the app that takes them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from function_app.adapters.git.sources import GitSources
from function_app.adapters.local.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.project import CodeRules
from function_app.git_settings import GitSettings
from function_app.ports import Ports
from tests.adapters.git.repositories import Repository, make_repository
from tests.attacks.targets import MODEL
from tests.triggers.office import PROJECTS, Office

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


class Inbox:
    """A desk over a real inbox folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.office, self.state = Office(folder), folder / "state"
        datasets = LocalDatasets(self.state, folder, LocalEvents("", ""))
        ports = replace(self.office.ports, datasets=datasets)
        self.office.desk = replace(self.office.desk, ports=cast(Ports, ports))

    def put(self, name: str, content: str = "a,Y\n1,2\n") -> Path:
        path = self.state / "inbox" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path


def code_office(folder: Path) -> tuple[Repository, Office]:
    """Return a repository and a desk of a model whose code it has."""
    repository = make_repository(folder / "repository")
    code = CodeRules(repository=str(repository.bare))
    office = Office(folder, {MODEL: replace(PROJECTS[MODEL], code=code)})
    sources = GitSources(folder / "fetched", cast(Any, None), GitSettings())
    office.desk = replace(
        office.desk, ports=cast(Ports, replace(office.ports, sources=cast(Any, sources)))
    )
    return repository, office


def pushed(repository: Repository, commit: str) -> Any:
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "commit": commit}
    return event("Mlops.CodePushed", data)
