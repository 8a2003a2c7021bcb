"""Attacks on authorship: events that name a person without proof, or hide the person who pushed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.change.change import Change, CodeVersion
from function_app.domain.events.inbox import SENDER, sender_of
from function_app.domain.project import CodeRules
from function_app.errors import NotAuthorisedError
from function_app.ports import Ledger, Rows
from function_app.records.pushers import Pushers
from function_app.triggers.events.verification import EVENT_GRID
from tests.activities.law_bench import MODEL, Bench
from tests.attacks.attack import SAME, attack
from tests.triggers.office import PROJECTS, Office, Records

REPOSITORY, COMMIT = "https://git.example/org/diabetes", "c" * 40
PUSHED = Change(repository=REPOSITORY, branch="main", commit=COMMIT, author="grace")


@pytest.fixture
def office(tmp_path: Path, records: Records) -> Office:
    code = CodeRules(repository=REPOSITORY)
    projects = {MODEL: replace(PROJECTS[MODEL], code=code)}
    office = Office(tmp_path, projects, records)
    office.invocation = replace(office.invocation, webhook_secrets={"github": "s" * 16})
    office.sources.commits.add(COMMIT)
    return office


@pytest.fixture
def bench(stores: tuple[Ledger, Rows]) -> Bench:
    return Bench(*stores)


def push(event_id: str = "1", **data: Any) -> dict[str, Any]:
    content = {"repository": REPOSITORY, "ref": "refs/heads/main", "commit": COMMIT, **data}
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": REPOSITORY,
        "type": "Mlops.CodePushed",
        "data": content,
    }


def change_of(office: Office) -> dict[str, Any]:
    """Return the change whose story was started."""
    [argument] = office.stories.arguments
    return dict(argument["change"])


@attack(
    point=8,
    does="names an approver as the person who asks for a training, in a field whose name hides "
    "behind a control character or an escape sequence",
    answer="the field is dropped after it is cleaned; the training has no known starter",
    log="none: the evidence says that no person's token came with the request",
    before="absent",
    azure=SAME,
)
@pytest.mark.parametrize("channel", ["api", EVENT_GRID, "github"])
@pytest.mark.parametrize("hidden", ["", "\x1b[m", "\x1b]0;x\x07", "\x9b1m"])
def test_a_hidden_field_names_no_sender(office: Office, hidden: str, channel: str) -> None:
    field = f"{SENDER[:5]}{hidden}{SENDER[5:]}"

    [receipt] = office.take({**push(), field: "ada"}, channel=channel)

    assert receipt.outcome == "started"
    assert change_of(office)["started_by"] == []
    kept = office.inbox.get(receipt.event_key)
    assert kept is not None
    assert sender_of(kept.payload) == ""


@attack(
    point=8,
    does="sends an event about a real commit that names another person as its pusher",
    answer="the names are dropped unless a webhook's secret proves who sends; the evidence says "
    "that the person who pushed is unknown",
    log="none: the evidence says so",
    before="absent",
    azure=SAME,
)
@pytest.mark.parametrize("channel", ["api", EVENT_GRID])
def test_only_a_proven_source_names_who_pushed(office: Office, channel: str) -> None:
    office.take(push(actor="ada", contributors=["ada@example.com"]), channel=channel)

    change = change_of(office)
    assert (change["author"], change["contributors"]) == ("", [])
    assert Pushers(office.ports.rows).of(COMMIT) == ()


def test_the_hook_of_a_code_host_names_who_pushed(office: Office) -> None:
    office.take(push(actor="grace", contributors=["eve"]), channel="github")

    change = change_of(office)
    assert (change["author"], change["contributors"]) == ("grace", ["eve"])


@attack(
    point=8,
    does="announces the own commit before the code host's hook arrives, so that the hook, which "
    "names the pusher, is only a repetition",
    answer="the hook's people are stored with the commit and count as authors",
    log="none: the evidence names the pusher",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_hook_that_comes_second_still_names_who_pushed(office: Office) -> None:
    office.take(push(), channel="api")

    [hook] = office.take(push("2", actor="grace", contributors=["eve"]), channel="github")

    assert hook.outcome == "repeated"
    named = [(a.role.value, a.identity) for a in Pushers(office.ports.rows).of(COMMIT)]
    assert named == [("pushed", "grace"), ("wrote", "eve")]


def test_the_pusher_of_a_commit_is_an_author_of_its_release(bench: Bench) -> None:
    bench.registry.code = CodeVersion(model=MODEL, version="b" * 64, uri="", commit=COMMIT)
    Pushers(bench.rows).add(PUSHED)
    Pushers(bench.rows).add(PUSHED)
    Pushers(bench.rows).add(replace(PUSHED, author="eve"))

    authors = bench.ask("1").authors

    assert [author.identity for author in authors] == ["grace", "eve"]


@attack(
    point=8,
    does="approves the own commit before the code host's hook, held back, names the pusher",
    answer="the promotion is refused, APPROVAL_LOST; production stays as it is",
    log="audit: refusal, promote challenger, APPROVAL_LOST",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_approval_of_a_pusher_who_is_named_later_promotes_nothing(bench: Bench) -> None:
    bench.registry.code = CodeVersion(model=MODEL, version="b" * 64, uri="", commit=COMMIT)
    bench.approve("1", person="grace")
    Pushers(bench.rows).add(PUSHED)

    with pytest.raises(NotAuthorisedError) as caught:
        bench.promote("1")

    assert caught.value.code == "APPROVAL_LOST"
    assert bench.production.champion(MODEL) is None
