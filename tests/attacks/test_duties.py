"""Attacks on the separation of duties: authors approve their own versions."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from function_app.activities.training import register_model
from function_app.adapters.clock import SystemClock
from function_app.domain.change.change import CodeVersion
from function_app.domain.people.authorship import Authors, Role, make_authors
from function_app.domain.people.duties import OWN_AUTHOR, Separation
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.requests import Registration
from function_app.domain.training import Judged, ModelVersion, Run, RunStatus
from function_app.errors import NotAuthorisedError, RefusedError
from function_app.ports import Ledger, Ports, Rows
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.triggers.http.approvals import post_rejection
from function_app.triggers.http.releases_api import get_release
from tests.activities.law_bench import MODEL
from tests.attacks.approvals import OF_ADA, PEOPLE, Office, code_of, office_of
from tests.attacks.attack import SAME, attack, same_code
from tests.attacks.targets import Target, ask, error_of, named_by, waiting
from tests.azure_servers.identity import OBJECT
from tests.contracts.memory_rows import MemoryRows

__all__ = ["PEOPLE", "Office"]


@pytest.fixture
def office(stores: tuple[Ledger, Rows]) -> Office:
    return office_of(*stores)


@attack(
    point=8,
    does="approves a release whose commit the same person pushed, wrote or whose training "
    "the same person started, under any of the person's names",
    answer="403 SEPARATION_OF_DUTIES names the possible approvers; the release still waits",
    log="audit: refusal, approve, SEPARATION_OF_DUTIES",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("alias", ["ada", "ADA@example.com", "ada-gh", OBJECT.upper()])
def test_an_author_cannot_approve(office: Office, role: Role, alias: str) -> None:
    office.registry.authors = make_authors([(role, alias)])
    office.ask("1")

    with pytest.raises(RefusedError, match="grace") as caught:
        office.approve_as("ada")

    assert code_of(caught) == "SEPARATION_OF_DUTIES"
    assert office.settle() is None
    assert office.approve_as("grace")["approvals"] == "1 of 1 approvals"
    assert office.settle().decided_by == "grace"


def test_an_author_may_reject(office: Office) -> None:
    office.registry.authors = OF_ADA
    office.ask("1")

    office.send(post_rejection, "ada", **named_by(office.record("1")))

    assert office.settle().verdict == "reject"


@pytest.mark.parametrize(
    "policy",
    [{"approvers": ("ada",)}, {"separation_of_duties": Separation.OFF}],
    ids=["single approver", "switched off"],
)
def test_an_author_who_may_approve_is_named_so_in_record_and_answers(
    office: Office, policy: dict[str, Any]
) -> None:
    office.policy(**policy)
    office.registry.authors = OF_ADA
    office.ask("1")

    answer = office.approve_as("ada")
    office.settle()
    office.promote("1")
    office.end("1", ReleaseStatus.PROMOTED)

    shown = office.send(get_release, "ada").content
    assert answer["decision"]["remark"] == OWN_AUTHOR
    assert shown["decision"]["remark"] == OWN_AUTHOR
    assert shown["authors"] == [{"role": "pushed", "identity": "ada-gh"}]
    assert f"It was {OWN_AUTHOR}." in office.record("1").reasons


@attack(
    point=8,
    does="approves alone as its author where mlops.toml demands the separation of duties",
    answer="403 SEPARATION_OF_DUTIES",
    log="audit: refusal, approve, SEPARATION_OF_DUTIES",
    before="absent",
    azure=SAME,
)
def test_the_key_separates_also_a_single_approver(office: Office) -> None:
    office.policy(approvers=("ada",), separation_of_duties=Separation.ON)
    office.registry.authors = OF_ADA
    office.ask("1")

    with pytest.raises(RefusedError, match=r"no approver of mlops\.toml"):
        office.approve_as("ada")


@attack(
    point=8,
    does="approves as somebody who turns out to be an author once [people] names the login",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="promote_challenger refused, APPROVAL_LOST",
    before="absent",
    azure=SAME,
)
def test_an_approval_of_an_author_who_is_recognised_later_promotes_nothing(office: Office) -> None:
    office.know()
    office.registry.authors = OF_ADA
    office.ask("1")
    office.approve_as("ada")
    office.settle()
    office.know(**PEOPLE)

    with pytest.raises(NotAuthorisedError, match="APPROVAL_LOST"):
        office.promote("1")

    assert office.production.calls == []


@dataclass
class Registering:
    """The ports of a registration: published code with its authors, and the registered authors."""

    published: CodeVersion
    registered: list[Authors] = field(default_factory=list)
    ledger: StoredLedger = field(default_factory=lambda: StoredLedger(MemoryRows()))
    inbox: StoredInbox = field(default_factory=lambda: StoredInbox(MemoryRows()))
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def jobs(self) -> "Registering":
        return self

    @property
    def registry(self) -> "Registering":
        return self

    def judged(self, run_id: str) -> Judged:
        return Judged(evaluation_id=run_id, digest="d", metrics={})

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        return self.published

    def register(self, run: Run, judged: Judged, authors: Authors = ()) -> ModelVersion:
        self.registered.append(authors)
        return ModelVersion(model=run.model, version="1", run_id=run.run_id, uri="", digest="d")

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        return b"attached before"


@attack(
    point=8,
    does="lets the training write other authors into the tags of its own run",
    answer="the version keeps the authors that this app stored with the code and the request",
    log="none: the tags of a run are never read for authors",
    before="succeeded",
    azure=same_code("function_app/activities/training.py"),
    by="trial",
)
def test_authors_do_not_come_from_what_a_training_may_write() -> None:
    code = CodeVersion(model=MODEL, version="v", uri="", commit="c", authors=OF_ADA)
    run = Run(
        run_id="r",
        model=MODEL,
        status=RunStatus.COMPLETED,
        dataset_version="d",
        output_uri="",
        tags={"authors": '[["pushed","eve"]]'},
        code=replace(code, authors=make_authors([(Role.PUSHED, "eve")])),
        owner="Mallory",
    )
    ports = Registering(code)

    register_model(
        cast(Ports, ports), Registration(run=run, evaluation_id="e", started_by=("grace",))
    )

    named = [(author.role.value, author.identity) for author in ports.registered[0]]
    assert named == [("started", "grace"), ("owns", "Mallory"), ("pushed", "ada-gh")]


@attack(
    point=8,
    does="approves over HTTP a version of code that the same person pushed",
    answer="403 SEPARATION_OF_DUTIES; another approver is accepted and then withdraws",
    log="audit: refusal, approve, SEPARATION_OF_DUTIES",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_author_is_refused_by_the_running_app(target: Target) -> None:
    record = replace(waiting(target, "802"), authors=make_authors([(Role.PUSHED, "ada")]))
    target.ledger.save_release(record)
    path = f"/api/releases/{record.release.release_id}"

    own = ask(target, "POST", f"{path}/approve", token=target.token("ada"), json=named_by(record))
    other = ask(
        target, "POST", f"{path}/approve", token=target.token("grace"), json=named_by(record)
    )
    gone = ask(target, "POST", f"{path}/withdraw", token=target.token("grace"), json={})

    assert error_of(own) == (403, "SEPARATION_OF_DUTIES")
    assert (other.status_code, gone.status_code) == (202, 202)
    assert gone.json()["approvals"] == "0 of 1 approvals"
