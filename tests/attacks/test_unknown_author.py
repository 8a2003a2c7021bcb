"""Attacks of people who start a training anonymously, and then approve their own version."""

import pytest

from function_app.domain.people.authorship import Role, make_authors
from function_app.domain.people.duties import ApprovalRules, UnknownAuthor
from function_app.errors import RefusedError
from function_app.ports import Ledger, Rows
from tests.attacks.approvals import PEOPLE, Office, office_of
from tests.attacks.attack import SAME, attack

# The writer of a commit chooses the names in it, and no platform verifies them.
NOBODY = make_authors([(Role.WROTE, "linus@example.com"), (Role.COMMITTED, "linus@example.com")])
KNOWN = (Role.STARTED, Role.OWNS, Role.PUSHED)


@pytest.fixture
def office(stores: tuple[Ledger, Rows]) -> Office:
    made = office_of(*stores)
    made.registry.authors = NOBODY
    return made


@attack(
    point=8,
    does="drops a file anonymously and alone approves its version, where mlops.toml has "
    'unknown_author = "second"',
    answer="1 of 2 approvals: one approver more than required must approve",
    log="audit: decision, approve",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_an_unknown_author_cannot_be_the_only_approver(office: Office) -> None:
    office.policy(unknown_author=UnknownAuthor.SECOND)
    office.ask("1")

    assert office.approve_as("ada")["approvals"] == "1 of 2 approvals"
    assert office.settle() is None
    assert office.approve_as("grace")["approvals"] == "2 of 2 approvals"
    assert office.settle().decided_by == "ada+grace"


@attack(
    point=8,
    does="drops a file anonymously and approves its version, where mlops.toml has "
    'unknown_author = "refuse"',
    answer="403 UNKNOWN_AUTHOR says how to start the training with a token; it may be rejected",
    log="audit: refusal, approve, UNKNOWN_AUTHOR",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_version_of_nobody_is_not_approved_where_the_policy_refuses(office: Office) -> None:
    office.policy(unknown_author=UnknownAuthor.REFUSE)
    office.ask("1")

    for person in ("ada", "grace"):
        with pytest.raises(RefusedError, match="mlopsctl train") as caught:
            office.approve_as(person)
        assert caught.value.code == "UNKNOWN_AUTHOR"
    assert office.settle() is None


@pytest.mark.parametrize("role", KNOWN)
@pytest.mark.parametrize("policy", UnknownAuthor)
def test_a_version_with_a_known_cause_needs_no_approver_more(
    office: Office, role: Role, policy: UnknownAuthor
) -> None:
    office.policy(unknown_author=policy)
    office.registry.authors = make_authors([(role, "linus")])
    office.ask("1")

    assert office.approve_as("ada")["approvals"] == "1 of 1 approvals"


@pytest.mark.parametrize("policy", UnknownAuthor)
def test_a_single_approver_approves_what_nobody_caused(
    office: Office, policy: UnknownAuthor
) -> None:
    office.policy(approvers=("ada",), unknown_author=policy)
    office.ask("1")

    assert office.approve_as("ada")["approvals"] == "1 of 1 approvals"


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (UnknownAuthor.RECORD, "accepts the approval of any approver"),
        (UnknownAuthor.SECOND, "2 distinct approvers must approve it"),
        (UnknownAuthor.REFUSE, "takes no approval. Start the training with a person's token"),
    ],
)
def test_the_evidence_says_what_an_unknown_author_means(
    policy: UnknownAuthor, sentence: str
) -> None:
    rules = ApprovalRules(approvers=("ada", "grace"), people=PEOPLE, unknown_author=policy)

    assert sentence in " ".join(rules.outlook(NOBODY))
    assert "The person who caused this version is unknown" in " ".join(rules.outlook(NOBODY))
    assert "is unknown" not in " ".join(rules.outlook(make_authors([(Role.PUSHED, "eve")])))
