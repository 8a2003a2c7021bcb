"""Attacks on the audit log: to leave no trace, to fill it, to read it, to forge it."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from function_app.ports.rows import Put
from function_app.records.audit import ENTRY, PARTITION
from mlopsctl.commands.audit import check
from tests.attacks.attack import SAME, attack
from tests.attacks.targets import (
    MODEL,
    Target,
    ask,
    error_of,
    keys,
    logged,
    named_by,
    waiting,
)

FLOOD = 200
ADDRESS = "127.0.0.1"


def entries(target: Target, **query: str) -> list[dict[str, Any]]:
    """Return the newest entries, as an approver reads them."""
    answer = ask(
        target, "GET", "/api/audit", token=target.token("ada"), params={"limit": "1000", **query}
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


def newest(target: Target, **fields: Any) -> dict[str, Any]:
    """Return the newest entry with these fields."""
    for entry in entries(target):
        if all(entry[name] == value for name, value in fields.items()):
            return entry
    raise AssertionError(f"no entry has {fields}")


def verify(target: Target, *anchors: str) -> dict[str, Any]:
    """Check the whole log as `mlopsctl audit verify` does, with an approver's token."""
    answer = ask(
        target,
        "GET",
        "/api/audit/check",
        token=target.token("ada"),
        params={"anchor": ",".join(anchors)},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@attack(
    point=8,
    does="decides with a stolen approver token and hopes to leave no trace",
    answer="202; the entry names the person, the release, the comment, the address and the time",
    log="audit: decision, approve",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_decision_leaves_who_what_why_where_and_when(target: Target) -> None:
    record = waiting(target, "201")
    release_id = record.release.release_id
    body = {**named_by(record), "comment": "looks good"}

    answer = ask(
        target,
        "POST",
        f"/api/releases/{release_id}/approve",
        token=target.token("ada"),
        json=body,
    )

    assert answer.status_code == 202, answer.text
    entry = newest(target, kind="decision", subject=release_id)
    assert (entry["who"], entry["action"], entry["model"]) == ("ada", "approve", MODEL)
    assert (entry["why"], entry["address"]) == ("looks good", ADDRESS)
    assert entry["at"].endswith("Z")


@attack(
    point=8,
    does="uses a stolen function key to order a training on a file that does not exist",
    answer="404; the entry has a fingerprint of the key, never the key",
    log="audit: refusal, train, key <fingerprint>",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_order_by_a_key_leaves_the_fingerprint_of_the_key(target: Target) -> None:
    key = keys(target)["host"]
    body = {"request_id": "by-a-stolen-key", "data_uri": "nowhere.csv"}

    ask(target, "POST", f"/api/models/{MODEL}/train", key=key, json=body)

    entry = newest(target, action="train", model=MODEL)
    assert entry["who"] == f"key {hashlib.sha256(key.encode()).hexdigest()[:8]}"
    assert key not in ask(target, "GET", "/api/audit", token=target.token("ada")).text


@attack(
    point=8,
    does="reads every status with a stolen function key",
    answer="200; the use of the key is an entry with a count for each hour",
    log="audit: key use",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_reading_with_a_key_leaves_its_fingerprint(target: Target) -> None:
    key = keys(target)["functions"]["get_models"]

    for _ in range(3):
        assert ask(target, "GET", "/api/models", key=key).status_code == 200

    who = f"key {hashlib.sha256(key.encode()).hexdigest()[:8]}"
    found = [entry for entry in entries(target, person=who) if entry["kind"] == "key use"]
    assert sum(entry["count"] for entry in found) == 3


@attack(
    point=8,
    does=f"sends {FLOOD} webhooks with wrong signatures to fill the log",
    answer="401 each; at most one entry a minute and caller, with a count that loses none",
    log="audit: refusal, send webhook, UNAUTHENTICATED, count",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_flood_of_refusals_is_a_few_entries_with_a_count(target: Target) -> None:
    entries(target)  # writes the counts of earlier refusals, which are not the flood's
    begin = datetime.now(UTC).isoformat()

    def send(number: int) -> int:
        headers = {"X-Hub-Signature-256": "sha256=00", "x-functions-key": f"invented {number}"}
        path = "/api/webhooks/build-server"
        return ask(target, "POST", path, key="", headers=headers, json={"n": number}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(send, range(FLOOD)))

    assert set(statuses) == {401}
    seen = entries(target, since=begin)
    flood = [e for e in seen if (e["kind"], e["action"]) == ("refusal", "send webhook")]
    assert sum(entry["count"] for entry in flood) == FLOOD
    # The flood may last for some minutes of a busy machine.
    assert len(flood) < FLOOD // 10
    assert not [entry for entry in flood if entry["who"]], "an invented key is not a caller"


@attack(
    point=8,
    does="sends an event that no reader takes, with a secret in its text",
    answer="400; the entry has the reason without the secret",
    log="audit: refusal, take event",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_refused_event_leaves_an_entry_without_secrets(target: Target) -> None:
    event = {
        "specversion": "1.0",
        "id": "refused-1",
        "source": "attacker",
        "type": "Mlops.Password=hunter2hunter2",
        "data": {},
    }

    assert ask(target, "POST", "/api/events", json=event).status_code == 400

    entry = newest(target, kind="refusal", action="take event")
    assert entry["code"]
    assert "hunter2hunter2" not in str(entry)


@attack(
    point=8,
    does="tries wrong keys and foreign hosts on the host itself, which the app never sees",
    answer="401 and 403; the entries have the path, the address and no key",
    log="audit: refusal, WRONG_KEY and FOREIGN_REQUEST",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_refusals_by_the_host_are_in_the_log(target: Target) -> None:
    path = "/runtime/webhooks/durabletask/instances"

    wrong = ask(target, "GET", f"{path}?code=guessed", key="")
    route = ask(target, "GET", "/api/status", key="guessed")
    foreign = ask(target, "GET", path, headers={"Host": "evil.example"})

    assert [a.status_code for a in (wrong, route, foreign)] == [401, 401, 403]
    entry = newest(target, code="WRONG_KEY", action=f"GET {path}")
    assert (entry["kind"], entry["address"]) == ("refusal", ADDRESS)
    assert "guessed" not in str(entry)
    assert newest(target, code="FOREIGN_REQUEST", action=f"GET {path}")["who"] == ""
    # The app's own refusals are no refusals of the host.
    assert ask(target, "GET", "/api/audit").status_code == 401
    assert all("/api/audit" not in e["action"] for e in entries(target))


@attack(
    point=8,
    does="reads the audit log with a function key only",
    answer="401 UNAUTHENTICATED",
    log="audit: refusal, audit, UNAUTHENTICATED",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_the_log_is_for_people(target: Target) -> None:
    for path in ("/api/audit", "/api/audit/check"):
        assert error_of(ask(target, "GET", path)) == (401, "UNAUTHENTICATED")

    assert newest(target, kind="refusal", code="UNAUTHENTICATED")["reason"]


@attack(
    point=8,
    does="changes an entry of the log in its store",
    answer="`mlopsctl audit verify` exits with 1 and names the entry",
    log="host: audit log checked, 1 faults",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_changed_entry_is_found_by_the_command(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_URL", target.host.url)
    monkeypatch.setenv("MLOPS_TOKEN", target.token("ada"))
    ask(target, "POST", "/api/findings")
    number = verify(target)["head"]["number"]
    rows = target.rows
    row = rows.get(PARTITION, f"{ENTRY}{number:015d}")
    assert row is not None
    rows.write(
        PARTITION, [Put(key=row.key, content={**row.content, "who": "grace"}, etag=row.etag)]
    )

    found = check(target.api, "ada", [])

    assert [fault["number"] for fault in found["faults"]] == [number]
    assert logged(target, "1 faults")
    changed = rows.get(PARTITION, row.key)
    assert changed is not None
    rows.write(PARTITION, [Put(key=row.key, content=row.content, etag=changed.etag)])
    assert verify(target)["faults"] == []


@attack(
    point=8,
    does="cuts the log and its head, or rewrites the whole log",
    answer="a check with a head that was noted before names the first entry that differs",
    log="host: audit log checked",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_a_noted_head_is_compared(target: Target) -> None:
    head = verify(target)["head"]
    noted = f"{head['number']}:{head['hash']}"
    longer = f"{head['number'] + 1000}:{head['hash']}"
    other = f"{head['number']}:{'0' * 64}"

    assert verify(target, noted)["faults"] == []
    assert [f["number"] for f in verify(target, longer)["faults"]] == [head["number"] + 1000]
    assert [f["number"] for f in verify(target, other)["faults"]] == [head["number"]]
