"""Attacks by events about files and commits: early, foreign, changed."""

from pathlib import Path

from tests.attacks.attack import attack
from tests.attacks.hostile_events import Inbox, blob, code_office, event, pushed


@attack(
    point=7,
    does="announces a file under one model's path with the address of another model's file",
    answer="the address is the platform's own for this path",
    log="none: the claim is replaced by what is true",
    before="succeeded",
    by="trial",
)
def test_the_address_of_a_file_is_the_platform_s(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    own, other = inbox.put("diabetes/a.csv"), inbox.put("wine/b.csv", "secret")

    inbox.office.take(blob("diabetes/a.csv", other.as_uri()))

    [argument] = inbox.office.stories.arguments
    assert argument["data_uri"] == own.as_uri()


@attack(
    point=7,
    does="announces a path with `..` that leads from a model's folder into another",
    answer="refused, BAD_NAME",
    log="refused: BAD_NAME",
    before="succeeded",
    by="trial",
)
def test_a_path_that_climbs_is_no_file(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put("diabetes/a.csv")
    inbox.put("wine/b.csv")

    [receipt] = inbox.office.take(blob("diabetes/../wine/b.csv"))

    assert (receipt.outcome, receipt.code) == ("refused", "BAD_NAME")
    assert inbox.office.stories.started == []


@attack(
    point=7,
    does="announces a file before it arrives, so that its real event looks like a repetition",
    answer="refused, UNKNOWN_FILE, and nothing is claimed; the real event starts the training",
    log="refused: UNKNOWN_FILE",
    before="succeeded",
    by="trial",
)
def test_a_file_that_is_announced_early_is_still_trained_on(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    early = inbox.office.take(blob("diabetes/a.csv"))[0]
    inbox.put("diabetes/a.csv")

    real = inbox.office.take({**blob("diabetes/a.csv"), "id": "2"})[0]

    assert (early.code, real.outcome) == ("UNKNOWN_FILE", "started")


@attack(
    point=7,
    does="announces a file with the highest sequencer, so that all later writes are stale",
    answer="the order counts only in events of the platform's own topics",
    log="none: the sequencer is left out",
    before="succeeded",
    by="trial",
)
def test_a_forged_order_makes_no_later_write_stale(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    path = inbox.put("diabetes/a.csv")
    inbox.office.take(blob("diabetes/a.csv", sequencer="f" * 32), channel="api")
    path.write_text("a,Y\n3,4\n")

    real = inbox.office.take({**blob("diabetes/a.csv", sequencer="1" * 32), "id": "2"})[0]

    assert real.outcome == "started"


@attack(
    point=7,
    does="announces a file with the etag of other content",
    answer="stale, DATA_CHANGED; no story starts",
    log="none: the event is answered with its reason",
    before="succeeded",
    by="trial",
)
def test_another_etag_is_stale(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put("diabetes/a.csv")

    [receipt] = inbox.office.take(blob("diabetes/a.csv", eTag="0" * 64))

    assert (receipt.outcome, receipt.code) == ("stale", "DATA_CHANGED")
    assert inbox.office.stories.started == []


@attack(
    point=7,
    does="announces a commit before it is on the branch, so that the real push looks repeated",
    answer="refused, UNKNOWN_COMMIT, and nothing is claimed; the real push starts the checks",
    log="refused: UNKNOWN_COMMIT",
    before="succeeded",
    by="trial",
)
def test_a_commit_that_is_announced_early_is_still_checked(tmp_path: Path) -> None:
    repository, office = code_office(tmp_path)
    repository.commit("the first")
    repository.git("checkout", "--quiet", "-b", "elsewhere")
    repository.write("more.py", "x = 1\n")
    commit = repository.commit("unmerged", branch="elsewhere")
    claim = pushed(repository, commit)

    [early] = office.take(claim)
    repository.git("push", "--quiet", "origin", "elsewhere:main")
    [real] = office.take({**claim, "id": "2"})

    assert (early.outcome, early.code) == ("refused", "UNKNOWN_COMMIT")
    assert real.outcome == "started"


@attack(
    point=7,
    does="proposes a commit that its pull request does not have",
    answer="refused, UNKNOWN_COMMIT",
    log="refused: UNKNOWN_COMMIT",
    before="succeeded",
    by="trial",
)
def test_a_proposal_is_compared_with_its_pull_request(tmp_path: Path) -> None:
    repository, office = code_office(tmp_path)
    first = repository.commit("the first")
    repository.write("more.py", "x = 1\n")
    second = repository.commit("the second")
    repository.git("update-ref", "refs/pull/7/head", first, at=repository.bare)
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "number": "7"}

    forged = office.take(event("Mlops.CodeProposed", {**data, "commit": second}))[0]
    real = office.take(event("Mlops.CodeProposed", {**data, "commit": first}))[0]

    assert (forged.code, real.outcome) == ("UNKNOWN_COMMIT", "started")
