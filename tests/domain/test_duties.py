"""The right to approve: property tests over people, their identities and a model's rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.people.authorship import (
    MOST_AUTHORS,
    Author,
    Role,
    describe_authors,
    join_authors,
    make_authors,
    read_authors,
    write_authors,
)
from function_app.domain.people.duties import OWN_AUTHOR, ApprovalRules, Separation
from function_app.domain.people.people import Person, canonical, name_of_oid

OID = "0f8fad5b-d9cb-469f-a165-70867728950e"
PEOPLE = {
    "ada": Person(git=("ada@example.com", "ada-gh"), oid=OID),
    "grace": Person(git=("grace@example.com",)),
}
RULES = ApprovalRules(approvers=("ada", "grace"), people=PEOPLE)
OF_ADA = ("ada", "ADA", "ada@example.com", "Ada@Example.COM", "ada-gh", OID, OID.upper())
roles = st.sampled_from(Role)
identities = st.sampled_from((*OF_ADA, "grace", "grace@example.com", "eve", "eve@example.com"))
author_sets = st.lists(st.builds(Author, role=roles, identity=identities), max_size=8).map(tuple)
rule_sets = st.builds(
    ApprovalRules,
    approvers=st.lists(st.sampled_from(("ada", "grace", "linus", OID)), max_size=4).map(tuple),
    required=st.integers(1, 3),
    separation=st.sampled_from(Separation),
    people=st.just(PEOPLE),
)


@pytest.mark.parametrize("identity", [*OF_ADA, "7+ada-gh@users.noreply.github.com"])
@pytest.mark.parametrize("role", Role)
def test_an_author_under_any_name_and_in_any_role_cannot_approve(identity: str, role: Role) -> None:
    authors = (Author(role=role, identity=identity),)

    assert not RULES.may_approve("ada", authors)
    assert RULES.may_approve("grace", authors)
    assert RULES.eligible(authors) == ("grace",)


@given(rules=rule_sets, person=identities, authors=author_sets)
def test_an_approval_counts_for_an_approver_of_now_who_is_no_separated_author(
    rules: ApprovalRules, person: str, authors: tuple[Author, ...]
) -> None:
    allowed = rules.may_approve(person, authors)

    assert allowed == (
        rules.is_approver(person) and not (rules.separate and rules.is_author(person, authors))
    )
    # A removed approver approves nothing under any other rule.
    name = canonical(person, PEOPLE)
    removed = replace(
        rules, approvers=tuple(a for a in rules.approvers if canonical(a, PEOPLE) != name)
    )
    assert not removed.may_approve(person, authors)


@given(rules=rule_sets, people=st.lists(identities), authors=author_sets)
def test_one_person_counts_once_under_all_names(
    rules: ApprovalRules, people: list[str], authors: tuple[Author, ...]
) -> None:
    counted = rules.counted(people, authors)

    assert len(counted) == len(set(counted)) <= len(set(rules.approvers))
    assert rules.counted([*people, *people], authors) == counted


@given(rules=rule_sets, authors=author_sets, more=author_sets)
def test_further_authors_never_let_anybody_else_approve(
    rules: ApprovalRules, authors: tuple[Author, ...], more: tuple[Author, ...]
) -> None:
    with_more = rules.eligible(join_authors(authors, more))

    assert set(with_more) <= set(rules.eligible(authors))


@pytest.mark.parametrize(
    ("approvers", "separation", "separate"),
    [
        (("ada",), Separation.AUTO, False),
        (("ada", OID), Separation.AUTO, False),
        (("ada", "grace"), Separation.AUTO, True),
        (("ada",), Separation.ON, True),
        (("ada", "grace"), Separation.OFF, False),
    ],
)
def test_duties_are_separate_from_two_people_on_or_by_the_key(
    approvers: tuple[str, ...], separation: Separation, separate: bool
) -> None:
    rules = replace(RULES, approvers=approvers, separation=separation)

    assert rules.separate == separate


def test_a_single_approver_approves_own_work_and_the_record_says_so() -> None:
    rules = replace(RULES, approvers=("ada",))
    authors = make_authors([(Role.PUSHED, "ada-gh")])

    assert rules.may_approve("ada", authors)
    assert rules.remark("ada", authors) == OWN_AUTHOR
    assert OWN_AUTHOR in rules.outlook(authors)[0]
    assert rules.remark("ada", ()) == ""


def test_the_evidence_says_when_too_few_approvers_are_left() -> None:
    rules = replace(RULES, required=2)

    (said,) = rules.outlook(make_authors([(Role.PUSHED, "ada@example.com")]))

    assert "1 of 2 required approvers remain" in said
    assert "separation_of_duties = false" in said


@given(authors=author_sets)
def test_authors_survive_their_tag(authors: tuple[Author, ...]) -> None:
    assert set(read_authors(write_authors(authors))) == set(authors)


@pytest.mark.parametrize(
    "text", ["", "{", "3", "null", '[["king","ada"]]', "[1]", '[["wrote"]]', "[" * 9999]
)
def test_a_garbled_tag_names_nobody(text: str) -> None:
    assert read_authors(text) == ()


def test_names_in_commits_push_no_known_person_out_of_the_tag() -> None:
    many = [(Role.WROTE, f"eve{number}@example.com") for number in range(50)]
    authors = make_authors([*many, (Role.PUSHED, "ada-gh"), (Role.STARTED, "grace")])

    kept = read_authors(write_authors(authors))

    assert len(kept) == MOST_AUTHORS
    assert {author.identity for author in kept} >= {"ada-gh", "grace"}


def test_the_evidence_names_authors_and_says_who_is_unknown() -> None:
    named = [(Role.PUSHED, "ada-gh"), (Role.WROTE, "eve@example.com"), (Role.STARTED, "grace")]

    assert describe_authors(make_authors(named), "c0ffee" * 5, PEOPLE, RULES.approvers) == (
        "grace started the training.",
        "Code of commit c0ffeec0ffee: eve@example.com (not in mlops.toml) wrote it, "
        "ada-gh (ada) pushed it.",
    )
    wrote = make_authors([(Role.WROTE, "ada")])
    assert describe_authors(wrote, "c0ffee", {}, ["ada"])[1] == (
        "Code of commit c0ffee: ada wrote it; the person who pushed it is unknown."
    )
    started, code = describe_authors((), "c0ffee", PEOPLE, RULES.approvers)
    assert "without a person's token" in started
    assert code == "Code of commit c0ffee: its author is unknown."
    assert "app's own" in describe_authors((), "", PEOPLE, RULES.approvers)[1]


def test_a_person_is_found_by_the_object_id_in_any_case() -> None:
    assert name_of_oid(OID.upper(), PEOPLE) == "ada"
    assert name_of_oid("1" + OID[1:], PEOPLE) == "1" + OID[1:]
    assert name_of_oid("", PEOPLE) == ""
