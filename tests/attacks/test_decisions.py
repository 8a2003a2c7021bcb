"""Attacks on the decision endpoint: forged, foreign, stale and raced decisions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from tests.attacks.attack import SAME, attack
from tests.attacks.targets import Target, ask, error_of, keys, named_by, waiting

LOG = "audit: refusal, approve, the code"


def decide(
    target: Target, record: ReleaseRecord, verb: str = "approve", token: str = "", **body: Any
) -> tuple[int, str]:
    """Send a decision; return the status and the error's code."""
    path = f"/api/releases/{record.release.release_id}/{verb}"
    return error_of(ask(target, "POST", path, token=token, json={**named_by(record), **body}))


def decision_over(target: Target, record: ReleaseRecord) -> Any:
    """Return the stored decision, as the app shows it."""
    release = target.api.get(f"/api/releases/{record.release.release_id}")
    assert release["status"] == ReleaseStatus.AWAITING_APPROVAL
    return release["decision"]


@attack(
    point=2,
    does="approves without a token, with an invented one, with a function key as the token",
    answer="401 UNAUTHENTICATED; the release waits on",
    log=LOG,
    before="refused",
    azure=SAME,
    by="trial",
)
def test_no_forged_token_decides(target: Target) -> None:
    record = waiting(target, "101")
    own = target.token("ada")

    for token in ("", "x", keys(target)["master"], own[:-1], f"{own}x", "e30.e30."):
        assert decide(target, record, token=token) == (401, "UNAUTHENTICATED")
    assert decision_over(target, record) is None


@attack(
    point=2,
    does="approves with a token that an external event, a query or a body carries",
    answer="401 UNAUTHENTICATED, or 400 for the unknown field",
    log=LOG,
    before="refused",
    azure=SAME,
    by="trial",
)
def test_a_token_counts_in_its_header_only(target: Target) -> None:
    record, token = waiting(target, "102"), target.token("ada")
    path = f"/api/releases/{record.release.release_id}/approve"

    query = ask(target, "POST", path, params={"token": token}, json=named_by(record))
    assert error_of(query) == (401, "UNAUTHENTICATED")
    assert decide(target, record, decided_by="ada", token="x") == (401, "UNAUTHENTICATED")
    assert decide(target, record, decided_by="ada", token=token) == (400, "UNKNOWN_FIELD")
    assert decision_over(target, record) is None


@attack(
    point=2,
    does="approves another image, other evidence, or those of another release",
    answer="409 STALE_DECISION, or 400 for a value that is not a digest",
    log=LOG,
    before="refused",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    "body",
    [
        {"image_digest": "sha256:" + "b" * 64},
        {"evidence_hash": "c" * 64},
        {"image_digest": ""},
        {"evidence_hash": None},
        {"image_digest": ["sha256:" + "a" * 64]},
    ],
)
def test_a_decision_over_something_else_is_refused(target: Target, body: dict[str, Any]) -> None:
    record = waiting(target, "103")

    status, code = decide(target, record, token=target.token("ada"), **body)

    assert (status, code) == (409, "STALE_DECISION") or status == 400
    assert decision_over(target, record) is None


@attack(
    point=2,
    does="approves a release that does not exist or is a path",
    answer="404 or 400",
    log="none: nothing was refused to a person, and names are free to invent",
    before="refused",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("release", ["release-diabetes-999", "..%2f..%2fledger", "%00", "a" * 300])
def test_an_unknown_release_cannot_be_decided(target: Target, release: str) -> None:
    body = named_by(waiting(target, "104"))
    path = f"/api/releases/{release}/approve"

    answer = ask(target, "POST", path, token=target.token("ada"), json=body)

    assert answer.status_code in (400, 404), answer.text


@attack(
    point=2,
    does="approves and rejects one release at the same time, many times",
    answer="one verdict counts; the others are 409 ALREADY_DECIDED",
    log="audit: decision, and refusals with a count",
    before="refused",
    azure=SAME,
    by="trial",
)
def test_only_one_of_racing_decisions_counts(target: Target) -> None:
    record, token = waiting(target, "105"), target.token("ada")
    verbs = ["approve", "reject"] * 4

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda verb: decide(target, record, verb, token), verbs))

    stored = decision_over(target, record)["verdict"]
    for verb, answer in zip(verbs, answers, strict=True):
        assert answer == ((202, "") if verb == stored else (409, "ALREADY_DECIDED"))
