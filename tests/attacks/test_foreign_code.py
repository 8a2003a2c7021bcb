"""Attacks with a stolen Durable key on the code of a model: stories that name other repositories."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from function_app.activities.changes import fetch_change, publish_code
from function_app.adapters.clock import SystemClock
from function_app.domain.change.change import Bundle, Change, CodeVersion
from function_app.domain.change.integration import Publication
from function_app.domain.project import CodeRules
from function_app.errors import ContractError
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.records.ledger.lineage import Lineage
from tests.attacks.attack import attack, same_code
from tests.contracts.memory_rows import MemoryRows
from tests.triggers.office import PROJECTS

REPOSITORY = "https://git.example/org/diabetes"
OWN = Change(repository=REPOSITORY, branch="main", commit="c" * 40)
BUNDLE = Bundle(digest="b" * 64, uri="file:///bundle.tar", commit="c" * 40)


@dataclass
class Code:
    """Repositories that hold every commit, and jobs that publish every bundle."""

    fetched: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)

    def supersedes(self, change: Change) -> str | None:
        return None

    def fetch(self, change: Change) -> Bundle:
        self.fetched.append(change.repository)
        return BUNDLE

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        self.published.append(model)
        return CodeVersion(model=model, version=bundle.digest, uri=bundle.uri, commit="")


@dataclass
class CodePorts:
    code: Code = field(default_factory=Code)
    projects: dict[str, Any] = field(
        default_factory=lambda: {
            "diabetes": replace(PROJECTS["diabetes"], code=CodeRules(repository=REPOSITORY)),
            "wine": replace(PROJECTS["diabetes"], code=None),
        }
    )
    ledger: StoredLedger = field(default_factory=lambda: StoredLedger(MemoryRows()))
    inbox: StoredInbox = field(default_factory=lambda: StoredInbox(MemoryRows()))
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def sources(self) -> Code:
        return self.code

    @property
    def jobs(self) -> Code:
        return self.code


@attack(
    point=1,
    does="starts a story with a stolen Durable key that fetches the attacker's repository, a folder "
    "of the host or an unmerged branch, and publishes it as a model's code",
    answer="rejected: mlops.toml names no model with this code; nothing is fetched",
    log="the story's reason",
    before="succeeded",
    azure=same_code("function_app/activities/changes.py"),
    by="trial",
)
@pytest.mark.parametrize(
    "change",
    [
        replace(OWN, repository="https://attacker.example/diabetes"),
        replace(OWN, repository="/srv/other.git"),
        replace(OWN, branch="unreviewed"),
    ],
)
def test_code_of_another_repository_is_not_fetched(change: Change) -> None:
    ports = CodePorts()

    fetched = fetch_change(cast(Ports, ports), change)

    assert "mlops.toml names no model" in fetched.refused
    assert ports.code.fetched == []


@attack(
    point=1,
    does="starts a story with a stolen Durable key that publishes one model's code as another's",
    answer="the story fails, UNKNOWN_REPOSITORY; nothing is published",
    log="the story's reason",
    before="succeeded",
    azure=same_code("function_app/activities/changes.py"),
    by="trial",
)
@pytest.mark.parametrize("model", ["wine", "unknown"])
def test_code_is_published_for_its_own_model_only(model: str) -> None:
    ports = CodePorts()

    with pytest.raises(ContractError) as caught:
        publish_code(cast(Ports, ports), Publication(model=model, change=OWN, bundle=BUNDLE))

    assert caught.value.code == "UNKNOWN_REPOSITORY"
    assert ports.code.published == []


def test_the_code_that_mlops_toml_names_is_fetched_and_published() -> None:
    ports = CodePorts()

    fetched = fetch_change(cast(Ports, ports), OWN)
    publication = Publication(model="diabetes", change=OWN, bundle=BUNDLE)

    assert fetched.bundle is not None
    assert publish_code(cast(Ports, ports), publication).code is not None
    assert ports.code.published == ["diabetes"]
    kept = Lineage(ports.ledger, ports.inbox).code("diabetes", BUNDLE.digest)
    assert kept is not None
    assert (kept.repository, kept.branch) == (REPOSITORY, "main")
