"""Attacks by events about files and commits: early, foreign, changed."""

from pathlib import Path

import pytest

from tests.attacks.attack import SAME, attack
from tests.attacks.hostile_events import (
    CloudInbox,
    Inbox,
    LocalInbox,
    blob,
    code_office,
    event,
    pushed,
)
from tests.azure_servers.azure import azure
from tests.triggers.office import Records

__all__ = ["azure"]


@pytest.fixture(params=["local", "azure"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Inbox:
    """The data of each platform in turn."""
    if request.param == "local":
        return LocalInbox(tmp_path)
    return CloudInbox(tmp_path, request.getfixturevalue("azure"))


@attack(
    point=7,
    does="announces a file under one model's path with the address of another model's file",
    answer="the address is the platform's own for this path",
    log="none: the claim is replaced by the platform's record",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_the_address_of_a_file_is_the_platform_s(inbox: Inbox) -> None:
    own, other = inbox.put("diabetes/a.csv"), inbox.put("wine/b.csv", "secret")

    inbox.office.take(blob("diabetes/a.csv", other, eTag=inbox.etag("diabetes/a.csv")))

    [argument] = inbox.office.stories.arguments
    assert argument["data_uri"] == own


@attack(
    point=7,
    does="announces a path with `..` that leads from a model's folder into another",
    answer="refused, BAD_NAME",
    log="refused: BAD_NAME",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_path_that_climbs_is_no_file(inbox: Inbox) -> None:
    inbox.put("diabetes/a.csv")
    inbox.put("wine/b.csv")

    [receipt] = inbox.office.take(blob("diabetes/../wine/b.csv", eTag=inbox.etag("wine/b.csv")))

    assert (receipt.outcome, receipt.code) == ("refused", "BAD_NAME")
    assert inbox.office.stories.started == []


@attack(
    point=7,
    does="announces a file before it arrives, so that its real event looks like a repetition",
    answer="refused, UNKNOWN_FILE, and nothing is claimed; the real event starts the training",
    log="refused: UNKNOWN_FILE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_file_that_is_announced_early_is_still_trained_on(inbox: Inbox) -> None:
    inbox.put("elsewhere/a.csv")
    etag = inbox.etag("elsewhere/a.csv")  # on one machine, that of the file to come
    early = inbox.office.take(blob("diabetes/a.csv", eTag=etag))[0]
    inbox.put("diabetes/a.csv")

    real = inbox.office.take(inbox.announced("diabetes/a.csv", "2"))[0]

    assert (early.code, real.outcome) == ("UNKNOWN_FILE", "started")


@attack(
    point=7,
    does="announces a file with the highest sequencer, so that all later writes are stale",
    answer="the order counts only in events of the platform's own topics",
    log="none: the sequencer is left out",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_forged_order_makes_no_later_write_stale(inbox: Inbox) -> None:
    inbox.put("diabetes/a.csv")
    forged = inbox.announced("diabetes/a.csv", sequencer="f" * 32)
    assert inbox.office.take(forged, channel="api")[0].outcome == "started"
    inbox.put("diabetes/a.csv", "a,Y\n3,4\n")

    real = inbox.office.take(inbox.announced("diabetes/a.csv", "2", sequencer="1" * 32))[0]

    assert real.outcome == "started"


@attack(
    point=7,
    does="announces a file with the etag of other content",
    answer="stale, DATA_CHANGED; no story starts",
    log="none: the event is answered with its reason",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_another_etag_is_stale(inbox: Inbox) -> None:
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
    azure=SAME,
    by="trial",
)
def test_a_commit_that_is_announced_early_is_still_checked(
    tmp_path: Path, records: Records
) -> None:
    repository, office = code_office(tmp_path, records)
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
    azure=SAME,
    by="trial",
)
def test_a_proposal_is_compared_with_its_pull_request(tmp_path: Path, records: Records) -> None:
    repository, office = code_office(tmp_path, records)
    first = repository.commit("the first")
    repository.write("more.py", "x = 1\n")
    second = repository.commit("the second")
    repository.git("update-ref", "refs/pull/7/head", first, at=repository.bare)
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "number": "7"}

    forged = office.take(event("Mlops.CodeProposed", {**data, "commit": second}))[0]
    real = office.take(event("Mlops.CodeProposed", {**data, "commit": first}))[0]

    assert (forged.code, real.outcome) == ("UNKNOWN_COMMIT", "started")
