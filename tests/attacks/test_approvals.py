"""Attacks on approvals: removed approvers, withdrawn approvals, persons counted twice."""

from dataclasses import replace

import pytest

from function_app.domain.release.release import ReleaseStatus
from function_app.errors import ConflictError, NotAuthorisedError, RefusedError
from function_app.ports import Ledger, Rows
from function_app.triggers.http.approvals import post_rejection, post_withdrawal
from tests.activities.law_bench import MODEL
from tests.attacks.approvals import Office, Overtaken, code_of, office_of
from tests.attacks.attack import ONLY, SAME, attack
from tests.attacks.targets import CloudTarget, Target, ask, error_of, named_by, waiting
from tests.azure_servers.identity import OBJECT, TENANT
from tests.stories.cloud import AUDIENCE, object_id


@pytest.fixture
def office(stores: tuple[Ledger, Rows]) -> Office:
    return office_of(*stores)


@attack(
    point=8,
    does="approves after being removed from mlops.toml, as the policy of the release's start says",
    answer="403 NOT_AN_APPROVER",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
    azure=SAME,
    by="trial",
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
    azure=SAME,
    by="trial",
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
    does="lets a release be promoted whose approval was withdrawn",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="promote_challenger refused, APPROVAL_LOST",
    before="absent",
    azure=SAME,
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
    before="absent",
    azure=SAME,
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
    before="absent",
    azure=SAME,
)
@pytest.mark.parametrize("first", ["withdrawal", "promotion"])
def test_a_withdrawal_and_a_promotion_have_one_winner(office: Office, first: str) -> None:
    office.ask("1")
    office.approve_as("ada")
    office.settle()
    rows = office.rows

    def withdraw() -> None:
        office.send(post_withdrawal, "ada")

    def promote() -> None:
        office.promote("1")

    act, other = (promote, withdraw) if first == "withdrawal" else (withdraw, promote)

    def overtake() -> None:
        office.rows = rows
        other()

    office.rows = Overtaken(rows, overtake)

    with pytest.raises((NotAuthorisedError, ConflictError)) as caught:
        act()

    assert caught.value.code == ("APPROVAL_LOST" if first == "withdrawal" else "PROMOTION_BEGAN")
    assert bool(office.production.calls) is (first == "promotion")


@attack(
    point=8,
    does="counts as two approvers: approves twice, or under a name and an object id",
    answer="1 of 2 approvals; the release waits on",
    log="audit: decision, approve",
    before="absent",
    azure=SAME,
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
    before="absent",
    azure=SAME,
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
    before="absent",
    azure=SAME,
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


@attack(
    point=8,
    does="approves by the header X-MS-CLIENT-PRINCIPAL of App Service authentication",
    answer="401 UNAUTHENTICATED; the release waits on",
    log="audit: refusal, approve, UNAUTHENTICATED",
    before="refused",
    azure=SAME,
    by="trial",
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
    does="approves in Azure under the changed sign-in name of an approver, or without the role",
    answer="403 NOT_AN_APPROVER names the object id; 401 without role and scope",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
    azure=ONLY,
    by="trial",
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
