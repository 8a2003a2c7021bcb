"""Attacks on the separation of duties: authors, removed approvers, withdrawn and counted twice."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.activities import releases
from function_app.activities.training import register_model
from function_app.adapters.azure.ledger import AzureLedger
from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.ledger import LocalLedger
from function_app.adapters.local.rows import LocalRows
from function_app.domain.authorship import Authors, Role, make_authors
from function_app.domain.change import CodeVersion
from function_app.domain.duties import OWN_AUTHOR, Separation
from function_app.domain.people import Person
from function_app.domain.project import Limits
from function_app.domain.release import ReleaseStatus
from function_app.domain.requests import Registration
from function_app.domain.training import Judged, ModelVersion, Run, RunStatus
from function_app.errors import ConflictError, MlopsError, NotAuthorisedError, RefusedError
from function_app.ports import Ports
from function_app.triggers.approvals import post_approval, post_rejection, post_withdrawal
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import get_release
from tests.activities.law_bench import MODEL, Bench, release
from tests.attacks.attack import attack
from tests.attacks.targets import CloudTarget, Target, ask, error_of, named_by, waiting
from tests.azure_servers.identity import OBJECT, TENANT
from tests.contracts.conftest import account, connection
from tests.stories.cloud import AUDIENCE, object_id

__all__ = ["account", "connection"]
OF_ADA = make_authors([(Role.PUSHED, "ada-gh")])
PEOPLE = {"ada": Person(git=("ada@example.com", "ada-gh"), oid=OBJECT)}
RELEASE = release("1").release_id


class People:
    """Tokens that are the names of their people."""

    def identify(self, token: str) -> str | None:
        return token or None


@dataclass
class Stories:
    """Stories of which none is under way."""

    woken: list[str] = field(default_factory=list)

    async def wake(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        return None


@dataclass
class Office(Bench):
    """The law's bench with the HTTP routes of decisions above it."""

    approvers: People = field(default_factory=People)

    def send(
        self,
        respond: Callable[[Desk, Request], Any],
        person: str,
        version: str = "1",
        **body: Any,
    ) -> Answer:
        """Send a request in the name of a person."""
        desk = Desk(
            ports=self.ports,
            projects=self.projects,
            stories=cast(Any, Stories()),
            limits=Limits(),
        )
        request = Request(
            route={"release_id": release(version).release_id},
            headers={"authorization": f"Bearer {person}"} if person else {},
            body=json.dumps(body).encode() if body else b"",
        )
        answer: Answer = asyncio.run(respond(desk, request))
        return answer

    def approve_as(self, person: str, version: str = "1", **body: Any) -> dict[str, Any]:
        named = named_by(self.record(version))
        content: dict[str, Any] = self.send(
            post_approval, person, version, **{**named, **body}
        ).content
        return content

    def settle(self, version: str = "1") -> Any:
        return releases.settle_approval(self.ports, release(version)).decision

    def know(self, **people: Person) -> None:
        project = self.projects[MODEL]
        self.projects = {MODEL: replace(project, people=people)}


@pytest.fixture(params=["local", "azure"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        made = Office(AzureLedger(connected), AzureRows(connected))
    else:
        made = Office(LocalLedger(tmp_path / "ledger.db"), LocalRows(tmp_path / "ledger.db"))
    made.know(**PEOPLE)
    return made


def code_of(caught: pytest.ExceptionInfo[MlopsError]) -> str:
    return caught.value.code


@attack(
    point=8,
    does="approves a release whose commit the same person pushed, wrote or whose training "
    "the same person started, under any of the person's names",
    answer="403 SEPARATION_OF_DUTIES names who can approve; the release waits on",
    log="audit: refusal, approve, SEPARATION_OF_DUTIES",
    before="succeeded",
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
    before="succeeded",
)
def test_the_key_separates_also_a_single_approver(office: Office) -> None:
    office.policy(approvers=("ada",), separation_of_duties=Separation.ON)
    office.registry.authors = OF_ADA
    office.ask("1")

    with pytest.raises(RefusedError, match=r"no approver of mlops\.toml"):
        office.approve_as("ada")


@attack(
    point=8,
    does="approves after being removed from mlops.toml, as the policy of the release's start says",
    answer="403 NOT_AN_APPROVER",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
)
def test_a_removed_approver_cannot_approve(office: Office) -> None:
    office.ask("1")
    office.policy(approvers=("grace",))

    with pytest.raises(RefusedError) as caught:
        office.approve_as("ada")

    assert code_of(caught) == "NOT_AN_APPROVER"
    assert office.settle() is None


@attack(
    point=8,
    does="approves, is removed from mlops.toml, and lets the release be promoted",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="promote_challenger refused, APPROVAL_LOST",
    before="succeeded",
)
@pytest.mark.parametrize("settled", [False, True])
def test_an_approval_of_a_removed_approver_promotes_nothing(
    office: Office, caplog: pytest.LogCaptureFixture, settled: bool
) -> None:
    office.ask("1")
    office.approve_as("ada")
    if settled:
        assert office.settle().decided_by == "ada"
    office.policy(approvers=("grace",))

    if not settled:
        assert office.settle() is None
    with pytest.raises(NotAuthorisedError):
        office.promote("1")

    assert office.production.calls == []
    assert ("APPROVAL_LOST" in caplog.text) is settled


@attack(
    point=8,
    does="approves as somebody who turns out to be an author once [people] names the login",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="promote_challenger refused, APPROVAL_LOST",
    before="succeeded",
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


@attack(
    point=8,
    does="lets a release be promoted whose approval was withdrawn",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="promote_challenger refused, APPROVAL_LOST",
    before="succeeded",
)
@pytest.mark.parametrize("settled", [False, True])
def test_a_withdrawn_approval_promotes_nothing(office: Office, settled: bool) -> None:
    office.ask("1")
    office.approve_as("ada")
    if settled:
        office.settle()

    answer = office.send(post_withdrawal, "ada", comment="wrong data").content
    again = office.send(post_withdrawal, "ada").content

    assert answer["approvals"] == "0 of 1 approvals"
    assert answer["decision"]["withdrawn_comment"] == "wrong data"
    assert again["decision"] == answer["decision"]
    if not settled:
        assert office.settle() is None
        assert office.approve_as("ada")["approvals"] == "1 of 1 approvals"
        return
    with pytest.raises(NotAuthorisedError, match=r"APPROVAL_LOST: .* ada withdrew it"):
        office.promote("1")
    assert office.production.calls == []


@attack(
    point=8,
    does="withdraws an approval after the promotion began, so that the record denies it",
    answer="409 PROMOTION_BEGAN says how to roll back",
    log="audit: refusal, withdraw, PROMOTION_BEGAN",
    before="refused",
)
@pytest.mark.parametrize("ended", [False, True])
def test_nothing_is_withdrawn_once_the_promotion_began(office: Office, ended: bool) -> None:
    office.ask("1")
    office.approve_as("ada")
    office.settle()
    office.promote("1")
    if ended:
        office.end("1", ReleaseStatus.PROMOTED)

    with pytest.raises(ConflictError, match="mlopsctl roll-back diabetes") as caught:
        office.send(post_withdrawal, "ada")

    assert code_of(caught) == "PROMOTION_BEGAN"


@attack(
    point=8,
    does="withdraws an approval in the moment in which the promotion begins",
    answer="exactly one of the two succeeds; the promotion is refused or the withdrawal is a 409",
    log="promote_challenger refused, APPROVAL_LOST, or audit: refusal, withdraw, PROMOTION_BEGAN",
    before="refused",
)
@pytest.mark.parametrize("first", ["withdrawal", "promotion"])
def test_a_withdrawal_and_a_promotion_have_one_winner(office: Office, first: str) -> None:
    office.ask("1")
    office.approve_as("ada")
    office.settle()
    rows = office.rows
    done: list[bool] = []

    def withdraw() -> None:
        office.send(post_withdrawal, "ada")

    def promote() -> None:
        office.promote("1")

    act, other = (promote, withdraw) if first == "withdrawal" else (withdraw, promote)

    @dataclass
    class Between:
        """Rows in which the other one acts right before the first write."""

        def get(self, partition: str, key: str) -> Any:
            return rows.get(partition, key)

        def query(self, partition: str, prefix: str = "") -> Any:
            return rows.query(partition, prefix)

        def write(self, partition: str, changes: Any) -> None:
            if not done:
                done.append(True)
                office.rows = rows
                other()
            rows.write(partition, changes)

    office.rows = Between()

    with pytest.raises((NotAuthorisedError, ConflictError)) as caught:
        act()

    assert caught.value.code == ("APPROVAL_LOST" if first == "withdrawal" else "PROMOTION_BEGAN")
    assert bool(office.production.calls) is (first == "promotion")


@attack(
    point=8,
    does="counts as two approvers: approves twice, or under a name and an object id",
    answer="1 of 2 approvals; the release waits on",
    log="audit: decision, approve",
    before="succeeded",
)
def test_one_person_counts_once(office: Office) -> None:
    office.policy(approvals_required=2)
    office.ask("1")

    first = office.approve_as("ada")
    assert office.approve_as("ada")["decision"] == first["decision"]
    with pytest.raises(ConflictError) as caught:
        office.approve_as(OBJECT)

    assert code_of(caught) == "ALREADY_DECIDED"
    assert first["approvals"] == "1 of 2 approvals"
    assert office.settle() is None
    with pytest.raises(NotAuthorisedError):
        office.promote("1")


def test_as_many_approvers_as_required_promote_together(office: Office) -> None:
    office.policy(approvals_required=2)
    office.ask("1")

    office.approve_as("ada", comment="fine")
    answer = office.approve_as("grace")
    settled = office.settle()
    office.promote("1")

    assert answer["approvals"] == "2 of 2 approvals"
    assert answer["approved_by"] == ["ada", "grace"]
    assert settled.decided_by == "ada+grace"
    assert office.changes.of_model(MODEL)[-1].by == "ada+grace"


def test_one_rejection_ends_a_release_that_somebody_approved(office: Office) -> None:
    office.policy(approvals_required=2)
    office.ask("1")
    office.approve_as("ada")

    office.send(post_rejection, "grace", **named_by(office.record("1")))

    assert office.settle().decided_by == "grace"
    assert office.settle().verdict == "reject"
    with pytest.raises(ConflictError):
        office.approve_as("grace")


@attack(
    point=8,
    does="collects approvals of two evidences of one release, one for each",
    answer="1 of 2 approvals for the present evidence; the release waits on",
    log="audit: decision, approve",
    before="succeeded",
)
def test_approvals_of_other_evidence_do_not_count(office: Office) -> None:
    office.policy(approvals_required=2)
    office.ask("1")
    office.approve_as("ada")
    record = office.record("1")
    office.ledger.save_release(replace(record, evidence_hash="0" * 64))

    answer = office.approve_as("grace")

    assert answer["approvals"] == "1 of 2 approvals"
    assert office.settle() is None


@attack(
    point=8,
    does="withdraws somebody else's approval, or one without a token",
    answer="409 NOTHING_TO_WITHDRAW, or 401; the approval stands",
    log="audit: refusal, withdraw",
    before="refused",
)
def test_only_the_person_withdraws(office: Office) -> None:
    office.ask("1")
    office.approve_as("ada")

    with pytest.raises(ConflictError) as caught:
        office.send(post_withdrawal, "grace")
    with pytest.raises(RefusedError):
        office.send(post_withdrawal, "")

    assert code_of(caught) == "NOTHING_TO_WITHDRAW"
    assert office.settle().decided_by == "ada"


@dataclass
class Registering:
    """The ports of a registration: published code with its authors, and what is registered."""

    published: CodeVersion
    registered: list[Authors] = field(default_factory=list)

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


@attack(
    point=8,
    does="lets the training write other authors into the tags of its own run",
    answer="the version keeps the authors that this app stored with the code and the request",
    log="none: the tags of a run are never read for authors",
    before="succeeded",
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
    does="approves by the header X-MS-CLIENT-PRINCIPAL of App Service authentication",
    answer="401 UNAUTHENTICATED; the release waits on",
    log="audit: refusal, approve, UNAUTHENTICATED",
    before="refused",
)
def test_the_header_of_the_platform_s_authentication_is_never_believed(target: Target) -> None:
    record = waiting(target, "801")
    headers = {
        "X-MS-CLIENT-PRINCIPAL": "eyJ1c2VySWQiOiJhZGEifQ==",
        "X-MS-CLIENT-PRINCIPAL-ID": object_id("ada"),
        "X-MS-CLIENT-PRINCIPAL-NAME": "ada",
        "X-MS-TOKEN-AAD-ACCESS-TOKEN": target.token("ada"),
    }
    path = f"/api/releases/{record.release.release_id}/approve"

    answer = ask(target, "POST", path, json=named_by(record), headers=headers)

    assert error_of(answer) == (401, "UNAUTHENTICATED")


@attack(
    point=8,
    does="approves over HTTP what the same person pushed",
    answer="403 SEPARATION_OF_DUTIES; another approver is accepted and then withdraws",
    log="audit: refusal, approve, SEPARATION_OF_DUTIES",
    before="succeeded",
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


@attack(
    point=8,
    does="approves in Azure under the changed sign-in name of an approver, or without the role",
    answer="403 NOT_AN_APPROVER names the object id; 401 without role and scope",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
)
def test_a_sign_in_name_is_nobody(cloud_target: CloudTarget) -> None:
    record = waiting(cloud_target, "803")
    path = f"/api/releases/{record.release.release_id}/approve"
    entra = cloud_target.cloud.entra
    claims = {
        "iss": f"{entra.url}/{TENANT}/v2.0",
        "preferred_username": "ada",
        "upn": "ada",
        "oid": object_id("mallory"),
    }
    with_role = entra.signers[0].token(AUDIENCE, **claims, roles=["Model.Approver"])
    without = entra.signers[0].token(AUDIENCE, **{**claims, "oid": object_id("ada")}, scp="x")

    named = ask(cloud_target, "POST", path, token=with_role, json=named_by(record))
    bare = ask(cloud_target, "POST", path, token=without, json=named_by(record))

    assert error_of(named) == (403, "NOT_AN_APPROVER")
    assert object_id("mallory") in named.json()["error"]["message"]
    assert error_of(bare) == (401, "UNAUTHENTICATED")
